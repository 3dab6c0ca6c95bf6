"""Test of the median, or of another quantile, for scores of any distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from papertrial.claims.scores import Array, Scores
from papertrial.claims.statistic import Bounds
from papertrial.claims.t_martingale import (
    LARGEST,
    TIE,
    TMartingale,
    at_looks,
    counts,
    e_values,
)

_ALL_ABOVE = 0.45  # weight of the alternative that every score is beyond the edge


@dataclass(frozen=True)
class SignTest:
    """Does a larger share of the scores lie above m than under the null hypothesis?

    Theta is the quantile that a score exceeds with probability `share`: the median for .5. The
    evidence is a likelihood ratio: .55 of it for a uniform mixture over larger shares, and .45 for
    a share of 1, which lets 5 of 5 scores decide (e = 20.2 for the median). A score equal to m
    counts against both sides. Valid for any distribution: 3.65 % of trials cross at the edge of the
    median (alpha 5 %, looks from 5 to 15 seeds).

    Attributes:
        best_of: k, to test the median of the best of k runs. A score exceeds it with probability
            1 - .5^(1/k).
    """

    best_of: int = 1

    @property
    def share(self) -> float:
        """The probability that a score exceeds theta."""
        return 1 - float(0.5 ** (1 / self.best_of))

    @property
    def standard_value(self) -> float:
        """The quantile of standard normal scores."""
        return NormalDist().inv_cdf(1 - self.share)

    @property
    def method(self) -> str:
        """The test in a phrase."""
        return "sign test, mixture over the share of scores beyond the edge and all of them"

    def about(self, score: str) -> str:
        """Return theta in words."""
        return f"median {score}" if self.best_of == 1 else f"best of {self.best_of} runs' {score}"

    def greater(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that the quantile is greater than m."""
        return _evidence(scores, np.asarray(m, dtype=np.float64), self.share, looks)

    def less(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that the quantile is less than m."""
        m = -np.asarray(m, dtype=np.float64)
        return _evidence(scores.negated, m, 1 - self.share, looks)

    def interval(self, scores: Scores, threshold: float, looks: Array | None = None) -> Bounds:
        """Return the quantiles [..., S] that neither side rejects.

        Finite bounds are scores, because the sign test changes only there.
        """
        x = scores.values
        numbers = counts(x) if looks is None else looks
        shape = (*x.shape[:-1], len(numbers))
        low, high = np.full(shape, -np.inf), np.full(shape, np.inf)
        for i, n in enumerate(int(number) for number in numbers):
            if n < 2:
                continue
            enough_above = _fewest(n, threshold, self.share)
            enough_below = _fewest(n, threshold, 1 - self.share)
            if min(enough_above, enough_below) <= n:
                ordered = np.sort(x[..., :n], -1)
                if enough_above <= n:
                    low[..., i] = ordered[..., n - enough_above]
                if enough_below <= n:
                    high[..., i] = ordered[..., enough_below - 1]
        return low, high

    def half_width(self, seeds: int, threshold: float) -> float:
        """Return about half the width after n seeds whose scores have an SD of 1.

        That of the mean after 2/pi times as many, the asymptotic efficiency for normal scores.
        """
        n = np.array([max(2 / math.pi * seeds, 1.0)])
        return float(TMartingale(prior=1.0).half_width(n - 1, n, threshold)[0])

    def in_units(self, unit: float) -> SignTest:
        """Return this test: it does not depend on the unit of the scores."""
        return self

    def simulate(
        self, draw: np.random.Generator, rows: int, seeds: int, looks: Array | None = None
    ) -> tuple[Array, ...]:
        """Return the evidence [rows, seeds] of each side at its edge, read from a table."""
        position = draw.random((rows, seeds))
        edges = sorted({self.share, 1 - self.share})
        return at_looks(looks, *(_from_table(position < edge, edge) for edge in edges))


def log_sign_test(above: ArrayLike, n: ArrayLike, share: float) -> Array:
    """Return the sign test's log evidence that P(above) > share, if `above` of n were above."""
    above, n = np.asarray(above, dtype=np.float64), np.asarray(n, dtype=np.float64)
    rest = n - above
    with np.errstate(divide="ignore"):
        tail = np.log(special.betaincc(above + 1, rest + 1, share))
    mixed = special.betaln(above + 1, rest + 1) + tail - np.log1p(-share)
    mixed = np.log1p(-_ALL_ABOVE) + mixed - above * np.log(share) - rest * np.log1p(-share)
    every = np.where(rest == 0, np.log(_ALL_ABOVE) - n * np.log(share), -np.inf)
    return np.asarray(np.logaddexp(mixed, every))


def _evidence(scores: Scores, m: Array, share: float, looks: Array | None) -> Array:
    """Return the sign test's evidence [..., S] that more than `share` of scores exceed m."""
    m = m[..., None]
    above = (scores.values - m > TIE * np.maximum(scores.scale, np.abs(m))).cumsum(-1)
    return at_looks(looks, e_values(log_sign_test(above, counts(scores.values), share)))[0]


def _from_table(above: NDArray[np.bool_], share: float) -> Array:
    """Return the sign test's evidence [rows, seeds] from which scores were above, by a table."""
    seeds = above.shape[-1]
    n = np.arange(1, seeds + 1)
    possible = np.minimum(np.arange(seeds + 1), n[:, None])
    table = np.exp(np.minimum(log_sign_test(possible, n[:, None], share), LARGEST))
    table[0] = 1.0  # a single score is not evidence
    return np.asarray(table[n - 1, above.cumsum(-1)])


@lru_cache(maxsize=10_000)
def _fewest(n: int, threshold: float, share: float) -> int:
    """Return how many of n scores must be above for the sign test to reach the threshold.

    n + 1 if all of them are not enough.
    """
    above = np.arange(n + 1)
    reached = log_sign_test(above, n, share) >= np.log(threshold)
    return int(np.flatnonzero(reached)[0]) if reached.any() else n + 1
