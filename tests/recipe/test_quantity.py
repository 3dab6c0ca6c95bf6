"""Numbers as papers write them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from papertrial.recipe.quantity import interval_of, read_quantity, value_of, width_of
from papertrial.vocabulary import Metric


@pytest.mark.parametrize(
    ("text", "number", "step", "unit", "error"),
    [
        ("55 %", "0.55", "0.01", "%", False),
        ("64.6%", "0.646", "0.001", "%", False),
        ("64.60 percent", "0.6460", "0.0001", "%", False),
        ("8.75 % error", "0.0875", "0.0001", "%", True),
        ("0.0875 error rate", "0.0875", "0.0001", "", True),
        ("1.2 points", "0.012", "0.001", "points", False),
        ("1 point", "0.01", "0.01", "points", False),
        ("-1.5pp", "-0.015", "0.001", "points", False),
        ("1.087374", "1.087374", "0.000001", "", False),
        (".900", "0.900", "0.001", "", False),
        ("2,859.7", "2859.7", "0.1", "", False),
        ("1e-3", "0.001", "0.001", "", False),
        ("\u22120.5", "-0.5", "0.1", "", False),
        ("0.27M", "270000", "10000", "M", False),
        ("1.7 k", "1700", "100", "k", False),
    ],
)
def test_text_that_is_a_number(text: str, number: str, step: str, unit: str, error: bool) -> None:
    written = read_quantity(text)
    assert written is not None
    assert (written.number, written.step) == (Decimal(number), Decimal(step))
    assert (written.unit, written.error) == (unit, error)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "about 55 %",
        "55,5 %",
        "55 %%",
        "64.6 +- 0.3 %",
        "1,23",
        "nan",
        "inf",
        "%",
        "55 % x",
        "1e-99999999 %",
        "1e1000",
    ],
)
def test_text_that_is_not_a_number(text: str) -> None:
    assert read_quantity(text) is None


@pytest.mark.parametrize(
    ("printed", "metric", "rounding", "low", "high"),
    [
        ("55 %", "accuracy", "truncated", 0.55, 0.56),
        ("64.6%", "accuracy", "nearest", 0.6455, 0.6465),
        ("1.087374", "loss", "nearest", 1.0873735, 1.0873745),
        ("8.75 % error", "accuracy", "nearest", 0.91245, 0.91255),
        ("8.75 % error", "top5_accuracy", "truncated", 0.9124, 0.9125),
        ("0.900", "accuracy", "nearest", 0.8995, 0.9005),
        ("-1.2", "r2", "truncated", -1.3, -1.2),
        ("0.27M", "parameters", "nearest", 265_000, 275_000),
    ],
)
def test_the_interval_of_printed_digits(
    printed: str, metric: str, rounding: str, low: float, high: float
) -> None:
    ends = interval_of(printed, Metric(metric), rounding)  # type: ignore[arg-type]
    assert tuple(map(float, ends)) == (low, high)


def test_percent_signs_and_points_mean_the_same_for_a_gain() -> None:
    for printed in ("1.2 %", "1.2 points"):
        ends = interval_of(printed, Metric("accuracy"), "nearest", gain=True)
        assert tuple(map(float, ends)) == (0.0115, 0.0125)


@pytest.mark.parametrize(
    ("given", "metric", "value"),
    [
        ("55 %", "accuracy", "0.55"),
        (0.55, "accuracy", "0.55"),
        (1, "auroc", "1"),
        ("8.75 % error", "top1_accuracy", "0.9125"),
        (-3.5, "r2", "-3.5"),
        (-3.5, "loss", "-3.5"),
        (2548.07, "mse", "2548.07"),
        (1e-7, "mse", "1e-7"),
    ],
)
def test_a_value_is_in_the_metrics_own_unit(given: float | str, metric: str, value: str) -> None:
    assert value_of(given, Metric(metric)) == Decimal(value)


def test_a_gain_may_be_negative_and_in_points() -> None:
    assert value_of("-1.2 points", Metric("f1_micro"), gain=True) == Decimal("-0.012")
    assert value_of(-2.5, Metric("r2"), gain=True) == Decimal("-2.5")
    assert width_of("1.2 points", Metric("f1_weighted")) == Decimal("0.012")
    assert width_of(3, Metric("mse")) == Decimal(3)
