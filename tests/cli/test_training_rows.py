"""What the events of a training change on the screen."""

from __future__ import annotations

from pathlib import Path

import torch

from papertrial.cli.live import Line, Row, Shown
from papertrial.cli.training_rows import TrainingRows
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


def shown(*events: Event) -> list[Shown]:
    describe = TrainingRows()
    return [each for event in events for each in describe.rows(event)]


def test_a_preparation_is_a_row() -> None:
    step = Step("decoding photos", 10, 40, "images")
    assert shown(step) == [Row("decoding photos", 10, 40, "images")]


def test_the_start_names_sizes_folder_and_notes_and_starts_the_clock() -> None:
    assert shown(STARTED) == [
        Line("4,810 parameters on cpu; samples: 898 train, 899 test; 1 epoch, 29 steps"),
        Line("run folder: runs/x"),
        Line("vectors has 50.0% of 10 words"),
        Row("epoch 1/1", 0, 29, "steps"),
    ]


def test_steps_show_scores_with_the_last_evaluation_and_the_last_step_is_always_printed() -> None:
    *_, early, line, late = shown(
        STARTED, trained(10), Evaluated("test", 10, {"accuracy": 0.7}), trained(29)
    )
    before, rate = "loss 0.5  batch accuracy 0.75", "1,234 samples/s"
    assert early == Row("epoch 1/1", 10, 29, "steps", f"{before}  {rate}")
    assert line == Line("step 10  test accuracy 0.7")
    text = f"{before}  test accuracy 0.7  {rate}"
    assert late == Row("epoch 1/1", 29, 29, "steps", text, always=True)


def test_only_an_evaluation_of_the_test_split_stays_on_a_terminal() -> None:
    scores = {"accuracy": 0.7, "confusion_matrix": [[1]]}
    *_, row, validation, test = shown(
        STARTED,
        trained(10),
        Evaluated("train", 10, scores),
        Evaluated("validation", 10, scores),
        Evaluated("test", 10, scores),
    )
    assert isinstance(row, Row)
    assert validation == Line("step 10  validation accuracy 0.7", plain=True)
    assert test == Line("step 10  test accuracy 0.7")


def test_an_evaluation_of_tensors_shows_metrics_of_the_users_beside_the_loss() -> None:
    progress = trained(10).progress
    scores = {"loss": 0.5, "psnr": 31.25, "dice": 0.9, "hits": 0.1, "fifth": 1.0}
    *_, line = shown(STARTED, Trained(progress, "loss", None), Evaluated("test", 10, scores))
    assert line == Line("step 10  test loss 0.5, psnr 31.25, dice 0.9, hits 0.1")


def test_a_final_evaluation_is_named_in_the_row() -> None:
    *_, last, row = shown(STARTED, trained(29), Evaluated("test", 29, {"accuracy": 0.8}, True))
    assert isinstance(last, Row)
    assert isinstance(row, Row)
    assert (row.label, row.done, row.total) == ("evaluated test", 29, 29)
    assert not row.always
