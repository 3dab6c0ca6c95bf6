"""Conversion of a recipe's claim to the form that `papertrial.claims` judges."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import stdtrit

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.reach import Reach
from papertrial.claims.rule import GivenSd
from papertrial.recipe.claims import Claim
from papertrial.recipe.quantity import width_of
from papertrial.recipe.reaches import to_reach
from papertrial.recipe.schema import AnyRecipe
from papertrial.recipe.verify import SpreadBetweenSeeds


def to_judged_claim(claim: Claim, recipe: AnyRecipe) -> JudgedClaim:
    """Convert a recipe's claim to a judged claim, with the interval of its printed digits.

    The size of the test set is not known yet, so the claim has no step.
    """
    if claim.by is None:
        return judged_claim(claim)
    reading = claim.reading or "each-step"
    return judged_claim(
        claim, to_reach(recipe.model_dump(), claim.metric, claim.split, claim.by, reading)
    )


def judged_claim(claim: Claim, reach: Reach | None = None) -> JudgedClaim:
    """Convert a claim and, for a target, the points of its curve to a judged claim."""
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
        paired=claim.pairing != "none",
        reported_sd=reported_sd(claim),
        reach=reach,
        about=claim.about,
        better=claim.better,
        unit=claim.unit,
    )


def reported_sd(claim: Claim) -> float | None:
    """Convert what a claim reports after its plus-minus sign to an SD between the paper's runs.

    A standard error is SD / sqrt(n), and the half-width of a confidence interval is a quantile of
    Student's t with n - 1 degrees of freedom times the standard error.

    Returns:
        the SD in the metric's unit; None if it does not follow from what is reported.
    """
    size, plus_minus = claim.plus_minus_number, claim.plus_minus
    if not size or plus_minus is None or plus_minus.is_ == "unknown":
        return None
    if plus_minus.is_ == "sd":
        return size
    runs = 1 if claim.kind == "single-run" else claim.n
    if not isinstance(runs, int):
        return None
    if plus_minus.is_ == "se":
        return size * math.sqrt(runs)
    if runs < 2:
        return None
    quantile = stdtrit(runs - 1, (1 + plus_minus.level) / 2)
    return float(size / quantile * math.sqrt(runs))


def to_given_sd(spread: SpreadBetweenSeeds | None, claims: Sequence[Claim]) -> GivenSd | None:
    """Convert `verify.sd` to the SD that a rule takes, in the unit of the claims' one metric."""
    if spread is None or not claims:
        return None
    return GivenSd(float(width_of(spread.value, claims[0].facts)), spread.is_, spread.n)
