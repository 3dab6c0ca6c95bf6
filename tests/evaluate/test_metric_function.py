"""Metrics of the user's: functions, classes of torchmetrics, undefined values, purity."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torchmetrics.classification import MulticlassAUROC, MultilabelAveragePrecision
from torchmetrics.functional.classification import multiclass_matthews_corrcoef

from papertrial.errors import DataError
from papertrial.evaluate.metric_function import check_pure, metric_function
from papertrial.evaluate.metrics import check_metrics, compute, own_arguments
from papertrial.tasks.image_classification import ImageClassification
from papertrial.tasks.prediction import TensorPrediction
from papertrial.tasks.regression import Regression

DRAW = torch.Generator().manual_seed(0)
LOGITS = torch.randn(40, 4, generator=DRAW)
LABELS = torch.randint(4, (40,), generator=DRAW)
MANY = torch.randint(2, (40, 4), generator=DRAW)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0.25, 0.25),
        (3, 3.0),
        (True, 1.0),
        (np.float32(0.5), 0.5),
        (np.array(0.5), 0.5),
        (torch.tensor(0.5, dtype=torch.float64), 0.5),
        (torch.tensor([0.5]), 0.5),
        (math.nan, None),
        (torch.tensor(math.nan), None),
    ],
)
def test_one_number_is_taken_and_nan_is_undefined(value: Any, number: float | None) -> None:
    assert metric_function("own", lambda output, target: value)(LOGITS, LABELS) == number


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (None, "NoneType"),
        ("0.5", "str"),
        (LOGITS[0], r"\[4\]"),
        ({"a": 1.0}, "dict"),
        (np.zeros(3), "ndarray"),
        (1j, "complex"),
        (10**400, "int"),
    ],
)
def test_anything_else_is_refused(value: Any, got: str) -> None:
    with pytest.raises(DataError, match=f"^metrics: own must return one number, got {got}"):
        metric_function("own", lambda output, target: value)(LOGITS, LABELS)


@pytest.mark.parametrize("value", [1.0, 1 + 1e-7, -3.0, math.nan])
def test_a_fraction_is_at_most_one(value: float) -> None:
    metric = metric_function("own", lambda output, target: value, is_fraction=True)
    assert metric(LOGITS, LABELS) == (None if math.isnan(value) else value)
    percent = metric_function("own", lambda output, target: 93.2, is_fraction=True)
    with pytest.raises(DataError, match=r"^metrics: own .*at most 1, got 93\.2; divide it by 100"):
        percent(LOGITS, LABELS)


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(DataError, match="metrics: own must be called"):
        metric_function("own", 3)


def _average_precision(scores: list[float], truth: list[int]) -> float:
    """Average the precision at each positive, in order of the scores."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    hits, total = 0, 0.0
    for rank, i in enumerate(order, 1):
        if truth[i]:
            hits += 1
            total += hits / rank
    return total / hits


def test_a_class_of_torchmetrics_starts_afresh_each_time() -> None:
    metric = metric_function("map", MultilabelAveragePrecision(num_labels=4))
    expected = [
        sum(_average_precision(x[:, k].tolist(), y[:, k].tolist()) for k in range(4)) / 4
        for x, y in ((LOGITS, MANY), (LOGITS[:20], MANY[:20]))
    ]
    values = [metric(LOGITS, MANY), metric(LOGITS[:20], MANY[:20]), metric(LOGITS, MANY)]
    assert values == pytest.approx([*expected, expected[0]], rel=1e-6)
    assert values[0] == values[2]


def test_a_function_of_torchmetrics_takes_logits() -> None:
    def mcc(output: Tensor, target: Tensor) -> Tensor:
        return multiclass_matthews_corrcoef(output, target, 4)

    guess, truth = np.eye(4)[LOGITS.argmax(1)], np.eye(4)[LABELS]
    covariance = [[np.mean((a - a.mean(0)) * (b - b.mean(0))) for b in (guess, truth)]
                  for a in (guess, truth)]  # fmt: skip
    expected = covariance[0][1] / math.sqrt(covariance[0][0] * covariance[1][1])
    assert metric_function("mcc", mcc)(LOGITS, LABELS) == pytest.approx(expected, abs=1e-6)


