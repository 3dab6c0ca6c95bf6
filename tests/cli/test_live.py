"""The live display: bars on a terminal, plain lines elsewhere; what it follows is closed."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Generator, Sequence

import pytest
from rich.console import Console

from papertrial.cli.live import Line, Live, Remove, Row, Shown, follow_steps
from papertrial.progress import Step, Steps


class Clock:
    """`time.perf_counter`, set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


class Screen(Console):
    """A terminal, or a plain file, of which the text can be read."""

    def __init__(self, *, terminal: bool, width: int = 200) -> None:
        super().__init__(
            file=io.StringIO(),
            force_terminal=terminal,
            force_interactive=terminal,
            width=width,
            color_system=None,
        )

    @property
    def text(self) -> str:
        assert isinstance(self.file, io.StringIO)
        return self.file.getvalue()


def frame(shown: Sequence[Shown], width: int) -> list[str]:
    """The bars on a terminal after all this was shown."""
    screen = Screen(terminal=True, width=width)
    with Live(console=screen) as live:
        for each in shown:
            live.show(each)
        drawn = Screen(terminal=False, width=width)
        drawn.print(live._progress.get_renderable())
    return drawn.text.splitlines()


def test_plain_lines_come_at_intervals_for_each_row(clock: Clock) -> None:
    screen = Screen(terminal=False)
    with Live(10, screen) as live:
        for key in (0, 1):
            live.show(Row(f"seed {key}", text="started", key=key))
        for second in range(25):
            clock.now = float(second)
            live.show(Row("seed 0", second * 100, 5000, "steps", "loss 0.5", key=0))
            if second == 12:
                live.show(Row("seed 1", 1200, key=1))
    assert screen.text.splitlines() == [
        "seed 0  started",
        "seed 1  started",
        "seed 0  1,000/5,000 steps  0:00:40 left  loss 0.5",
        "seed 1  1,200",
        "seed 0  2,000/5,000 steps  0:00:30 left  loss 0.5",
    ]


def test_a_row_that_must_be_seen_is_printed_immediately(clock: Clock) -> None:
    screen = Screen(terminal=False)
    with Live(10, screen) as live:
        live.show(Row("epoch 1/1", 0, 2))
        live.show(Row("epoch 1/1", 1, 2))
        live.show(Row("epoch 1/1", 2, 2, always=True))
    assert screen.text == "epoch 1/1  2/2\n"


def test_work_of_unknown_length_is_printed_once_when_it_starts(clock: Clock) -> None:
    screen = Screen(terminal=False)
    with Live(2, screen) as live:
        for done in (0, 100, 200):
            live.show(Row("reading digits", done, None, "rows"))
        live.show(Row("decoding photos", 10, 40, "images"))
        clock.now = 3.0
        live.show(Row("reading texts", 1_200, None, "texts"))
    assert screen.text.splitlines() == ["reading digits", "reading texts  1,200 texts"]


def test_bytes_are_written_as_sizes(clock: Clock) -> None:
    screen = Screen(terminal=False)
    with Live(0, screen) as live:
        live.show(Row("fetching set.zip", 1_500_000, 30_000_000, "bytes"))
        clock.now = 1.0
        live.show(Row("fetching set.zip", 3_500_000, 30_000_000, "bytes"))
    assert screen.text.splitlines() == [
        "fetching set.zip  1.5 MB/30.0 MB",
        "fetching set.zip  3.5 MB/30.0 MB  0:00:13 left",  # of a resumed download: 2 MB/s
    ]


