"""Scores that lie far from the rest: described beside the verdict, which does not see them.

A training may collapse with a small probability. No verdict sees that: with a probability of 10 %
of a collapse, 15 seeds show none in a fifth of all trials. So the report counts such seeds, and
says how high their rate may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from papertrial.claims.intervals import divergence_bound
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import FIRST_LOOK
from papertrial.numbers import number, percent, plural

FAR = 5.0  # robust standard deviations
_NORMAL_MAD = 1.4826  # SD over the median absolute deviation of normal scores
_NORMAL_MEAN_DEVIATION = 1.2533  # SD over the mean absolute deviation, sqrt(pi/2)


@dataclass(frozen=True)
class Collapse:
    """Which scores of a claim lie far from the rest.

    Attributes:
        indices: of the scores that lie far from the rest, in seed order.
        of: the number of scores.
        upper: 95 % upper bound on the rate of such scores (Clopper and Pearson).
        median: the median of all scores.
        far: how far from the median is far, in the metric's unit.
    """

    indices: tuple[int, ...]
    of: int
    upper: float
    median: float
    far: float


def find_collapse(claim: JudgedClaim, scores: Sequence[float]) -> Collapse | None:
    """Find the scores [S] that are far worse than the rest; None for fewer than five scores.

    None, too, for a metric of which no one said which values are better.

    A score is far if it is worse than the median by more than five robust SDs, 1.4826 times the
    median absolute deviation (the Hampel identifier: Davies & Gather 1993, "The identification of
    multiple outliers"), and by more than the claim's tolerance. For a difference, both directions
    count, because either side may collapse. A metric that moves in steps, such as the accuracy on
    few samples, must be off by more than five of them. If more than half of the scores are equal,
    that deviation is 0 and the tolerance and the step decide; without both, the mean absolute
    deviation replaces it (Iglewicz & Hoaglin 1993, "How to detect and handle outliers").

    Five SDs, because few scores estimate the SD badly: without a tolerance, 6.1 % of trials of 5
    normal scores have such a score, 2.0 % of 10 and 1.3 % of 15.
    """
    if len(scores) < FIRST_LOOK or (claim.facts.direction is None and not claim.has_two_sides):
        return None
    x = np.asarray(scores, dtype=np.float64)
    median = float(np.median(x))
    deviation = x - median
    spread = _NORMAL_MAD * float(np.median(np.abs(deviation)))
    far = max(FAR * spread, FAR * claim.step, claim.tolerance)
    if far == 0:
        far = FAR * _NORMAL_MEAN_DEVIATION * float(np.abs(deviation).mean())
    worse = deviation if claim.facts.lower_is_better else -deviation
    distance = np.abs(deviation) if claim.has_two_sides else worse
    indices = tuple(map(int, np.flatnonzero(distance > far)))
    return Collapse(indices, len(x), divergence_bound(len(indices), len(x)), median, far)


def explain_collapse(claim: JudgedClaim, found: Collapse, seeds: Sequence[int], sd: float) -> str:
    """Explain in words how many seeds collapsed, and how high the rate may be.

    Args:
        claim: the claim.
        found: of its scores.
        seeds: the seed of each score.
        sd: of the scores, by which they are rounded.
    """
    upper = percent(found.upper)
    if not found.indices:
        constant = (
            ""
            if sd > 0
            else (
                " All scores are equal: models that always give the same answer would do that too, "
                "and if every seed collapsed, none is far from the others."
            )
        )
        return (
            f"0 of {plural(found.of, 'seed')} collapsed (no score is far worse than the others): "
            f"the rate may still be up to {upper} (with 95 % confidence).{constant}"
        )
    listed = ", ".join(str(seeds[i]) for i in found.indices)
    several = len(found.indices) > 1
    which = f"seeds {listed}: their scores are" if several else f"seed {listed}: its score is"
    count = f"{len(found.indices)} of {plural(found.of, 'seed')} collapsed"
    median, far = number(found.median, sd), number(found.far, found.far)
    return (
        f"{count}, {which} {_where(claim)} the median, {median}, by more than {far}. The true rate "
        f"of collapse may be up to {upper} (with 95 % confidence). The verdict counts these seeds "
        "like all others."
    )


def _where(claim: JudgedClaim) -> str:
    """Return in words on which side of the median a collapsed score of a claim lies."""
    if claim.has_two_sides:
        return "away from"
    return "above" if claim.facts.lower_is_better else "below"
