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
    assert {name for name, value in worst.items() if value == -1} == {"mcc", "cohen_kappa"}
    assert {name for name, value in worst.items() if value == 1} == {"hamming_loss"}
    assert set(worst.values()) == {-1.0, 0.0, 1.0, math.inf}
    assert (Metric("f1[a]").worst_value, Metric("rmse[a]").worst_value) == (0.0, math.inf)
    assert Metric("top3_accuracy").worst_value == 0.0


def test_whether_less_is_better_is_known_of_every_metric_of_one_number() -> None:
    single = {name for name in METRICS if is_one_number(name)}
    errors = {"loss", "mse", "rmse", "mae", "hamming_loss"}
    assert {n for n in single if lower_is_better(n)} == errors
    assert lower_is_better("rmse[f1]")
    assert not lower_is_better("f1[loss]")
    assert not lower_is_better("top3_accuracy")