@pytest.mark.parametrize(
    ("label", "total"),
    [
        ("evaluating", 1000),  # another total
        ("training", 60),  # the same total from the start
    ],
)
def test_the_time_left_comes_from_the_work_that_is_counted(
    clock: Clock, label: str, total: int
) -> None:
    screen = Screen(terminal=False)
    with Live(0, screen) as live:
        live.show(Row("decoding", 50, 60))
        clock.now = 100.0  # decoding was slow; that says nothing about the rest
        live.show(Row(label, 0, total))
        clock.now = 120.0
        live.show(Row(label, total // 5, total))
        clock.now = 140.0
        live.show(Row(label, total, total))
    assert screen.text.splitlines()[1:] == [
        f"{label}  0/{total:,}",
        f"{label}  {total // 5}/{total:,}  0:01:20 left",
        f"{label}  {total:,}/{total:,}",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_terminal_has_one_line_for_each_row(width: int) -> None:
    long = "loss 0.1234  batch accuracy 0.9876  test accuracy 0.9512  12,345 samples/s"
    lines = frame(
        [
            *(Row(f"seed {worker + 3}", key=worker) for worker in range(3)),
            Row("seed 4", 0, None, "", "reading images", key=1),
            Remove(2),
            Remove("another"),
            Remove(0),
            Row("seed 6", key=0),
            Row("seed 6", 12, 938, "", long, key=0),
            Row("seed 6", 412, 938, "", long, key=0),
            Row("seed 4", 40, 40, "", "decoding", key=1),
            Row("seed 4", 0, None, "", "versus 1", key=1),
        ],
        width,
    )
    assert len(lines) == 2
    assert lines[0].startswith("seed 6")  # a row keeps its position
    assert lines[1].startswith("seed 4")
    assert "412/938" in lines[0]
    assert "/" not in lines[1]
    assert (long in lines[0]) == (width == 200)
    assert ("left  loss" in lines[0]) == (width > 40)
    assert all(len(line) <= width for line in lines)


def test_lines_stay_above_the_bars_and_plain_lines_are_for_files() -> None:
    shown = [Row("epoch 1/2", 1, 4), Line("seed 1: 0.5"), Line("step 3: 0.4", plain=True)]
    for terminal in (True, False):
        screen = Screen(terminal=terminal)
        with Live(console=screen) as live:
            for each in shown:
                live.show(each)
        assert "seed 1: 0.5" in screen.text
        assert ("step 3: 0.4" in screen.text) is not terminal
        assert ("\x1b" in screen.text) is terminal


def test_after_clear_a_row_starts_the_display_again() -> None:
    screen = Screen(terminal=True)
    with Live(console=screen) as live:
        live.show(Row("checking runs", 1, 4))
        live.clear()
        assert not live._progress.live.is_started
        live.show(Row("training seed 2", 1, 4))
        assert live._progress.live.is_started
        (visible,) = [task for task in live._progress.tasks if task.visible]
        assert visible.description == "training seed 2"
    assert not live._progress.live.is_started


@pytest.mark.parametrize("terminal", [True, False])
def test_text_that_looks_like_markup_is_shown_unchanged(terminal: bool) -> None:
    markup = "[/a] :smile: [red]1"
    screen = Screen(terminal=terminal)
    with Live(0, console=screen) as live:
        live.show(Row(f"reading {markup}", text=f"text {markup}"))
        live.show(Line(f"line {markup}"))
        if terminal:
            live._progress.refresh()
    for shown in ("reading", "text", "line"):
        assert f"{shown} {markup}" in screen.text


def test_following_steps_returns_what_the_generator_returns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def work() -> Steps[int]:
        yield Step("learning", 0, None, "words")
        return 42

    assert follow_steps(work()) == 42
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == ("", ["learning"])


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_following_closes_the_generator_when_it_is_interrupted(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = []

    def work() -> Generator[Step, None, None]:
        try:
            yield Step("training", 0, None, "steps")
        except GeneratorExit:
            ended.append("closed")
            raise

    def interrupted(live: Live, shown: Shown) -> None:
        raise error

    monkeypatch.setattr(Live, "show", interrupted)
    steps = work()  # a reference that outlives the loop
    with pytest.raises(error):
        follow_steps(steps)
    assert ended == ["closed"]


def test_the_display_does_not_import_torch() -> None:
    code = (
        "import sys, papertrial.cli.live, papertrial.cli.seed_rows\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
