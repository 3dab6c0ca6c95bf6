"""Names of claims, scores and axes in a report: the same in every table, sentence and plot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from papertrial.numbers import as_written, whole

_SHARES = ("accuracy", "precision", "recall", "f1", "auroc")
_KINDS = {"at-least": "at least", "at-most": "at most", "difference": "difference"}


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
    said = claim.get("reported") or claim.get("printed") or as_written(claim.get("value"))
    return str(said).removeprefix(f"{claim.get('split')} {claim.get('metric')} ")
