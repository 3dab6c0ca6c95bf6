"""Progress in plain lines where nobody watches, and live on a terminal."""

from __future__ import annotations

import io
from collections.abc import Generator
from pathlib import Path

import pytest
import torch
from rich.console import Console

from papertrial.cli.progress import Reporter, following
from papertrial.progress import Step
from papertrial.training.events import Evaluated, Event, Started, Trained
from papertrial.training.loop import Progress

STARTED = Started(
    Path("runs/x"), "cpu", 4810, {"train": 898, "test": 899}, 1, 29,
    ("vectors has 50.0% of 10 words",),
)  # fmt: skip


def trained(step: int) -> Trained:
    none = torch.zeros(1)
    progress = Progress(1, step, step == 29, 0.5, 0.1, 1234.5, 1.0, none, none)
    return Trained(progress, "accuracy", 0.75)


EVENTS: list[Event] = [
    Step("reading digits", 0, None, "rows"),
    Step("decoding photos", 10, 40, "images"),
    STARTED,
    trained(10),
    Evaluated("test", 10, {"accuracy": 0.7, "confusion_matrix": [[1]]}),
    trained(29),
    Evaluated("train", 29, {"accuracy": 0.9}, final=True),
    Evaluated("test", 29, {"accuracy": 0.8}, final=True),
]


def said(*, terminal: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=200)
    with Reporter(console) as reporter:
        for event in EVENTS:
            reporter.show(event)
    return out.getvalue()


def test_plain_lines_tell_of_the_start_and_of_the_end() -> None:
    lines = said(terminal=False).splitlines()
    assert lines[0] == "reading digits"
    assert lines[1] == (
        "4,810 parameters on cpu; 898 train, 899 test; 1 epoch, 29 steps; run runs/x"
    )
    assert lines[2] == "vectors has 50.0% of 10 words"
    assert lines[3] == "step 10  test accuracy 0.7"
    assert lines[4].startswith(
        "epoch 1/1  step 29/29  loss 0.5  batch accuracy 0.75  test accuracy 0.7"
    )
    assert len(lines) == 5


def test_a_terminal_has_the_start_and_a_live_line() -> None:
    text = said(terminal=True)
    assert "4,810 parameters on cpu" in text
    assert "\x1b" in text


@pytest.mark.parametrize("terminal", [True, False])
def test_a_name_with_marks_is_shown_as_it_is(terminal: bool) -> None:
    out = io.StringIO()
    with Reporter(Console(file=out, force_terminal=terminal, width=200)) as reporter:
        reporter.show(Step("reading [/a] :smile:", 0, None, "rows"))
        reporter.show(STARTED)
    assert "reading [/a] :smile:" in out.getvalue()


def test_following_gives_what_the_generator_returns(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> Generator[Step, None, int]:
        yield Step("learning", 0, None, "words")
        return 42

    assert following(work()) == 42
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == ("", ["learning"])


def test_following_closes_what_it_leaves() -> None:
    ended = []

    def work() -> Generator[Step, None, None]:
        try:
            yield Step("failing", 0, None, "steps")
            raise KeyError("gone")
        finally:
            ended.append(True)

    with pytest.raises(KeyError, match="gone"):
        following(work())
    assert ended == [True]
