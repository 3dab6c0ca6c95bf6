"""The evidence for and against one claim, after each finished seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from papertrial.claims import intervals
from papertrial.claims.choose import choose
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.new_samples import SEEDS_PART, SampleSpread
from papertrial.claims.rule import Rule
from papertrial.claims.scores import Array, Scores
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.claims.statistic import Bounds, Statistic
from papertrial.claims.threshold import threshold

Direction = Literal["supports", "opposes"]
Evidence = Callable[..., Array]  # `greater` or `less` of a test
_PART = 256  # looks whose evidence is computed at a time, to save memory


class ClaimEvidence:
    """Running maxima of e-values, [S] each, for a claim and against it.

    For a claim about new samples, the edges of the band are moved by what the choice of the test
    samples may explain: inwards for the claim, and outwards against it.

    Args:
        claim: the claim.
        rule: the rule that it is decided by.
        scores: what the finished seeds gave.
        spread: of the test samples, for a claim about new samples.
    """

    def __init__(
        self, claim: JudgedClaim, rule: Rule, scores: Scores, spread: SampleSpread | None = None
    ) -> None:
        self.claim, self.rule, self.scores, self.spread = claim, rule, scores, spread
        self.choice = choose(claim, rule)
        self._known: dict[tuple[Direction, float], Array] = {}

    @classmethod
    def of_seeds(cls, rule: Rule, index: int, finished: Sequence[SeedOutcome]) -> ClaimEvidence:
        """Return the evidence on the claim with this index from the seeds that finished.

        Raises:
            ClaimError: a claim about new samples lacks the results of the samples.
        """
        claim = rule.claims[index]
        scores = Scores.of_claim(claim, [outcome.scores[index] for outcome in finished])
        return cls(claim, rule, scores, sample_spread(claim, index, finished))

    def after(self, direction: Direction, n: int, level: float) -> float:
        """Return the largest evidence so far, after n finished seeds, at an error level.

        It depends on the level only for a claim about new samples.
        """
        key = (direction, level if self.spread is not None else 0.0)
        if key not in self._known:
            compute = self._supporting if direction == "supports" else self._opposing
            self._known[key] = compute(level)
        return float(self._known[key][n - 1])

    def threshold(self, direction: Direction, level: float) -> float:
        """Return what the evidence must reach at an error level."""
        opposes = self.choice.opposes
        statistic = self.choice.supports if direction == "supports" else opposes
        if statistic is None:
            return math.inf
        return seeds_threshold(statistic, self.claim, self.rule, level)

    def interval(self, level: float) -> Bounds:
        """Return the running intersection of the intervals, [S] each."""
        return self._interval(self.choice.supports, self.threshold("supports", level), level)

    def refuting_interval(self, level: float) -> Bounds | None:
        """Return what the evidence against claims leaves, [S] each; None if it cannot refute."""
        at = self.threshold("opposes", level)
        if self.choice.opposes is None or not math.isfinite(at):
            return None
        return self._interval(self.choice.opposes, at, level)

    def _interval(self, statistic: Statistic, at: float, level: float) -> Bounds:
        low, high = self._bounds(statistic, at)
        if self.spread is not None:
            low, high = self.spread.widened(low, high, level)
        return intervals.running(low, high, self.rule.first_look)

    def _bounds(self, statistic: Statistic, at: float) -> Bounds:
        """Return the interval after each seed, [S] each; infinite before the only look."""
        if self._only_look is None:
            return statistic.interval(self.scores, at)
        low, high = statistic.interval(self.scores, at, self._only_look)
        unknown = np.full(len(self.scores.values) - 1, np.inf)
        return np.concatenate([-unknown, low]), np.concatenate([unknown, high])

    @property
    def _only_look(self) -> Array | None:
        """The only look [1] of a rule with one; None for looks after each seed.

        With hundreds of scores, what the looks before it would need takes minutes.
        """
        n = len(self.scores.values)
        return np.array([n], dtype=np.float64) if self.rule.one_look and n else None

    def _after_each(self, evidence: Evidence, m: float) -> Array:
        """Return the evidence [S] after each seed against m; 0 before the only look."""
        if self._only_look is None:
            return evidence(self.scores, m)
        before = np.zeros(len(self.scores.values) - 1)
        return np.concatenate([before, evidence(self.scores, m, self._only_look)])

    def _supporting(self, level: float) -> Array:
        """Return the evidence that the number lies inside the band.

        Each side is latched separately, like the running interval: a claim is supported once both
        sides have crossed, even at different looks. (An intersection-union test keeps the level.)
        """
        low, high = self.claim.band
        everything = np.full(len(self.scores.values), np.inf)
        above, below = self._sides(self.choice.supports, low, high, everything, level)
        return np.minimum(self._running(above), self._running(below))

    def _opposing(self, level: float) -> Array:
        """Return the evidence that the number lies outside the band."""
        nothing = np.zeros(len(self.scores.values))
        if self.choice.opposes is None:
            return nothing
        low, high = self.claim.band
        above, below = self._sides(self.choice.opposes, high, low, nothing, level)
        return self._running(np.maximum(below, above))

    def _running(self, e: Array) -> Array:
        counted = np.where(np.arange(1, len(e) + 1) >= self.rule.first_look, e, 0.0)
        return np.maximum.accumulate(counted)

    def _sides(
        self, statistic: Statistic, above: float, below: float, open_side: Array, level: float
    ) -> tuple[Array, Array]:
        """Return the evidence on a claim's number: more than `above`, and less than `below`.

        `open_side` replaces it if the band has no such edge.
        """
        more = less = open_side
        if math.isfinite(above):
            more = (
                self._after_each(statistic.greater, above)
                if self.spread is None
                else _at_each_look(statistic.greater, self.scores, self.spread.above(above, level))
            )
        if math.isfinite(below):
            less = (
                self._after_each(statistic.less, below)
                if self.spread is None
                else _at_each_look(statistic.less, self.scores, self.spread.below(below, level))
            )
        return more, less


def sample_spread(
    claim: JudgedClaim, index: int, finished: Sequence[SeedOutcome]
) -> SampleSpread | None:
    """Return how much the test samples of a claim about new samples differ; None for others.

    Raises:
        ClaimError: the results of the samples are missing.
    """
    if not claim.is_about_new_samples:
        return None
    results = [one.correct[index] if one.correct else None for one in finished]
    return SampleSpread.of(results, two_sides=claim.has_two_sides)


def seeds_threshold(statistic: Statistic, claim: JudgedClaim, rule: Rule, level: float) -> float:
    """Return what the e-values of a claim's seeds must reach at an error level.

    A claim about new samples leaves half of the level to the choice of the test samples.
    """
    if claim.is_about_new_samples:
        level *= SEEDS_PART
    horizon = len(rule.seeds) if rule.horizon == "fixed" else None
    if rule.one_look and horizon is not None:
        horizon = rule.first_look  # seeds that failed give no evidence
    return threshold(
        statistic, level, horizon=horizon, first_look=rule.first_look, one_look=rule.one_look
    )


def _at_each_look(evidence: Evidence, scores: Scores, m: Array) -> Array:
    """Return the evidence [S] after each seed against the number m [S] of that look."""
    parts = [
        np.diagonal(evidence(scores, m[begin : begin + _PART]), begin)
        for begin in range(0, len(m), _PART)
    ]
    return np.concatenate([np.zeros(0), *parts])
