"""Seeds in parallel: plain lines where nobody watches, one bar a worker on a terminal."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from papertrial.claims.events import (
    Looked,
    Registered,
    SeedEnded,
    SeedProgress,
    SeedRetried,
    SeedStarted,
)
from papertrial.cli.seeds import SeedReporter, Telling


class Clock:
    """`time.perf_counter`, moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


LOOK = "test accuracy 0.951 +- 0.003, interval [0.93, 0.97]: UNDECIDED"
RETRY = SeedRetried(1, "killed by signal 9 (SIGKILL): out of memory?")
TELLINGS: list[Telling] = [
    Registered(Path("runs/x/preregistration.json"), "ab12", ("at most 15 seeds", "alpha 0.05")),
    SeedStarted(0, 0, ""),
    SeedStarted(1, 1, ""),
    SeedProgress(0, 0, 10, 40, "loss 0.5"),
    RETRY,
    SeedEnded(0, 0, "finished", {"test accuracy": 0.95123, "test f1": 0.9}, "", 12.34),
    SeedStarted(0, 1, "versus 1"),
    SeedEnded(0, 1, "diverged", {}, "the loss is nan at step 5", 61.0),
    SeedEnded(1, 2, "crashed", {}, "", 0.0),
    Looked(5, 15, (LOOK, LOOK)),
]


def said(tellings: Sequence[Telling], *, terminal: bool, width: int = 200) -> str:
    out = io.StringIO()
    with SeedReporter(Console(file=out, force_terminal=terminal, width=width)) as reporter:
        for telling in tellings:
            reporter.show(telling)
    return out.getvalue()


KEPT = [
    "at most 15 seeds",
    "alpha 0.05",
    "registered in runs/x/preregistration.json, SHA-256 ab12",
    "seed 1 starts again: killed by signal 9 (SIGKILL): out of memory?",
    "seed 0: test accuracy 0.95123, test f1 0.9 (12.3 s)",
    "seed 1 diverged after 0:01:01: the loss is nan at step 5",
    "seed 2 crashed after 0.0 s",
    f"after 5 of at most 15 seeds: {LOOK}",
    f"after 5 of at most 15 seeds: {LOOK}",
]


def test_plain_lines_tell_of_starts_and_of_all_that_stays(clock: Clock) -> None:
    lines = said(TELLINGS, terminal=False).splitlines()
    assert [line for line in lines if not line.endswith(" started")] == KEPT
    assert [line for line in lines if line.endswith(" started")] == [
        "seed 0 started",
        "seed 1 started",
        "seed 1, versus 1 started",
    ]


def test_what_stays_is_printed_above_the_bars_of_a_terminal() -> None:
    text = said(TELLINGS, terminal=True)
    for line in KEPT:
        assert line in text
    assert "started" not in text


def test_a_plain_line_of_progress_comes_every_ten_seconds_for_each_worker(clock: Clock) -> None:
    out = io.StringIO()
    with SeedReporter(Console(file=out, width=200)) as reporter:
        for worker in (0, 1):
            reporter.show(SeedStarted(worker, worker, ""))
        reporter.show(SeedProgress(0, 0, 0, None, "reading images"))
        for second in range(25):
            clock.now = float(second)
            reporter.show(SeedProgress(0, 0, second * 100, 5000, "epoch 1"))
            if second == 12:
                reporter.show(SeedProgress(1, 1, 1200, None, ""))
    assert out.getvalue().splitlines()[2:] == [
        "seed 0  1,000/5,000  0:00:40 left  epoch 1",
        "seed 1  1,200",
        "seed 0  2,000/5,000  0:00:30 left  epoch 1",
    ]


def test_the_time_left_is_that_of_the_steps_that_are_counted(clock: Clock) -> None:
    out = io.StringIO()
    with SeedReporter(Console(file=out, width=200)) as reporter:
        reporter.show(SeedStarted(0, 3, ""))
        reporter.show(SeedProgress(0, 3, 50, 60, "decoding"))
        clock.now = 100.0  # the images took long; that says nothing of the training
        reporter.show(SeedProgress(0, 3, 0, 1000, ""))
        clock.now = 120.0
        reporter.show(SeedProgress(0, 3, 200, 1000, ""))
        clock.now = 140.0
        reporter.show(SeedProgress(0, 3, 1000, 1000, "evaluating"))
    assert out.getvalue().splitlines()[1:] == [
        "seed 3  0/1,000",
        "seed 3  200/1,000  0:01:20 left",
        "seed 3  1,000/1,000  evaluating",
    ]


def frame(tellings: Sequence[Telling], width: int) -> list[str]:
    """The bars as they stand on a terminal in the end."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=width, color_system=None)
    reporter = SeedReporter(console)
    for telling in tellings:
        reporter.show(telling)
    console.print(reporter._live.get_renderable())
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_terminal_has_one_line_for_each_worker_that_is_busy(width: int) -> None:
    long = "loss 0.1234  batch accuracy 0.9876  test accuracy 0.9512  12,345 samples/s"
    lines = frame(
        [
            *(SeedStarted(worker, worker + 3, "") for worker in range(3)),
            SeedProgress(1, 4, 0, None, "reading images"),
            SeedEnded(2, 5, "finished", {}, "", 1.0),
            SeedEnded(0, 3, "crashed", {}, "", 1.0),
            SeedStarted(0, 6, ""),
            SeedProgress(0, 6, 12, 938, long),
            SeedProgress(0, 6, 412, 938, long),
            SeedProgress(1, 4, 40, 40, "decoding"),
            SeedStarted(1, 4, "versus 1"),
        ],
        width,
    )
    bars = [line for line in lines if not line.startswith(("seed 5:", "seed 3 crashed"))]
    assert len(bars) == 2
    assert bars[0].startswith("seed 6")
    assert bars[1].startswith("seed 4, versus 1" if width > 40 else "seed 4,")
    assert "412/938" in bars[0]
    assert "0/?" in bars[1]
    assert (long in bars[0]) == (width == 200)
    assert ("left  loss" in bars[0]) == (width > 40)
    assert all(len(line) <= width for line in bars)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_text_with_marks_is_shown_as_it_is(terminal: bool) -> None:
    marks = "[/a] :smile: [red]1"
    tellings = [
        SeedStarted(0, 1, marks),
        SeedProgress(0, 1, 1, 2, marks),
        SeedEnded(0, 1, "crashed", {}, marks, 1.0),
        Looked(1, 5, (marks,)),
    ]
    text = said(tellings, terminal=terminal)
    assert f"seed 1 crashed after 1.0 s: {marks}" in text
    assert f"after 1 of at most 5 seeds: {marks}" in text
