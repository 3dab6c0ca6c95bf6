"""The product of the evidence of several laboratories on one claim."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.scores import Scores
from papertrial.claims.statistic import Statistic
from papertrial.claims.t_martingale import TIE

_DOUBLINGS = 60  # of the distance at which an edge is searched
_STEPS = 200  # of the search for an edge between two values
_SECANTS = 10  # steps after which the search is a bisection
_CLOSE = 4 * float(np.finfo(float).eps)  # relative distance of the two ends of an edge
_LARGEST = 1e6  # of the log of a product


@dataclass(frozen=True)
class LabProduct:
    """The logarithms of products of e-values, each taken at the end of a laboratory's seeds.

    A laboratory may stop at any time: its e-value has an expectation of at most 1 at any stopping
    time, and the laboratories are independent. Without laboratories the products are 1.

    Attributes:
        statistic: what gives the e-values.
        claim: what they are about.
        labs: the scores of each laboratory.
    """

    statistic: Statistic
    claim: JudgedClaim
    labs: tuple[Scores, ...]

    def greater(self, m: float) -> float:
        """Return the log of the evidence of all laboratories that theta > m."""
        return sum(_log(self.statistic.greater(lab, m)[-1]) for lab in self.labs)

    def less(self, m: float) -> float:
        """Return the log of the evidence of all laboratories that theta < m."""
        return sum(_log(self.statistic.less(lab, m)[-1]) for lab in self.labs)

    @property
    def supports(self) -> float:
        """The log of the evidence that theta lies inside the claim's band."""
        low, high = self.claim.band
        above = self.greater(low) if math.isfinite(low) else math.inf
        below = self.less(high) if math.isfinite(high) else math.inf
        return min(above, below)

    @property
    def opposes(self) -> float:
        """The log of the evidence that theta lies outside the claim's band."""
        low, high = self.claim.band
        below = self.less(low) if math.isfinite(low) else -math.inf
        above = self.greater(high) if math.isfinite(high) else -math.inf
        return max(below, above)

    def interval(self, threshold: float) -> tuple[float, float]:
        """Return the values of theta that neither product rejects at this threshold."""
        if not self.labs:
            return -math.inf, math.inf
        at = math.log(threshold)
        scores = np.concatenate([lab.values for lab in self.labs])
        least, most = float(scores.min()), float(scores.max())
        width = max(most - least, TIE * max(abs(least), abs(most)), np.finfo(float).tiny)
        return (
            _edge(lambda m: self.greater(m) - at, most, least, -width),
            _edge(lambda m: self.less(m) - at, least, most, width),
        )


def _edge(
    excess: Callable[[float], float], inside: float, outside: float, outwards: float
) -> float:
    """Return the value from which on a product rejects all values in one direction.

    The edge is a root, bracketed by the Illinois variant of regula falsi (Dowell and Jarratt 1971,
    "A modified regula falsi method"). An interval takes 38 evaluations; by bisection it took 112.

    Args:
        excess: the log of the product over its threshold; it rejects a value at 0 or more.
        inside: a value that it does not reject.
        outside: where the search starts.
        outwards: the first step of the search, in the direction of the values that are rejected.

    Returns:
        infinity with the sign of `outwards` if the product rejects nothing.
    """
    under = _finite(excess(inside))
    for _ in range(_DOUBLINGS):
        over = _finite(excess(outside))
        if over >= 0:
            break
        inside, under, outside, outwards = outside, over, outside + outwards, 2 * outwards
    else:
        return math.copysign(math.inf, outwards)
    moved = 0  # the end that moved last; where it moves again, the other value is halved
    for step in range(_STEPS):
        if abs(outside - inside) <= _CLOSE * max(abs(inside), abs(outside)):
            break
        middle = outside - over * (outside - inside) / (over - under)
        is_between = min(inside, outside) < middle < max(inside, outside)
        if not is_between or step > _SECANTS:  # the product of sign tests moves in steps
            middle = (inside + outside) / 2
        if middle in (inside, outside):
            break
        found = _finite(excess(middle))
        if found >= 0:
            outside, over, under = middle, found, under / (2 if moved == 1 else 1)
            moved = 1
        else:
            inside, under, over = middle, found, over / (2 if moved == -1 else 1)
            moved = -1
    return outside


def _finite(x: float) -> float:
    """Return x within bounds that a secant can be drawn through."""
    return min(max(x, -_LARGEST), _LARGEST)


def _log(e: float) -> float:
    return math.log(e) if e > 0 else -math.inf
