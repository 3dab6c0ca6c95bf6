"""Means over the last evaluations."""

from __future__ import annotations

import pytest

from papertrial.training.mean_of_last import MeanOfLast
from papertrial.vocabulary import MetricValue


def test_the_mean_is_over_the_last_evaluations_of_each_split() -> None:
    mean = MeanOfLast(3)
    for step, value in enumerate([9.0, 0.1, 0.2, 0.6], 1):
        mean.add("test", step, {"accuracy": value})
    mean.add("train", 4, {"accuracy": 1.0})
    assert mean.mean("test") == {"accuracy": pytest.approx(0.3, abs=1e-15)}
    assert mean.mean("train") == {"accuracy": 1.0}


def test_a_second_evaluation_of_a_step_replaces_the_first() -> None:
    mean = MeanOfLast(2)
    for step, value in ((1, 1.0), (2, 5.0), (2, 2.0)):
        mean.add("test", step, {"loss": value})
    assert mean.mean("test") == {"loss": 1.5}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[[1, 0], [0, 1]], [[2, 0], [0, 0]]], [[2, 0], [0, 0]]),
        ([{"a": 1.0}, {"a": 0.5}], {"a": 0.5}),
        ([None, 1.0], None),
        ([1.0, None], None),
    ],
)
def test_what_is_not_a_number_is_that_of_the_last(
    values: list[MetricValue], expected: MetricValue
) -> None:
    mean = MeanOfLast(2)
    for step, value in enumerate(values):
        mean.add("test", step, {"metric": value})
    assert mean.mean("test") == {"metric": expected}
