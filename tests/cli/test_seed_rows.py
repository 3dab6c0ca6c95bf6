"""What the events of a verification change on the screen."""

from __future__ import annotations

from pathlib import Path

from papertrial.claims.events import (
    Looked,
    Registered,
    SeedEnded,
    SeedProgress,
    SeedRetried,
    SeedStarted,
)
from papertrial.cli.live import Line, Remove, Row, Shown
from papertrial.cli.seed_rows import SeedRows
from papertrial.progress import Step
from papertrial.verification.program_seed import program_position
from papertrial.verification.verify import Event

REGISTERED = Registered(Path("runs/x-verify"), "ab12", ("at most 15 seeds", "alpha 0.05"))


def shown(*events: Event) -> list[Shown]:
    describe = SeedRows()
    return [each for event in events for each in describe.rows(event)]


def test_the_rule_stays_on_the_screen() -> None:
    assert shown(REGISTERED) == [
        Line("at most 15 seeds"),
        Line("alpha 0.05"),
        Line("registered in runs/x-verify, SHA-256 ab12"),
    ]


def test_each_worker_has_a_row() -> None:
    started = SeedStarted(1, 4)
    progress = SeedProgress(1, 4, 10, 40, "loss 0.5")
    assert shown(Step("reading", 0, None, "rows"), started, progress) == [
        Row("reading", 0, None, "rows"),
        Remove(),
        Row("seed 4", text="started", key=1),
        Row("seed 4", 10, 40, text="loss 0.5", key=1),
    ]


def test_a_seed_that_ends_leaves_a_line() -> None:
    finished = SeedEnded(0, 0, "finished", {"test accuracy": 0.95123, "test f1": 0.9}, "", 12.34)
    diverged = SeedEnded(1, 1, "diverged", {}, "the loss is nan at step 5", 61.0)
    crashed = SeedEnded(0, 2, "crashed", {}, "", 0.0)
    assert shown(finished, diverged, crashed) == [
        Remove(0),
        Line("seed 0: test accuracy 0.95123, test f1 0.9 (12.3 s)"),
        Remove(1),
        Line("seed 1 diverged after 0:01:01: the loss is nan at step 5"),
        Remove(0),
        Line("seed 2 crashed after 0.0 s"),
    ]


def test_retries_and_looks_stay_on_the_screen() -> None:
    retry = SeedRetried(1, "killed by signal 9 (SIGKILL)")
    look = Looked(5, 15, ("test accuracy 0.951: UNDECIDED", "test f1 0.9: REPRODUCED"))
    assert shown(retry, look) == [
        Line("seed 1 starts again: killed by signal 9 (SIGKILL)"),
        Line("after 5 of at most 15 seeds: test accuracy 0.951: UNDECIDED"),
        Line("after 5 of at most 15 seeds: test f1 0.9: REPRODUCED"),
    ]


def test_the_folder_and_the_seeds_that_ended_are_known() -> None:
    describe = SeedRows()
    assert (describe.folder, describe.ended) == (None, 0)
    for event in (REGISTERED, SeedStarted(0, 3), SeedEnded(0, 3, "finished", {}, "", 1.0)):
        list(describe.rows(event))
    assert (describe.folder, describe.ended) == (Path("runs/x-verify"), 1)


def test_the_time_of_a_program_has_its_unit() -> None:
    at = program_position("", 12.7, "epoch 3")
    assert shown(SeedProgress(1, 4, at.done, at.total, at.text)) == [
        Row("seed 4", text="12 s  epoch 3", key=1)
    ]
