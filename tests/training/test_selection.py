"""The choice of the best step, and early stopping."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from papertrial.errors import ModelError
from papertrial.training.selection import BestWeights, EarlyStopping
from papertrial.vocabulary import Metric


def numbered(value: float) -> nn.Module:
    model = nn.BatchNorm1d(1)
    with torch.no_grad():
        model.weight.fill_(value)
    model.running_mean = torch.tensor([value])
    return model


def chosen(metric: str, values: list[float]) -> BestWeights:
    choice = BestWeights("validation", Metric(metric))
    for step, value in enumerate(values, 1):
        choice.offer(step, {metric: value, "other": -value}, numbered(step))
    return choice


@pytest.mark.parametrize(
    ("metric", "values", "best"),
    [
        ("accuracy", [0.1, 0.5, 0.4], 2),
        ("loss", [0.9, 0.5, 0.7], 2),
        ("rmse", [3.0, 2.0, 1.0], 3),
        ("r2", [-5.0, -3.0, -4.0], 2),
        ("accuracy", [0.0, 0.0], 1),
    ],
)
def test_the_best_is_the_highest_metric_or_the_lowest_loss(
    metric: str, values: list[float], best: int
) -> None:
    assert chosen(metric, values).step == best


def test_the_first_of_equal_steps_is_kept() -> None:
    assert chosen("accuracy", [0.3, 0.5, 0.5]).step == 2
    assert chosen("loss", [0.5, 0.3, 0.3]).step == 2


def test_weights_and_buffers_of_the_best_step_are_restored() -> None:
    choice, model = chosen("accuracy", [0.1, 0.5, 0.4]), numbered(9)
    choice.restore(model)
    assert model.weight.item() == 2
    assert model.running_mean is not None
    assert model.running_mean.item() == 2


def test_the_kept_weights_do_not_change_with_the_model() -> None:
    choice, model = BestWeights("test", Metric("loss")), numbered(1)
    choice.offer(1, {"loss": 0.5}, model)
    with torch.no_grad():
        model.weight.mul_(100)
    choice.restore(model)
    assert model.weight.item() == 1


@pytest.mark.parametrize("value", [None, {"a": 0.5}])
def test_nothing_is_chosen_by_a_metric_that_is_not_defined(value: object) -> None:
    with pytest.raises(ModelError, match="the metric auroc is not defined on this split"):
        BestWeights("validation", Metric("auroc")).offer(1, {"auroc": value}, numbered(1))


def stops(metric: str, values: list[float], patience: int, **more: float) -> list[bool]:
    stopping = EarlyStopping(Metric(metric), patience, **more)
    return [stopping.should_stop({metric: value}) for value in values]


def test_a_training_ends_after_patience_evaluations_without_improvement() -> None:
    values = [1.0, 0.9, 0.95, 0.91, 0.89, 0.9, 0.9, 0.9]
    assert stops("loss", values, 3) == [False] * 7 + [True]
    assert stops("loss", values[:4], 2) == [False, False, False, True]


def test_a_patience_of_one_ends_at_the_first_evaluation_without_improvement() -> None:
    assert stops("accuracy", [0.5, 0.6, 0.6], 1) == [False, False, True]


def test_a_change_smaller_than_min_delta_does_not_count() -> None:
    values = [0.50, 0.505, 0.51]
    assert stops("accuracy", values, 2, min_delta=0.05) == [False, False, True]
    assert stops("accuracy", values, 2) == [False, False, False]


def test_many_small_changes_add_up_to_one_that_counts() -> None:
    values = [1.0 - 0.02 * i for i in range(8)]
    assert not any(stops("loss", values, 3, min_delta=0.05))


def test_the_first_evaluation_always_improves() -> None:
    assert stops("loss", [1e300], 1) == stops("r2", [-1e300], 1) == [False]
