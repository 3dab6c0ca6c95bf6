"""Quantities as papers print them: "55 %", "8.75 % error", "1.2 points", "0.27M"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from papertrial.vocabulary import COUNTS, Metric

Rounding = Literal["nearest", "truncated"]

# Exponents have at most three digits: no score needs more, and Decimal overflows with longer ones.
_NUMBER = r"[-+\u2212]?(\d+(,\d{3})*(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?"
_PERCENT, _POINTS, _ERROR = r"(%|percent)", r"(points?|pp)", r"\s*error( rate)?"
# For the JSON Schema: the texts that _WRITTEN matches, with the units allowed for each key.
VALUE_PATTERN = rf"^\s*{_NUMBER}\s*({_PERCENT}({_ERROR})?|{_POINTS})\s*$"
POINTS_PATTERN = rf"^\s*{_NUMBER}\s*{_POINTS}\s*$"
PERCENT_PATTERN = rf"^\s*{_NUMBER}\s*{_PERCENT}\s*$"
PRINTED_PATTERN = rf"^\s*{_NUMBER}\s*({_PERCENT}|{_POINTS}|[kKMB])?({_ERROR})?\s*$"
_WRITTEN = re.compile(
    rf"\s*(?P<number>{_NUMBER})\s*"
    rf"((?P<percent>{_PERCENT})|(?P<points>{_POINTS})|(?P<scale>[kKMB]))?(?P<error>{_ERROR})?\s*"
)
_SCALES = {"k": 3, "K": 3, "M": 6, "B": 9}


@dataclass(frozen=True)
class Quantity:
    """A quantity as printed: "8.75 % error" is the number 0.0875 with steps of 0.0001.

    Attributes:
        number: the number; percent and points as a fraction.
        step: the distance between two numbers with as many digits.
        unit: "", "%", "points", or the letter of "0.27M".
        error: whether the number is an error rate.
    """

    number: Decimal
    step: Decimal
    unit: str
    error: bool


def read_quantity(text: str) -> Quantity | None:
    """Read a quantity as printed, a number with or without a unit; return None for other text."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    number = Decimal(found["number"].replace(",", "").replace("\u2212", "-"))
    unit = found["scale"] or ("%" if found["percent"] else "points" if found["points"] else "")
    places = _SCALES.get(unit, -2 if unit else 0)
    step = Decimal(1).scaleb(int(number.as_tuple().exponent) + places)
    return Quantity(number.scaleb(places), step, unit, found["error"] is not None)


def is_percentage(given: object) -> bool:
    """Return whether a quantity is given as text in percent or points."""
    written = read_quantity(given) if isinstance(given, str) else None
    return written is not None and written.unit in ("%", "points")


def plain(number: Decimal) -> str:
    """Format the number of a quantity without an exponent and without trailing zeros."""
    return f"{number.normalize():f}"


def as_points(share: Decimal) -> str:
    """Format a fraction as a quantity in points: 0.005 is "0.5 points", 0.01 is "1 point"."""
    points = plain(share.scaleb(2))
    return f"{points} point{'s' * (points != '1')}"


def both_ways(share: Decimal) -> str:
    """Return the two notations of a quantity that is a fraction: `0.005 or "0.5 points"`."""
    return f'{plain(share)} or "{as_points(share)}"'


def points_readings(number: Decimal) -> str:
    """Return the quantities that a width without a unit may mean: `"0.06 points" or "6 points"`.

    No width of a fraction is 1 or more, so 2 can only mean "2 points".
    """
    meant = [as_points(number.scaleb(-2)), *([as_points(number)] if number < 1 else [])]
    return " or ".join(f'"{text}"' for text in meant)


def percent_readings(number: Decimal) -> str:
    """Return the quantities that a share without a unit may mean: `"0.03 %" or "3 %"`."""
    return f'"{plain(number)} %" or "{plain(number.scaleb(2))} %"'


def value_of(given: float | str, metric: Metric, *, gain: bool = False) -> Decimal:
    """Convert a quantity that a paper reports to the metric's own unit.

    Args:
        given: a number or "55 %"; for an accuracy also "8.75 % error", for a gain "1.2 points".
        metric: the metric that was reported.
        gain: whether the number is the difference of two scores.

    Raises:
        ValueError: the number is out of range, or its unit does not suit the metric.
    """
    if not isinstance(given, str):
        number = Decimal(repr(given))
        _check_bounds(number, metric, plain(number), gain)
        return number
    written = read_quantity(given)
    if written is None or written.unit not in ("%", "points"):
        raise ValueError(f'must be a number, or text such as "55 %", got {given!r}')
    if not metric.is_fraction:
        raise ValueError(
            f"{metric.name} is not a fraction; give a number in its own unit{_or_say_so(metric)}, "
            f"got {given!r}"
        )
    if gain and written.unit == "%":
        points = as_points(written.number)
        rule = f'is ambiguous for a difference: write {plain(written.number)} or "{points}"'
        raise ValueError(f"{rule}, got {given!r}")
    if not gain and written.unit == "points":
        raise ValueError(f"points are only for differences; write a percent sign, got {given!r}")
    number = _as_accuracy(written, metric, given, gain)[0]
    _check_bounds(number, metric, given, gain)
    return number


