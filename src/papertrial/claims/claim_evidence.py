"""The evidence for and against one claim, after each finished seed."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from papertrial.claims import intervals
from papertrial.claims.choose import choose
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import Rule
from papertrial.claims.scores import Array, Scores
from papertrial.claims.statistic import Bounds, Statistic
from papertrial.claims.threshold import threshold

Direction = Literal["supports", "opposes"]


class ClaimEvidence:
    """Running maxima of e-values, [S] each, for a claim and against it.

    Args:
        claim: the claim.
        rule: the rule that it is decided by.
        scores: what the finished seeds gave.
    """

    def __init__(self, claim: JudgedClaim, rule: Rule, scores: Scores) -> None:
        self.claim, self.rule, self.scores = claim, rule, scores
        self.choice = choose(claim, rule)
        self._evidence = {"supports": self._supporting(), "opposes": self._opposing()}

    def after(self, direction: Direction, n: int) -> float:
        """Return the largest evidence so far, after n finished seeds."""
        return float(self._evidence[direction][n - 1])

    def threshold(self, direction: Direction, level: float) -> float:
        """Return what the evidence must reach at an error level."""
        opposes = self.choice.opposes
        statistic = self.choice.supports if direction == "supports" else opposes
        if statistic is None:
            return math.inf
        horizon = len(self.rule.seeds) if self.rule.horizon == "fixed" else None
        return threshold(statistic, level, horizon=horizon, first_look=self.rule.first_look)

    def interval(self, level: float) -> Bounds:
        """Return the running intersection of the intervals, [S] each."""
        at = self.threshold("supports", level)
        pair = self.choice.supports.interval(self.scores, at)
        return intervals.running(*pair, self.rule.first_look)

    def _supporting(self) -> Array:
        """Return the evidence that the number lies inside the band.

        Each side is latched separately, like the running interval: a claim is supported once both
        sides have crossed, even at different looks. (An intersection-union test keeps the level.)
        """
        low, high = self.claim.band
        everything = np.full(len(self.scores.values), np.inf)
        above, below = _sides(self.choice.supports, self.scores, low, high, everything)
        return np.minimum(self._running(above), self._running(below))

    def _opposing(self) -> Array:
        """Return the evidence that the number lies outside the band."""
        nothing = np.zeros(len(self.scores.values))
        if self.choice.opposes is None:
            return nothing
        low, high = self.claim.band
        above, below = _sides(self.choice.opposes, self.scores, high, low, nothing)
        return self._running(np.maximum(below, above))

    def _running(self, e: Array) -> Array:
        counted = np.where(np.arange(1, len(e) + 1) >= self.rule.first_look, e, 0.0)
        return np.maximum.accumulate(counted)


def _sides(
    statistic: Statistic, scores: Scores, above: float, below: float, open_side: Array
) -> tuple[Array, Array]:
    """Return the evidence on a claim's number: more than `above`, and less than `below`.

    `open_side` replaces it if the band has no such edge.
    """
    more = statistic.greater(scores, above) if math.isfinite(above) else open_side
    less = statistic.less(scores, below) if math.isfinite(below) else open_side
    return more, less
