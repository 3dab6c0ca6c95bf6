"""Numbers and names as a reader sees them: one way in every table, sentence and plot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

NOTHING = "—"  # what a cell says where nothing is known
_SHARES = ("accuracy", "precision", "recall", "f1", "auroc")
_PLACES = 8  # decimals at most: a spread of rounding noise does not fill a table
_KINDS = {"at-least": "at least", "at-most": "at most", "difference": "difference"}


def number(value: float | None, spread: float | None = None) -> str:
    """Return a score with the digits that mean something.

    Args:
        value: in the metric's own unit.
        spread: the SD of scores like it; decimals then reach two digits of it, and never fewer than
            four digits of the value. Without it, or where it is 0, the value keeps its own digits,
            six at most.
    """
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if not spread or not math.isfinite(spread):
        return f"{value:.6g}"
    decimals = max(_decimals(value, 4), _decimals(spread, 2))
    return f"{value:.{min(decimals, _PLACES)}f}"


def margin(value: float | None, spread: float | None) -> str:
    """Return a margin as "± 0.0079", rounded up, so that what is shown does hold.

    It has two digits of `spread`, or four of its own where that is unknown.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "± 0"
    decimals = _decimals(spread, 2) if spread and math.isfinite(spread) else _decimals(value, 4)
    decimals = min(decimals, _PLACES)
    # What is a whole number of units but for the error of floating point is not rounded up.
    units = math.ceil(round(value * 10**decimals, 6))
    return f"± {units / 10**decimals:.{decimals}f}"


def significant(value: float | None, digits: int = 4) -> str:
    """Return a number by its first digits: an SD, a margin, a single score."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value != 0 and not 1e-6 <= abs(value) < 1e9:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{_decimals(value, digits)}f}" if value else "0"


def _decimals(value: float, digits: int) -> int:
    return max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else digits


def count(value: float | None) -> str:
    """Return a number of things: thousands parted, and a decimal only for a small mean."""
    if value is None:
        return NOTHING
    if float(value).is_integer() or abs(value) >= 10:
        return f"{round(value):,}"
    return f"{value:.1f}"


def share(value: float | None) -> str:
    """Return a share as a percentage: .393 is "39.3 %"."""
    return NOTHING if value is None else f"{100 * value:.1f}".removesuffix(".0") + " %"


def plural(n: int, thing: str) -> str:
    """Return "1 seed", "8 seeds"."""
    return f"{n} {thing}" + ("" if n == 1 else "s")


def between(low: float | None, high: float | None, spread: float | None = None) -> str:
    """Return an interval in words; a side that is None or infinite is open."""
    low, high = finite(low), finite(high)
    if low is None and high is None:
        return "nothing excluded yet"
    if high is None:
        return f"at least {number(low, spread)}"
    if low is None:
        return f"at most {number(high, spread)}"
    return f"{number(low, spread)} to {number(high, spread)}"


def finite(value: float | None) -> float | None:
    """Return the number, or None where it is absent, infinite or not a number."""
    return value if value is not None and math.isfinite(value) else None


def one_line(text: object, longest: int | None = None) -> str:
    """Return a text with its white space made single spaces, cut where it is too long."""
    line = " ".join(str(text).split())
    return line if longest is None or len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def scored(split: object, metric: object) -> str:
    """Return what a score is of: "test accuracy"; parameters are of no split."""
    parts = [metric] if metric == "parameters" or not split else [split, metric]
    return " ".join(map(str, parts)).replace("_", " ")


def whole(value: float | None) -> str:
    """Return a count with all its digits, "11,173,962", and what is none as a number."""
    value = finite(value)
    return f"{int(value):,}" if value is not None and float(value).is_integer() else number(value)


def has_other_side(report: Mapping[str, Any]) -> bool:
    """Tell whether a verification has differences, so that "ours" is one of several recipes."""
    claims = report.get("claims") or ()
    return report.get("kind") != "run" and any(claim.get("versus") for claim in claims)


def unit(metric: str) -> str:
    """Return a metric's unit as an axis names it, or nothing where it has none of its own."""
    base = metric.split("/", maxsplit=1)[0]
    if any(name in base.split("_") for name in _SHARES):
        return "share, 0 to 1"
    return {
        "mae": "target's unit",
        "rmse": "target's unit",
        "mse": "target's unit, squared",
        "r2": "1 is best",
    }.get(base, "")


def axis(name: str, metric: str) -> str:
    """Return an axis title with its unit: "test accuracy (share, 0 to 1)"."""
    return f"{name} ({unit(metric)})" if unit(metric) else name


def claim_name(claim: Mapping[str, Any]) -> str:
    """Return a claim's name: "test accuracy, best of 5"."""
    name = scored(claim.get("split"), claim.get("metric"))
    kind, runs = claim.get("kind"), claim.get("runs")
    if kind == "best-of":
        return f"{name}, best of {runs}" if runs else f"{name}, best of several"
    side = claim.get("side")
    words = [_KINDS[word] for word in dict.fromkeys((kind, side)) if word in _KINDS]
    return ", ".join([name, *words])


def reported(claim: Mapping[str, Any]) -> str:
    """Return the paper's number as the paper has it, else the value."""
    if claim.get("kind") == "exact":
        return whole(claim.get("value"))
    said = claim.get("reported") or claim.get("printed") or number(finite(claim.get("value")))
    return str(said).removeprefix(f"{claim.get('split')} {claim.get('metric')} ")
