"""Tolerances that make a verdict trivial: too wide against the spread between seeds, or too fine.

With a tolerance of five SDs, 99.5 % of trials whose expected score is the claimed one are
REPRODUCED at the first look, after five seeds, and so are 83 % of those that are off by two SDs.
Such a verdict says that a number is roughly right, not as precisely as seeds would allow.
"""

from __future__ import annotations

import math

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.numbers import as_written, number

WIDE = 5.0  # SDs between seeds


def too_wide(claim: JudgedClaim, sd: float, whose: str) -> str:
    """Return why a tolerance is too wide against an SD between seeds; "" if it is not.

    Args:
        claim: the claim.
        sd: the SD between seeds; 0 or NaN if it is unknown.
        whose: where it comes from, "that the paper reports".
    """
    if not (claim.tolerance > 0 and sd > 0 and claim.tolerance >= WIDE * sd * (1 - 1e-9)):
        return ""
    ratio = claim.tolerance / sd
    return (
        f"the tolerance of {as_written(claim.tolerance)} is {_times(ratio)} the SD between seeds "
        f"{whose}, {number(sd, sd)}: the first look decides almost always, and scores far outside "
        f"the usual spread count as the same; consider a tolerance of 1 to 2 SDs"
    )


def too_fine(claim: JudgedClaim) -> str:
    """Return why a tolerance is finer than the steps in which the metric moves; "" if it is not."""
    if claim.side != "about" or not 0 < claim.tolerance < claim.step * (1 - 1e-9):
        return ""
    size = f"{round(1 / claim.step):,} samples"
    return (
        f"the tolerance of {as_written(claim.tolerance)} is less than the step of "
        f"{number(claim.step)} in which {claim.metric} moves on {size}: a score that is one sample "
        "off counts as another result; use at least one step"
    )


def _times(ratio: float) -> str:
    return f"{math.floor(ratio * 10 + 1e-6) / 10:g} times"
