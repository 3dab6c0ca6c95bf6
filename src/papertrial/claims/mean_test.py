"""Test of the mean of normal scores."""

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
class MeanTest(AboutTheMean):
    """The one-sided t-martingale: is the mean greater, or less, than m?

    Theta is the mean of the scores, or of the paired differences. Valid for normal scores with any
    SD and any mean on the null's side of m: at an alpha of 5 % and looks from 5 to 30 seeds, 2.3 %
    of trials cross at the edge. Source: Wang & Ramdas, "Anytime-valid t-tests", theorem 4.9.

    Attributes:
        prior: precision c2 of the half-normal prior on (mean - m)/SD.
        sd: how the SD between seeds is estimated.
    """

    prior: float = 1.0
    sd: SdEstimate = FROM_SCORES

    @property
    def method(self) -> str:
        """The test in a phrase."""
        return f"t-martingale, half-normal prior on (mean - edge)/SD with precision {self.prior:g}"

    def greater(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that the mean is greater than m."""
        return self._greater(scores, np.asarray(m, dtype=np.float64), looks)

    def less(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that the mean is less than m."""
        return self._greater(scores.negated, -np.asarray(m, dtype=np.float64), looks)

    def interval(self, scores: Scores, threshold: float, looks: Array | None = None) -> Bounds:
        """Return the means [..., S] that neither side rejects."""
        mean, scatter, n = at_looks(looks, *moments(scores.values), counts(scores.values))
        half = TMartingale(self.prior, sd=self.sd).half_width(scatter, n, threshold)
        return mean - half, mean + half

    def half_width(self, seeds: int, threshold: float) -> float:
        """Return half the width of the interval after n seeds whose scores have an SD of 1."""
        return TMartingale(self.prior, sd=self.sd).half_width_of_unit_sd(seeds, threshold)

    def in_units(self, unit: float) -> MeanTest:
        """Return the same test for scores that are divided by `unit`."""
        return replace(self, sd=self.sd.in_units(unit))

    def simulate(
        self, draw: np.random.Generator, rows: int, seeds: int, looks: Array | None = None
    ) -> tuple[Array, ...]:
        """Return the evidence [rows, seeds] on scores whose mean is m. The sides are alike."""
        x = Scores(draw.standard_normal((rows, seeds)))
        mean, scatter = moments(x.values)
        if self.sd.freedom:  # of an SD that a paper reports, which has its own noise
            scatter = scatter + draw.chisquare(self.sd.freedom, (rows, 1))
        alone = TMartingale(self.prior, sd=SdEstimate(freedom=self.sd.freedom))
        e = alone.evidence(mean, 0.0, scatter, counts(x.values), x.scale)
        return at_looks(looks, e)

    def _greater(self, scores: Scores, m: Array, looks: Array | None) -> Array:
        mean, scatter = moments(scores.values)
        n = counts(scores.values)
        e = TMartingale(self.prior, sd=self.sd).evidence(mean, m, scatter, n, scores.scale)
        return at_looks(looks, e)[0]
