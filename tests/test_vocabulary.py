"""The names of metrics, and what they say of the metric."""

from __future__ import annotations

import math

from papertrial.vocabulary import METRICS, Metric, is_one_number, lower_is_better


def test_the_worst_value_of_every_metric_of_one_number() -> None:
    worst = {name: Metric(name).worst_value for name in METRICS if is_one_number(name)}
    assert {name for name, value in worst.items() if value == math.inf} == {
        "loss", "mse", "rmse", "mae"
    }  # fmt: skip
    assert worst.pop("r2") == -math.inf
    assert set(worst.values()) == {0.0, math.inf}
    assert Metric("top3_accuracy").worst_value == 0.0


def test_whether_less_is_better_is_known_of_every_metric_of_one_number() -> None:
    single = {name for name in METRICS if is_one_number(name)}
    assert {n for n in single if lower_is_better(n)} == {"loss", "mse", "rmse", "mae"}
    assert not lower_is_better("top3_accuracy")
