"""The one-sided t-martingale, for any effective sample size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from papertrial.claims.scores import Array
from papertrial.claims.t_evidence import critical_t, e_values, log_greater, reach, t_statistic


@dataclass(frozen=True)
class TMartingale:
    """Evidence about a mean, or about a difference of means, after n seeds.

    Attributes:
        prior: precision c2 of the half-normal prior on (mean - m)/SD.
        samples: 1 for one sample; 2 for a difference of two independent samples, whose SD is
            pooled. There are samples (n - 1) degrees of freedom.
        runs: the number of runs behind a reported number m, whose noise counts; None if m has none.
            The effective sample size is n runs / (n + runs) / samples, or n / samples.
    """

    prior: float
    samples: int = 1
    runs: int | None = None

    def evidence(self, mean: Array, m: ArrayLike, scatter: Array, n: Array) -> Array:
        """Return the e-values [..., S] that the number is greater than m.

        Args:
            mean: the estimates [..., S].
            m: [...].
            scatter: the sums of squared deviations [..., S], of both samples together.
            n: the numbers of seeds [S].
        """
        size, nu = self._size(n), self._freedom(n)
        t = t_statistic(mean, m, size, scatter, nu)
        return e_values(log_greater(t, nu, self.prior / (self.prior + size)))

    def half_width(self, scatter: Array, n: Array, threshold: float) -> Array:
        """Return half the widths [..., S] of the intervals at this threshold."""
        return reach(
            lambda seeds: self.critical(seeds, threshold),
            n,
            scatter,
            self._size(n),
            self._freedom(n),
        )

    def critical(self, seeds: int, threshold: float) -> float:
        """Return the smallest t whose evidence reaches the threshold; infinite if there is none."""
        n = np.array(seeds, dtype=np.float64)
        r = self.prior / (self.prior + self._size(n))
        return critical_t(float(self._freedom(n)), float(r), threshold)

    def _size(self, n: Array) -> Array:
        return (n if self.runs is None else n * self.runs / (n + self.runs)) / self.samples

    def _freedom(self, n: Array) -> Array:
        return self.samples * (n - 1)
