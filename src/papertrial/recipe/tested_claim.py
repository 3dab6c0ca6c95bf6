"""A recipe's claims as the statistical tests take them."""

from __future__ import annotations

from papertrial.claims.claim import Claim
from papertrial.recipe.claims import Claim as Stated


def to_claim(claim: Stated) -> Claim:
    """Return a claim as the tests take it: all in the metric's unit, printed digits as a band."""
    low, high = claim.printed_interval
    return Claim(
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
