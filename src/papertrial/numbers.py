"""Numbers as text: the same digits for a number wherever it is shown.

A number that varies between seeds is rounded by its standard deviation (SD): to the decimal place
of the SD's second significant digit, as is usual for a measured value and its uncertainty. So a
mean, its SD and the bounds of its interval end at the same place. A score whose SD is unknown has
six significant digits. What someone wrote down (a reported value, a tolerance, the edges of a band)
keeps its digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

Rounding = Literal["up", "down"]

NOTHING = "—"  # shown for a number that is unknown
_OF_SPREAD = 2  # significant digits of an SD
_PLAIN = 6  # significant digits of a score without an SD
_MOST = 10  # significant digits of any number; further ones are rounding noise
_SMALL, _LARGE = -4, 9  # powers of ten beyond which a number is written with an exponent


def number(value: float | None, spread: float | None = None) -> str:
    """Format a number with the digits that mean something.

    Args:
        value: a score, a mean, a bound or an SD, in the metric's unit. None and NaN are unknown.
        spread: SD of the scores that the value describes. If it is unknown or 0, the value has six
            significant digits.
    """
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    first = _place(value)
    if spread is None or not math.isfinite(spread) or spread <= 0:
        return _significant(value, _PLAIN)
    decimals = min(_decimals(spread), _MOST - 1 - first)
    if first >= _LARGE or (first < _SMALL and decimals > _PLAIN):
        return f"{value:.{min(max(decimals + first, 0), _MOST - 1)}e}"
    return f"{value:z.{max(decimals, 0)}f}"


def margin(value: float | None, spread: float | None = None, direction: Rounding = "up") -> str:
    """Format a margin as "± 0.0079", rounded up, so that the margin that is shown holds.

    A margin that is a maximum is rounded "down". The text ends at the same decimal place as the
    numbers that are rounded by `spread`. Without a spread it has four significant digits.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "± 0"
    known = spread is not None and math.isfinite(spread) and spread > 0
    decimals = _decimals(spread) if known and spread else 3 - _place(value)
    decimals = max(min(decimals, _MOST - 1 - _place(value)), 0)
    return f"± {_cut(value, decimals, direction):.{decimals}f}"


def evidence(value: float, direction: Rounding = "down") -> str:
    """Format an e-value with three significant digits: "32.6", "1,640".

    Evidence is rounded down and a threshold up, so that evidence never seems to have reached a
    threshold that it did not reach.
    """
    if value <= 0 or not math.isfinite(value):
        return number(value)
    if _place(value) < _SMALL:
        return f"less than {10.0**_SMALL:g}"
    decimals = 2 - _place(value)
    shown = _cut(value, decimals, direction)
    return f"{shown:,.0f}" if decimals <= 0 else f"{shown:.{decimals}f}".rstrip("0").rstrip(".")


def as_written(value: float | None) -> str:
    """Format a number that someone wrote down, or a sum of such numbers, with its own digits."""
    if value is None or not math.isfinite(value):
        return number(value)
    return _significant(value, _MOST)


def between(low: float | None, high: float | None, spread: float | None = None) -> str:
    """Format two scores, rounded by their SD, as "0.96 to 0.98", or as "at least 0.96".

    A side that is None or infinite is open.
    """
    return _interval(low, high, lambda value: number(value, spread))


def band(low: float | None, high: float | None) -> str:
    """Format two numbers that someone wrote down, as "0.96 to 0.98", or as "at least 0.96".

    A side that is None or infinite is open.
    """
    return _interval(low, high, as_written)


def percent(share: float | None) -> str:
    """Format a share as a percentage with three significant digits: .393 is "39.3 %"."""
    return NOTHING if share is None or math.isnan(share) else f"{100 * share:.3g} %"


def probability(value: float) -> str:
    """Return a probability as a percentage with two decimals: .21254 is "21.25 %"."""
    return f"{100 * value:.2f} %"


def count(value: float | None) -> str:
    """Format a number of things as "669,706"; only a small mean of counts has a decimal, "6.5"."""
    if value is None:
        return NOTHING
    if float(value).is_integer() or abs(value) >= 10:
        return f"{round(value):,}"
    return f"{value:.1f}"


def whole(value: float | None) -> str:
    """Format a whole number with all its digits, "11,173,962", and another one as `number` does."""
    if value is not None and math.isfinite(value) and float(value).is_integer():
        return f"{int(value):,}"
    return number(value)


def plural(n: int, thing: str) -> str:
    """Format a number with its noun: "1 seed", "8 seeds"."""
    return f"{n:,} {thing}" + ("" if n == 1 else "s")


def sequence(values: Sequence[int]) -> str:
    """Format whole numbers, such as seeds, as "0 to 14" or, if some are missing, "3, 1, 4"."""
    if len(values) > 2 and all(value == values[0] + i for i, value in enumerate(values)):
        return f"{values[0]} to {values[-1]}"
    return ", ".join(map(str, values))


def _significant(value: float, digits: int) -> str:
    """Format a number with this many significant digits, without trailing zeros."""
    return f"{value:.0f}" if digits <= _place(value) < _LARGE else f"{value:.{digits}g}"


def _interval(low: float | None, high: float | None, write: Callable[[float], str]) -> str:
    at_least = None if low is None or math.isinf(low) else write(low)
    at_most = None if high is None or math.isinf(high) else write(high)
    if at_least is None:
        return "any value" if at_most is None else f"at most {at_most}"
    return f"at least {at_least}" if at_most is None else f"{at_least} to {at_most}"


def _cut(value: float, decimals: int, direction: Rounding) -> float:
    """Return a number rounded up or down to a number of decimals.

    A multiple of the last unit keeps its value, even if floating point puts it slightly beyond.
    """
    units = round(value * 10.0**decimals, 6)
    return (math.ceil(units) if direction == "up" else math.floor(units)) / 10.0**decimals


def _place(value: float) -> int:
    """Return the power of ten of a number's first significant digit: 2 for 648, -1 for 0.648."""
    return math.floor(math.log10(abs(value))) if value else 0


def _decimals(spread: float) -> int:
    """Return the number of decimals that shows two significant digits of an SD; -1 for 648."""
    return _OF_SPREAD - 1 - _place(spread)
