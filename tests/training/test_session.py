"""A whole training: when splits are evaluated, which step is reported, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from papertrial.data.column import Dataset
from papertrial.data.sources.named_sets import loading
from papertrial.errors import DivergedError
from papertrial.evaluate.evaluator import Evaluator
from papertrial.evaluate.prepared_model import PreparedModel
from papertrial.progress import finish
from papertrial.training.events import Evaluated, Trained
from papertrial.training.selection import BestWeights, EarlyStopping
from papertrial.training.session import Evaluations, session
from papertrial.training.session_state import SessionState, TrainingResult
from papertrial.vocabulary import Metric

EPOCH = 7  # steps
ROWS = {"train": 100, "validation": 17, "test": 23}
Make = Callable[..., Any]


class Counted(nn.CrossEntropyLoss):
    """Records the numbers of rows that it is called on without gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[int] = []

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        if not output.requires_grad:
            self.rows.append(len(output))
        return super().forward(output, target)


@pytest.fixture(scope="module")
def parts(digits: Dataset) -> Dataset:
    from pathlib import Path

    rows = finish(loading("digits", Path())).train
    return Dataset(
        "digits",
        "image",
        digits.train,
        validation=rows.rows(torch.arange(200, 217)),
        test=rows.rows(torch.arange(300, 323)),
        classes=digits.classes,
    )


def evaluator(training: Any, dataset: Dataset, loss: nn.Module | None = None) -> Evaluator:
    batches = training.batches
    device = torch.device("cpu")
    return Evaluator(
        PreparedModel(training.state.model, batches.pipeline, batches.state, device),
        dataset,
        task=training.objective.task,
        metrics=["loss", "accuracy"],
        loss=loss or nn.CrossEntropyLoss(),
    )


def run(
    training: Any, dataset: Dataset, loss: nn.Module | None = None, **options: Any
) -> tuple[list[Trained | Evaluated], TrainingResult]:
    options = {"steps": 4 * EPOCH, "evaluations": Evaluations(EPOCH), **options}
    parts = {name: options.pop(name, None) for name in ("choice", "stopping", "mean")}
    steps: Generator[Any, None, TrainingResult] = session(
        SessionState(training.state, **parts), training.batches, training.objective,
        evaluator(training, dataset, loss), seed=training.seed, **options,
    )  # fmt: skip
    events = []
    while True:
        try:
            events.append(next(steps))
        except StopIteration as end:
            return events, end.value


def evaluated(events: list[Any]) -> list[tuple[str, int, bool]]:
    return [(e.split, e.step, e.final) for e in events if isinstance(e, Evaluated)]


END = [("train", 28, True), ("validation", 28, True), ("test", 28, True)]


def test_the_validation_part_is_evaluated_in_between_and_every_split_at_the_end(
    make_training: Make, parts: Dataset
) -> None:
    events, outcome = run(make_training(), parts)
    assert evaluated(events) == [("validation", EPOCH * i, False) for i in (1, 2, 3)] + END
    assert outcome.step == outcome.last_step == 28
    assert outcome.last is None
    assert {split: len(kept.output) for split, kept in outcome.outputs.items()} == ROWS


def test_no_sample_of_the_test_split_is_seen_before_the_end(
    make_training: Make, parts: Dataset
) -> None:
    for choice in (None, BestWeights("validation", Metric("accuracy"))):
        loss = Counted()
        run(make_training(), parts, loss, choice=choice)
        first = loss.rows.index(ROWS["test"])
        assert loss.rows[:first] == [17, 17, 17, 100, 17]


def test_the_test_split_is_evaluated_each_epoch_if_asked_and_counted(
    make_training: Make, parts: Dataset
) -> None:
    events, outcome = run(make_training(), parts, evaluations=Evaluations(None, EPOCH))
    assert evaluated(events) == [("test", EPOCH * i, False) for i in (1, 2, 3)] + END
    assert outcome.test_evaluations == 3


@pytest.mark.parametrize(
    ("validation", "test", "due"),
    [(2, None, {2: ["validation"], 3: [], 4: ["validation"]}), (None, 3, {2: [], 3: ["test"]}),
     (2, 3, {5: [], 6: ["validation", "test"]}), (None, None, {1: []})],
)  # fmt: skip
def test_splits_that_are_due(
    validation: int | None, test: int | None, due: dict[int, list[str]]
) -> None:
    evaluations = Evaluations(validation, test)
    assert {step: evaluations.due(step) for step in due} == due


