"""Test of a reported difference of a few runs, whose own noise counts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from papertrial.claims.about_the_mean import AboutTheMean
from papertrial.claims.reported_mean_test import PRIOR, ReportedMeanTest
from papertrial.claims.scores import Array, Scores
from papertrial.claims.sd_estimate import FROM_SCORES, SdEstimate
from papertrial.claims.statistic import Bounds
from papertrial.claims.t_martingale import TMartingale
from papertrial.claims.two_sample_test import difference_evidence, difference_interval


@dataclass(frozen=True)
class ReportedDifferenceTest(AboutTheMean):
    """Does our mean difference differ from that behind a reported difference of `runs` runs?

    A paper rarely says whether the two sides of its difference shared seeds. If they did not, the
    reported difference has more noise than our paired differences show: the paired test alone gives
    7 to 8 % false alarms at a correlation of .5, and 33 to 38 % at .9. So the evidence is the
    smaller one of two readings: `ReportedMeanTest` on the paired differences, and the same form for
    independent sides, with a pooled SD, 2 S - 2 degrees of freedom and the effective sample size
    S runs / (S + runs) / 2. Valid for normal scores under either reading.

    If only the differences are known (`Scores.sides` is None), the paired reading decides alone.

    Attributes:
        runs: number of runs behind each side of the reported difference.
        prior: precision of the half-normal prior on (difference - m)/SD.
        sd: how the SD between seeds is estimated.
    """

    runs: int
    prior: float = PRIOR
    sd: SdEstimate = FROM_SCORES

    @property
    def method(self) -> str:
        """The test in a phrase."""
        return f"{self._paired.method}, paired or not"

    def greater(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that our difference is greater than that behind m."""
        paired = self._paired.greater(scores, m, looks)
        if scores.sides is None:
            return paired
        m = np.asarray(m, dtype=np.float64)
        return np.minimum(paired, difference_evidence(self._apart, scores, m, looks))

    def less(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that our difference is less than that behind m."""
        paired = self._paired.less(scores, m, looks)
        if scores.sides is None:
            return paired
        m = np.asarray(m, dtype=np.float64)
        apart = difference_evidence(self._apart, scores.negated, -m, looks)
        return np.minimum(paired, apart)

    def interval(self, scores: Scores, threshold: float, looks: Array | None = None) -> Bounds:
        """Return the reported differences [..., S] that at least one reading does not reject."""
        low, high = self._paired.interval(scores, threshold, looks)
        if scores.sides is None:
            return low, high
        apart_low, apart_high = difference_interval(self._apart, scores, threshold, looks)
        return np.minimum(low, apart_low), np.maximum(high, apart_high)

    def half_width(self, seeds: int, threshold: float) -> float:
        """Return half the width of the interval after n seeds whose scores have an SD of 1."""
        return TMartingale(self.prior, runs=self.runs, sd=self.sd).half_width_of_unit_sd(
            seeds, threshold
        )

    def in_units(self, unit: float) -> ReportedDifferenceTest:
        """Return the same test for scores that are divided by `unit`."""
        return replace(self, sd=self.sd.in_units(unit))

    def simulate(
        self, draw: np.random.Generator, rows: int, seeds: int, looks: Array | None = None
    ) -> tuple[Array, ...]:
        """Return the evidence [rows, seeds] of the paired reading, which bounds the evidence."""
        return self._paired.simulate(draw, rows, seeds, looks)

    @property
    def _paired(self) -> ReportedMeanTest:
        return ReportedMeanTest(self.runs, self.prior, self.sd)

    @property
    def _apart(self) -> TMartingale:
        """The reading with independent sides."""
        return TMartingale(self.prior, samples=2, runs=self.runs, sd=self.sd)
