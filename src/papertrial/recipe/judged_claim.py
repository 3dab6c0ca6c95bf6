"""Conversion of a recipe's claim to the form that `papertrial.claims` judges."""

from __future__ import annotations

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.recipe.claims import Claim


def to_judged_claim(claim: Claim) -> JudgedClaim:
    """Convert a recipe's claim to a judged claim, with the interval of its printed digits."""
    low, high = claim.printed_interval
    return JudgedClaim(
        metric=claim.metric,
        split=claim.split,
        kind=claim.kind,
        value=claim.number,
        tolerance=claim.allowed,
        low=low,
        high=high,
        runs=claim.runs,
        side=claim.judged_side,
        best_epoch_on_test=claim.best_epoch_on_test,
    )