def test_purity_of_a_pure_metric_and_of_a_class() -> None:
    for built in (lambda output, target: output.mean(), MulticlassAUROC(num_classes=4)):
        check_pure(metric_function("own", built), LOGITS, LABELS)
    with_nan = LOGITS.clone()
    with_nan[0, 0] = math.nan
    check_pure(metric_function("own", lambda output, target: output.mean()), with_nan, LABELS)


class _Counter:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, output: Tensor, target: Any) -> float:
        self.calls += 1
        return self.calls


def _changes_a_target(output: Tensor, target: Any) -> float:
    target["a"] += 1
    return 0.0


IMPURE: list[tuple[Callable[[Tensor, Any], Any], str]] = [
    (lambda output, target: torch.rand(()), "pure function"),
    (lambda output, target: np.random.normal(), "pure function"),
    (lambda output, target: random.random(), "pure function"),
    (_Counter(), "pure function.*1.0 the first time and 2.0"),
    (lambda output, target: output.add_(1).mean(), "in place"),
    (_changes_a_target, "in place"),
]


@pytest.mark.parametrize(("function", "told"), IMPURE)
def test_a_metric_that_is_not_pure_is_refused(
    function: Callable[[Tensor, Any], Any], told: str
) -> None:
    target = {"a": LABELS.clone()}
    with pytest.raises(DataError, match=f"^metrics: own .*{told}"):
        check_pure(metric_function("own", function), LOGITS, target)
    assert torch.equal(target["a"], LABELS)


def test_what_a_metric_is_called_with_for_each_task() -> None:
    classes, one = ImageClassification(["a", "b", "c", "d"]), ImageClassification(["no", "yes"])
    output, target = own_arguments(classes, LOGITS, LABELS)
    assert torch.equal(output, LOGITS)
    assert torch.equal(target, LABELS)
    output, target = own_arguments(one, LOGITS[:, :1], MANY[:, 0])
    assert output.shape == target.shape == (40,)
    output, target = own_arguments(Regression(["x"], "y"), LOGITS[:, :1], LOGITS[:, 1])
    assert output.shape == target.shape
    named = {"a": LABELS, "b": MANY}
    output, target = own_arguments(TensorPrediction(), LOGITS, named)
    assert set(target) == {"a", "b"}
    assert target["a"] is not LABELS  # a copy


def test_metrics_in_place_do_not_spoil_each_other() -> None:
    def spoils(output: Tensor, target: Tensor) -> Tensor:
        output.zero_()
        return output.sum()

    own = {
        "first": metric_function("first", spoils),
        "second": metric_function("second", lambda output, target: output.sum()),
    }
    task = ImageClassification(["a", "b", "c", "d"])
    loss = torch.nn.functional.cross_entropy
    values = compute(["first", "second", "accuracy"], task, LOGITS, LABELS, loss, own=own)
    assert values["first"] == 0
    assert values["second"] == pytest.approx(LOGITS.sum().item())
    assert values["accuracy"] == (LOGITS.argmax(1) == LABELS).double().mean().item()


def test_the_loss_of_batches_is_weighted_by_their_samples() -> None:
    losses = torch.tensor([[2.0, 3], [5.0, 1]], dtype=torch.float64)
    values = compute(
        ["loss"], TensorPrediction(), LOGITS, MANY, lambda o, t: o.sum(), losses=losses
    )
    assert values["loss"] == (2 * 3 + 5) / 4


def test_a_prediction_has_the_loss_and_metrics_of_the_users_alone() -> None:
    check_metrics(["loss", "dice"], TensorPrediction(), ["dice"])
    with pytest.raises(DataError, match="'accuracy' is not a metric of prediction"):
        check_metrics(["accuracy"], TensorPrediction())