def test_evaluation_changes_no_weight(make_training: Make, parts: Dataset) -> None:
    often, seldom = make_training(dropout=0.3), make_training(dropout=0.3)
    run(often, parts, evaluations=Evaluations(1, 2))
    run(seldom, parts, evaluations=Evaluations(None))
    plain = make_training(dropout=0.3)
    list(plain.steps(4 * EPOCH))
    for name, value in plain.weights().items():
        assert torch.equal(value, often.weights()[name])
        assert torch.equal(value, seldom.weights()[name])


def worsening(optimizer: Any) -> Any:
    return torch.optim.lr_scheduler.ExponentialLR(optimizer, 15)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_best_step_is_reported_with_its_weights(
    split: str, make_training: Make, parts: Dataset
) -> None:
    training = make_training(scheduler=worsening)
    every = Evaluations(EPOCH, EPOCH if split == "test" else None)
    events, outcome = run(
        training, parts, evaluations=every, choice=BestWeights(split, Metric("loss"))
    )
    seen = {e.step: e.metrics["loss"] for e in events[::-1]
            if isinstance(e, Evaluated) and e.split == split}  # fmt: skip
    assert outcome.step == min(seen, key=lambda step: seen[step]) < outcome.last_step == 28
    assert outcome.metrics[split]["loss"] == seen[outcome.step]
    assert outcome.last is not None
    assert outcome.last[split]["loss"] == seen[28] > seen[outcome.step]
    plain = make_training(scheduler=worsening)
    list(plain.steps(outcome.step))
    for name, value in plain.weights().items():
        assert torch.equal(value, training.weights()[name])
    assert outcome.state is not None
    assert outcome.state["step"] == 28
    model = outcome.state["model"]
    assert not torch.equal(model["5.weight"], training.weights()["5.weight"])
    assert evaluated(events)[-3:] == [(name, outcome.step, True) for name in ROWS]


def test_a_last_step_that_is_the_best_is_not_evaluated_twice(
    make_training: Make, parts: Dataset
) -> None:
    events, outcome = run(
        make_training(lambda p: torch.optim.SGD(p, lr=1e-3)),
        parts,
        choice=BestWeights("test", Metric("loss")),
    )
    assert evaluated(events)[-3:] == END
    assert len(evaluated(events)) == 6
    assert outcome.last is None


def test_the_training_stops_early_and_is_evaluated_where_it_stopped(
    make_training: Make, parts: Dataset
) -> None:
    training = make_training(lambda p: torch.optim.SGD(p, lr=0.0))
    training.state.model[1] = nn.Identity()  # whose statistics would still move
    events, outcome = run(training, parts, steps=100, stopping=EarlyStopping(Metric("loss"), 2))
    assert outcome.last_step == training.state.step == 3 * EPOCH
    assert list(outcome.epoch_seconds) == [1, 2, 3]
    assert evaluated(events)[-3:] == [(split, 21, True) for split in ROWS]


def test_a_scheduler_gets_each_evaluation_but_the_last(make_training: Make, parts: Dataset) -> None:
    def plateau(optimizer: Any) -> Any:
        return torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)

    training = make_training(
        lambda p: torch.optim.SGD(p, lr=1e-30), plateau, monitor="loss", interval="epoch"
    )
    training.state.model[1] = nn.Identity()
    run(training, parts)
    assert training.state.schedule.scheduler.num_bad_epochs == 0
    assert training.state.schedule.scheduler.last_epoch == 3
    assert training.state.optimizer.param_groups[0]["lr"] == pytest.approx(0.25e-30)


def test_events_come_step_by_step(make_training: Make, parts: Dataset) -> None:
    events, _ = run(make_training(), parts, log_every=5)
    steps = [e.progress.step for e in events if isinstance(e, Trained)]
    assert steps == [5, 7, 10, 14, 15, 20, 21, 25, 28]
    first = next(e for e in events if isinstance(e, Trained))
    assert first.headline == "accuracy"
    assert 0 <= first.score <= 1


def test_outputs_that_are_not_finite_end_the_training(make_training: Make, parts: Dataset) -> None:
    training = make_training(lambda p: torch.optim.SGD(p, lr=1e38))
    with pytest.raises(DivergedError, match="diverged"):
        run(training, parts, steps=1)
