"""Claims of metrics.json and verification.json in words, beside the number of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from papertrial.numbers import as_written, whole
from papertrial.numbers import number as score

_COUNTS = ("parameters", "samples")


def reported(claim: Mapping[str, Any]) -> str:
    """Return what is claimed: "test accuracy at least 0.97 (printed: 97 %)"."""
    metric, split, kind = str(claim.get("metric")), claim.get("split"), claim.get("kind")
    name = metric if metric == "parameters" or split is None else f"{split} {metric}"
    name = f"difference in {name}" if kind == "difference" else name
    side = claim.get("side") or kind
    bound = f"{str(side).replace('-', ' ')} " if side in ("at-least", "at-most") else ""
    printed = f" (printed: {claim['printed']})" if claim.get("printed") else ""
    best_of = f", the best of {claim.get('runs') or 'several'} runs" if kind == "best-of" else ""
    epoch = ", the best epoch on test" if claim.get("best_epoch_on_test") else ""
    return f"{name} {bound}{_text(claim, claim.get('value'), as_written)}{printed}{best_of}{epoch}"


def ours(claim: Mapping[str, Any]) -> str:
    """Return the number of one run that a claim is about, or why there is none."""
    value = claim.get("ours")
    if isinstance(value, int | float):
        epoch = ", its best epoch on test" if claim.get("best_epoch_on_test") else ""
        return f"{number(claim, value)}{epoch}"
    if claim.get("kind") == "difference":
        how = "" if claim.get("not_judged") else ": `papertrial verify`"
        return f"none, it needs the other side{how}"
    return "not computed"


def number(claim: Mapping[str, Any], value: object, spread: float | None = None) -> str:
    """Return a score of a claim, rounded by the SD if it is known; a count has all its digits."""
    return _text(claim, value, lambda known: score(known, spread))


def _text(claim: Mapping[str, Any], value: object, write: Callable[[float], str]) -> str:
    if not isinstance(value, int | float):
        return str(value)  # a damaged document
    counted = claim.get("metric") in _COUNTS and float(value).is_integer()
    return whole(value) if counted else write(value)
