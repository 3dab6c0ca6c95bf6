"""Test of a reported best of k runs, whose own noise counts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from papertrial.claims.best_of_test import expected_maximum
from papertrial.claims.effect_evidence import effect_evidence, effect_reach, tabulated_evidence
from papertrial.claims.reported_mean_test import PRIOR
from papertrial.claims.scores import Array, Scores
from papertrial.claims.sd_estimate import FROM_SCORES, SdEstimate
from papertrial.claims.statistic import Bounds
from papertrial.claims.t_martingale import TMartingale, at_looks, counts, moments

_LOWEST, _HIGHEST = -8.5, 9.5  # standard normals beyond which the density of a best is negligible


@dataclass(frozen=True)
class ReportedBestTest:
    """Is our mean greater, or less, than that behind a reported best of `runs` runs?

    m is the largest of `runs` scores of another process, and has the noise of a maximum: testing it
    as if it were the expected maximum accuses an identical process in up to 20 % of trials. Theta
    is what such a best is on average for our distribution. Valid if the reported runs have the same
    normal distribution as ours: .6 to 1.1 % false alarms for `greater` and 1.7 to 2.3 % for `less`
    (alpha 5 %, looks from 5 to 30 seeds). For one run it is `ReportedMeanTest`.

    Attributes:
        runs: number of runs of which the reported number is the best.
        prior: precision of the half-normal prior on the difference of the means, in SDs.
        sd: how the SD between seeds is estimated.
    """

    runs: int
    prior: float = PRIOR
    sd: SdEstimate = FROM_SCORES

    @property
    def standard_value(self) -> float:
        """The mean of the largest of `runs` standard normal scores."""
        return expected_maximum(self.runs)

    @property
    def method(self) -> str:
        """The test in a phrase."""
        return f"likelihood ratio that allows for the noise of the best of {self.runs} runs"

    def about(self, score: str) -> str:
        """Return theta in words."""
        return f"best of {self.runs} runs' {score}"

    def greater(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that our mean is greater than the mean behind m."""
        m = np.asarray(m, dtype=np.float64)
        return effect_evidence(self._evidence(1), scores, m, self.sd, looks)

    def less(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that our mean is less than the mean behind m."""
        m = np.asarray(m, dtype=np.float64)
        return effect_evidence(self._evidence(-1), scores.negated, -m, self.sd, looks)

    def interval(self, scores: Scores, threshold: float, looks: Array | None = None) -> Bounds:
        """Return the reported bests [..., S] that do not contradict our scores."""
        mean, scatter, n = at_looks(looks, *moments(scores.values), counts(scores.values))
        below, above = (
            effect_reach(self._evidence(sign), n, scatter, self.sd, threshold) for sign in (1, -1)
        )
        return mean - below, mean + above

    def half_width(self, seeds: int, threshold: float) -> float:
        """Return half the width of the mean's interval, about that of this one, for an SD of 1."""
        return TMartingale(self.prior, runs=1, sd=self.sd).half_width_of_unit_sd(seeds, threshold)

    def in_units(self, unit: float) -> ReportedBestTest:
        """Return the same test for scores that are divided by `unit`."""
        return replace(self, sd=self.sd.in_units(unit))

    def simulate(
        self, draw: np.random.Generator, rows: int, seeds: int, looks: Array | None = None
    ) -> tuple[Array, ...]:
        """Return the evidence [rows, seeds] of each side if the reported runs are like ours."""
        best = draw.standard_normal((rows, self.runs)).max(-1, keepdims=True)
        y = draw.standard_normal((rows, seeds)) - best
        return (
            tabulated_evidence(self._evidence(1), y, looks),
            tabulated_evidence(self._evidence(-1), -y, looks),
        )

    def _evidence(self, sign: int) -> _FromReportedBest:
        return _FromReportedBest(self.runs, self.prior, sign)


@dataclass(frozen=True)
class _FromReportedBest:
    """The evidence that our mean is greater (sign 1) than that behind a best of `runs`, or less.

    For sign -1 the effects are those of the negated scores, so that it grows with them as well.
    """

    runs: int
    prior: float
    sign: int

    def log(self, effect: Array, n: int) -> Array:
        return log_against_best(self.sign * effect, n, self.runs, self.prior, self.sign)

    def grid(self, n: int) -> int:
        return 30_000


def log_against_best(effect: ArrayLike, n: int, runs: int, prior: float, sign: int) -> Array:
    """Return the log evidence [...] that our mean is above (sign 1) or below that behind a best.

    With v the standardised best of `runs`, whose density is f(v) = runs phi(v) Phi(v)^(runs-1), and
    b = w a + v for a = (mean - m) / sqrt(scatter), it is the ratio of the integrals over v and
    w > 0 of f(v) w^(n-1) exp(-w^2/2) times

        2 sqrt(c/(c+n)) exp(-n c b^2 / (2 (n+c))) Phi(sign n b / sqrt(n+c))    and    exp(-n b^2/2)

    with c the precision of the prior. `effect` u [...] is sqrt(n) a / sqrt(1 + n a^2); with
    w = s sqrt(1 - u^2), a common factor cancels, and b = s u / sqrt(n) + v stays finite for equal
    scores, whose effect is -1 or 1. Both integrals are sums on an even grid of v and log s, which
    is fine enough (the integrands fall off as normal densities do) for nine digits.
    Source: the second edition of the verdict's mathematics, correction 3, derived as the ratio of
    the densities of what does not depend on place and scale.
    """
    u = np.asarray(effect, dtype=np.float64)[..., None, None]
    size = n + prior
    v = np.arange(_LOWEST, _HIGHEST, 1 / np.sqrt(n + 8))
    log_s = _grid_of_scale(u, n, prior)
    s = np.exp(log_s)[:, None]
    b = s * u / np.sqrt(n) + v
    density = np.log(runs) - v * v / 2 + (runs - 1) * special.log_ndtr(v)
    base = n * log_s[:, None] - s * s * (1 - u * u) / 2 + density
    gain = np.log(2) + np.log(prior / size) / 2 - n * prior * b * b / (2 * size)
    gain += special.log_ndtr(sign * n * b / np.sqrt(size))
    return _log_sum(base + gain) - _log_sum(base - n * b * b / 2)


def _log_sum(x: Array) -> Array:
    """Return log sum exp x [...] over the last two axes; a third of the time of scipy's."""
    top = x.max((-2, -1), keepdims=True)
    total: Array = np.log(np.exp(x - top).sum((-2, -1))) + top[..., 0, 0]
    return total


def _grid_of_scale(u: Array, n: int, prior: float) -> Array:
    """Return an even grid of log s that holds both integrands for all effects u."""
    edges = []
    for weight in (1.0, prior / (n + prior)):  # of n b^2/2 in the two integrands
        bend = 1 - u * u + weight * u * u
        for v in (_LOWEST, _HIGHEST):
            slope = -weight * np.sqrt(n) * u * v
            top = (slope + np.sqrt(slope * slope + 4 * bend * n)) / (2 * bend)
            width = 1 / np.sqrt(n + bend * top * top)
            edges += [(np.log(top) - 14 * width).min(), (np.log(top) + 8 * width).max()]
    low, high = min(edges) - 20 / n, max(edges)
    return np.linspace(low, high, 2 + int((high - low) * np.sqrt(n) / 0.3))
