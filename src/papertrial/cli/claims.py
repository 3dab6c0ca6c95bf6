"""Describe claims, and our scores for them, in the output of commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from papertrial.numbers import as_written, number, whole
from papertrial.vocabulary import score_name, why_undefined

if TYPE_CHECKING:
    from papertrial.store.run_records import ClaimBesideRun
    from papertrial.store.verification_records import ClaimLine
    from papertrial.vocabulary import SplitMetrics

_COUNTS = ("parameters", "samples")


def claim_of_run(claim: ClaimBesideRun) -> str:
    """Describe a run's claim in command output: "test accuracy at least 0.97 (printed: 97 %)"."""
    printed = f" (printed: {claim.printed})" if claim.printed else ""
    best_of = f", the best of {claim.runs or 'several'} runs" if claim.kind == "best-of" else ""
    epoch = ", the best epoch on test" if claim.best_epoch_on_test else ""
    return f"{_name_and_value(claim, claim.side)}{printed}{best_of}{epoch}"


def claim_of_verification(claim: ClaimLine) -> str:
    """Describe a verification's claim in command output: "test accuracy at least 0.97"."""
    best_of = ", the best of several runs" if claim.kind == "best-of" else ""
    return f"{_name_and_value(claim, claim.kind)}{best_of}"


def run_score(claim: ClaimBesideRun, metrics: SplitMetrics | None = None) -> str:
    """Describe the score of one run for a claim in command output, or say why it has none.

    `metrics` are those of the run, with None for one that is undefined.
    """
    if claim.ours is not None:
        epoch = ", its best epoch on test" if claim.best_epoch_on_test else ""
        return f"{claim_score(claim, claim.ours)}{epoch}"
    if claim.kind == "difference":
        how = "" if claim.not_judged else ": `papertrial verify`"
        return f"none, it needs the other side{how}"
    known = (metrics or {}).get(claim.split, {})
    if claim.metric in known and known[claim.metric] is None:
        return f"undefined: {why_undefined(claim.metric)}"
    return "not computed"


def claim_score(
    claim: ClaimBesideRun | ClaimLine, value: float, spread: float | None = None
) -> str:
    """Format the score for a claim in command output; a count keeps all its digits.

    A score whose SD is known is rounded by it.
    """
    return _digits(claim, value, lambda known: number(known, spread))


def _name_and_value(claim: ClaimBesideRun | ClaimLine, side: str) -> str:
    metric, split = claim.metric, claim.split
    name = score_name(None if metric == "parameters" else split, metric)
    name = f"difference in {name}" if claim.kind == "difference" else name
    bound = f"{side.replace('-', ' ')} " if side in ("at-least", "at-most") else ""
    return f"{name} {bound}{_digits(claim, claim.value, as_written)}"


def _digits(claim: ClaimBesideRun | ClaimLine, value: float, write: Callable[[float], str]) -> str:
    counted = claim.metric in _COUNTS and float(value).is_integer()
    return whole(value) if counted else write(value)
