"""Test of the difference between the means of two independent samples."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from papertrial.claims.about_the_mean import AboutTheMean
from papertrial.claims.scores import Array, Scores
from papertrial.claims.sd_estimate import FROM_SCORES, SdEstimate
from papertrial.claims.statistic import Bounds
from papertrial.claims.t_martingale import TMartingale, at_looks, counts, moments


@dataclass(frozen=True)
class TwoSampleTest(AboutTheMean):
    """The t-martingale for two samples: is mean(ours) - mean(theirs) greater, or less, than m?

    The sides are independent samples of equal size and equal SD, which is pooled; the t statistic
    has 2 S - 2 degrees of freedom and the effective sample size is S/2. Valid for normal scores, as
    `MeanTest`. Needs `Scores.sides`.

    Attributes:
        prior: precision of the half-normal prior on (difference - m)/SD.
        sd: how the SD between seeds is estimated.
    """

    prior: float = 1.0
    sd: SdEstimate = FROM_SCORES

    @property
    def method(self) -> str:
        """The test in a phrase."""
        return (
            "two-sample t-martingale, half-normal prior on (difference - edge)/SD with precision "
            f"{self.prior:g}"
        )

    def greater(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that mean(ours) - mean(theirs) is greater than m."""
        m = np.asarray(m, dtype=np.float64)
        return difference_evidence(self._martingale, scores, m, looks)

    def less(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that mean(ours) - mean(theirs) is less than m."""
        m = np.asarray(m, dtype=np.float64)
        return difference_evidence(self._martingale, scores.negated, -m, looks)

    def interval(self, scores: Scores, threshold: float, looks: Array | None = None) -> Bounds:
        """Return the differences [..., S] that neither side rejects."""
        return difference_interval(self._martingale, scores, threshold, looks)

    def half_width(self, seeds: int, threshold: float) -> float:
        """Return half the width of the interval after n seeds whose scores have an SD of 1."""
        return self._martingale.half_width_of_unit_sd(seeds, threshold)

    def in_units(self, unit: float) -> TwoSampleTest:
        """Return the same test for scores that are divided by `unit`."""
        return replace(self, sd=self.sd.in_units(unit))

    def simulate(
        self, draw: np.random.Generator, rows: int, seeds: int, looks: Array | None = None
    ) -> tuple[Array, ...]:
        """Return the evidence [rows, seeds] on two samples that differ by m; both sides alike."""
        ours, theirs = draw.standard_normal((2, rows, seeds))
        scores = Scores.of_difference(ours, theirs)
        test = TMartingale(self.prior, samples=2)
        return (difference_evidence(test, scores, np.zeros(()), looks),)

    @property
    def _martingale(self) -> TMartingale:
        return TMartingale(self.prior, samples=2, sd=self.sd)


def difference_evidence(test: TMartingale, scores: Scores, m: Array, looks: Array | None) -> Array:
    """Return the two-sample evidence [..., S] that mean(ours) - mean(theirs) > m.

    The sides of the scores are taken as independent samples of equal size.
    """
    ours, theirs = _sides(scores)
    mean_a, scatter_a = moments(ours)
    mean_b, scatter_b = moments(theirs)
    n = counts(ours)
    e = test.evidence(mean_a - mean_b, m, scatter_a + scatter_b, n, scores.scale)
    return at_looks(looks, e)[0]


def difference_interval(
    test: TMartingale, scores: Scores, threshold: float, looks: Array | None
) -> Bounds:
    """Return the differences of two samples [..., S] that neither side rejects."""
    ours, theirs = _sides(scores)
    columns = (*moments(ours), *moments(theirs), counts(ours))
    mean_a, scatter_a, mean_b, scatter_b, n = at_looks(looks, *columns)
    half = test.half_width(scatter_a + scatter_b, n, threshold)
    return mean_a - mean_b - half, mean_a - mean_b + half


def _sides(scores: Scores) -> tuple[Array, Array]:
    assert scores.sides is not None, "a two-sample test needs both sides"
    return scores.sides
