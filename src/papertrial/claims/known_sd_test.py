"""Test of the mean of scores whose standard deviation is known, or is known to have a bound."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from papertrial.claims.about_the_mean import AboutTheMean
from papertrial.claims.reported_mean_test import PRIOR
from papertrial.claims.scores import Array, Scores
from papertrial.claims.statistic import Bounds
from papertrial.claims.t_martingale import at_looks, counts, e_values, moments, root


@dataclass(frozen=True)
class KnownSdTest(AboutTheMean):
    """The one-sided Gaussian mixture for a known SD: is the mean greater, or less, than m?

    With z = sqrt(n) (mean - m)/sd and r = c2/(c2 + n), the evidence that the mean is greater is
    2 sqrt(r) exp(z^2 (1 - r)/2) Phi(z sqrt(1 - r)): the likelihood ratio of normal scores with a
    half-normal prior on (mean - m)/sd. Valid for every sub-Gaussian distribution whose SD
    parameter is at most `sd`, normal or not, with ties or without; so two seeds are enough for
    a decision. An `sd` that is too small breaks the guarantee, and one that is too large needs
    more seeds. Source: Robbins 1970, "Statistical methods related to the law of the iterated
    logarithm".

    Attributes:
        sd: the SD between seeds, or an upper bound on it, in the metric's unit.
        prior: precision c2 of the half-normal prior on (mean - m)/sd.
        runs: number of runs behind m, whose noise counts; None if m has no noise. The effective
            sample size is then S runs / (S + runs).
    """

    sd: float
    prior: float = 1.0
    runs: int | None = None

    @classmethod
    def of_reported(cls, sd: float, runs: int) -> KnownSdTest:
        """Return the test against a reported mean of `runs` runs, which has their noise."""
        return cls(sd, PRIOR, runs)

    @property
    def method(self) -> str:
        """The test in a phrase."""
        noise = "" if self.runs is None else f" that allows for the noise of {self.runs} runs"
        return f"Gaussian mixture for an SD of {self.sd:g}, precision {self.prior:g}{noise}"

    def greater(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that the mean is greater than m."""
        return self._greater(scores, np.asarray(m, dtype=np.float64), looks)

    def less(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that the mean is less than m."""
        return self._greater(scores.negated, -np.asarray(m, dtype=np.float64), looks)

    def interval(self, scores: Scores, threshold: float, looks: Array | None = None) -> Bounds:
        """Return the means [..., S] that neither side rejects. Their width is fixed."""
        mean, n = at_looks(looks, moments(scores.values)[0], counts(scores.values))
        half = np.array([self.half_width(int(i), threshold) for i in n], dtype=np.float64)
        return mean - half, mean + half

    def half_width(self, seeds: int, threshold: float) -> float:
        """Return half the width of the interval after this number of seeds, in the metric's unit.

        Infinite for a single seed.
        """
        if seeds < 2:
            return math.inf
        size = self._size(np.float64(seeds))
        return self.sd * _critical_z(float(size), self.prior, threshold) / math.sqrt(size)

    def in_units(self, unit: float) -> KnownSdTest:
        """Return the same test for scores that are divided by `unit`."""
        return replace(self, sd=self.sd / unit)

    def simulate(
        self, draw: np.random.Generator, rows: int, seeds: int, looks: Array | None = None
    ) -> tuple[Array, ...]:
        """Return the evidence [rows, seeds] on normal scores of this SD whose mean is m."""
        noise = 0.0 if self.runs is None else draw.standard_normal(rows) / math.sqrt(self.runs)
        x = self.sd * draw.standard_normal((rows, seeds))
        m = np.broadcast_to(self.sd * np.asarray(noise), rows)
        return (self._greater(Scores(x), m, looks),)

    def _greater(self, scores: Scores, m: Array, looks: Array | None) -> Array:
        size = self._size(counts(scores.values))
        z = np.sqrt(size) * (moments(scores.values)[0] - m[..., None]) / self.sd
        e = e_values(_log_greater(z, self.prior / (self.prior + size)))
        return at_looks(looks, e)[0]

    def _size(self, n: ArrayLike) -> Array:
        n = np.asarray(n, dtype=np.float64)
        return n if self.runs is None else n * self.runs / (n + self.runs)


def _log_greater(z: ArrayLike, r: ArrayLike) -> Array:
    """Return the log evidence for a positive mean from z statistics [...] and r = c2/(c2 + n)."""
    z, r = np.asarray(z, dtype=np.float64), np.asarray(r, dtype=np.float64)
    ratio = np.log(2) + np.log(r) / 2 + z * z * (1 - r) / 2
    return np.asarray(ratio + special.log_ndtr(z * np.sqrt(1 - r)))


@lru_cache(maxsize=10_000)
def _critical_z(size: float, prior: float, threshold: float) -> float:
    """Return the z statistic whose evidence reaches the threshold."""
    r = prior / (prior + size)
    return root(lambda z: float(_log_greater(z, r)), threshold)
