"""Test of a reported mean of a few runs, whose own noise counts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from papertrial.claims.about_the_mean import AboutTheMean
from papertrial.claims.scores import Array, Scores
from papertrial.claims.sd_estimate import FROM_SCORES, SdEstimate
from papertrial.claims.statistic import Bounds
from papertrial.claims.t_martingale import TMartingale, at_looks, counts, moments

PRIOR = 0.1  # precision of the prior for all tests against a reported number


@dataclass(frozen=True)
class ReportedMeanTest(AboutTheMean):
    """The t-martingale in two-sample form: does our mean differ from that behind a reported mean?

    m is the mean of `runs` runs and has their noise. Only its value is known, so the SD is
    estimated from our scores. Theta is what such a mean would be for our distribution. The
    effective sample size is S runs / (S + runs). Valid if the reported runs have the same normal
    distribution as ours: 1.5 to 1.7 % false alarms on each side for 1, 3 and 10 runs (alpha 5 %,
    looks from 5 to 30 seeds).

    Attributes:
        runs: number of runs behind the reported mean; 1 for a single run.
        prior: precision of the half-normal prior on (mean - m)/SD.
        sd: how the SD between seeds is estimated.
    """

    runs: int
    prior: float = PRIOR
    sd: SdEstimate = FROM_SCORES

    @property
    def method(self) -> str:
        """The test in a phrase."""
        noise = "a single run" if self.runs == 1 else f"a mean of {self.runs} runs"
        return f"two-sample t-martingale that allows for the noise of {noise}"

    def greater(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that our mean is greater than the mean behind m."""
        return self._greater(scores, np.asarray(m, dtype=np.float64), looks)

    def less(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that our mean is less than the mean behind m."""
        return self._greater(scores.negated, -np.asarray(m, dtype=np.float64), looks)

    def interval(self, scores: Scores, threshold: float, looks: Array | None = None) -> Bounds:
        """Return the reported means [..., S] that do not contradict our scores."""
        mean, scatter, n = at_looks(looks, *moments(scores.values), counts(scores.values))
        half = self._martingale.half_width(scatter, n, threshold)
        return mean - half, mean + half

    def half_width(self, seeds: int, threshold: float) -> float:
        """Return half the width of the interval after n seeds whose scores have an SD of 1."""
        return self._martingale.half_width_of_unit_sd(seeds, threshold)

    def in_units(self, unit: float) -> ReportedMeanTest:
        """Return the same test for scores that are divided by `unit`."""
        return replace(self, sd=self.sd.in_units(unit))

    def simulate(
        self, draw: np.random.Generator, rows: int, seeds: int, looks: Array | None = None
    ) -> tuple[Array, ...]:
        """Return the evidence [rows, seeds] if the reported runs are like ours."""
        m = draw.standard_normal(rows) / math.sqrt(self.runs)
        alone = replace(self, sd=FROM_SCORES)
        return (alone._greater(Scores(draw.standard_normal((rows, seeds))), m, looks),)

    def _greater(self, scores: Scores, m: Array, looks: Array | None) -> Array:
        mean, scatter = moments(scores.values)
        n = counts(scores.values)
        return at_looks(looks, self._martingale.evidence(mean, m, scatter, n, scores.scale))[0]

    @property
    def _martingale(self) -> TMartingale:
        return TMartingale(self.prior, runs=self.runs, sd=self.sd)