def width_of(given: float | str, metric: Metric) -> Decimal:
    """Convert a quantity that is a tolerance or plus-minus to the metric's own unit.

    Args:
        given: a number; for a metric that is a fraction also "1.2 points".
        metric: the metric that was reported.

    Raises:
        ValueError: the number is out of range, or its unit does not suit the metric.
    """
    if not isinstance(given, str):
        number = Decimal(repr(given))
        if metric.is_fraction and number >= 1:
            share = number.scaleb(-2)
            rule = f"is too large for {metric.name}, which is a fraction"
            raise ValueError(f"{plain(number)} {rule}; write {both_ways(share)}")
        return number
    written = read_quantity(given)
    if written is None or written.unit != "points":
        raise ValueError(f'must be a number, or text such as "1.2 points", got {given!r}')
    if not metric.is_fraction:
        rule = f"{metric.name} is not a fraction and has no points"
        raise ValueError(
            f"{rule}; give a number in its own unit{_or_say_so(metric)}, got {given!r}"
        )
    return written.number


def share_of(given: float | str) -> Decimal:
    """Convert a quantity that is a relative tolerance, 0.01 or "1 %", to a fraction."""
    written = read_quantity(given) if isinstance(given, str) else None
    return written.number if written else Decimal(repr(given))


def interval_of(
    printed: str, metric: Metric, rounding: Rounding, *, gain: bool = False
) -> tuple[Decimal, Decimal]:
    """Convert a printed quantity to (low, high) of the numbers that it may be rounded from.

    Rounded to the nearest, "64.6 %" means 0.6455 to 0.6465; truncated, "55 %" means 0.55 to 0.56.
    The interval of an error is converted to that of an accuracy.

    Raises:
        ValueError: the number is out of range, or its unit does not suit the metric.
    """
    written = read_quantity(printed)
    if written is None:
        raise ValueError(f"must be a number as printed, got {printed!r}")
    if written.unit in _SCALES and metric.name not in COUNTS:
        raise ValueError(
            f"the suffix {written.unit} is only for parameters and samples, got {printed!r}"
        )
    if written.unit in ("%", "points") and not metric.is_fraction:
        raise ValueError(f"{metric.name} is not a fraction; remove the unit, got {printed!r}")
    if written.unit == "points" and not gain:
        raise ValueError(f"points are only for differences; write a percent sign, got {printed!r}")
    if not written.unit and _is_above_1(written.number, metric, gain):
        sign = "points" if gain else "%"
        digits = plain(written.number)
        rule = f"{digits} is more than 1: {metric.name} is a fraction"
        raise ValueError(f'{rule}; if the paper means percent, write "{digits} {sign}"')
    if rounding == "nearest":
        low, high = written.number - written.step / 2, written.number + written.step / 2
    elif written.number < 0:  # truncation is towards 0
        low, high = written.number - written.step, written.number
    else:
        low, high = written.number, written.number + written.step
    return _as_accuracy(written, metric, printed, gain, low, high)


def _or_say_so(metric: Metric) -> str:
    """Return what to do if a quantity of another metric than papertrial's own is a fraction."""
    return "" if metric.is_known else ", or if it is a fraction, say unit: fraction"


def _as_accuracy(
    written: Quantity, metric: Metric, given: str, gain: bool, *ends: Decimal
) -> tuple[Decimal, Decimal]:
    """Return (low, high) of a quantity, or of the ends given; as an accuracy if it is an error."""
    low, high = ends or (written.number, written.number)
    if not written.error:
        return low, high
    if gain or not metric.is_accuracy:
        what = "a difference" if gain else metric.name
        raise ValueError(f"an error is 1 - accuracy and does not apply to {what}, got {given!r}")
    return 1 - high, 1 - low


def _check_bounds(number: Decimal, metric: Metric, given: str, gain: bool) -> None:
    if _is_above_1(number, metric, gain):
        _refuse_above_1(number, metric, given, gain)
    if number < 0 and not gain and not metric.may_be_negative:
        raise ValueError(f"{metric.name} cannot be negative, got {given}")


def _is_above_1(number: Decimal, metric: Metric, gain: bool) -> bool:
    """Return whether a quantity is impossible for a fraction, or for a difference of two.

    Differences of metrics that may be negative, such as R2 and MCC, may be larger than 1.
    """
    if not metric.is_fraction or (gain and metric.may_be_negative):
        return False
    return (abs(number) if gain else number) > 1


def _refuse_above_1(number: Decimal, metric: Metric, given: str, gain: bool) -> None:
    rule = f"{given} is more than 1: {metric.name} is a fraction"
    if "%" in given or abs(number) > 100:
        raise ValueError(rule)
    unit = "points" if gain else "%"
    raise ValueError(f'{rule}; write {plain(number.scaleb(-2))} or "{plain(number)} {unit}"')
