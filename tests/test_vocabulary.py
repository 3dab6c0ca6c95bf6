"""The names of metrics, and what they say of the metric."""

from __future__ import annotations

from papertrial.vocabulary import METRICS, is_one_number, lower_is_better


def test_whether_less_is_better_is_known_of_every_metric_of_one_number() -> None:
    single = {name for name in METRICS if is_one_number(name)}
    assert {n for n in single if lower_is_better(n)} == {"loss", "mse", "rmse", "mae"}
    assert not lower_is_better("top3_accuracy")
