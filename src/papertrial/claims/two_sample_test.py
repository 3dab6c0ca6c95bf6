"""Test of the difference between the means of two independent samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from papertrial.claims.scores import Array, Scores
from papertrial.claims.statistic import Bounds
from papertrial.claims.t_evidence import (
    at_looks,
    counts,
    critical_t,
    e_values,
    log_greater,
    moments,
    reach,
    t_statistic,
)


@dataclass(frozen=True)
class TwoSampleTest:
    """The t-martingale for two samples: is mean(ours) - mean(theirs) greater, or less, than m?

    The sides are independent samples of equal size and equal SD, which is pooled; the t statistic
    has 2 S - 2 degrees of freedom and the effective sample size is S/2. Valid for normal scores, as
    `MeanTest`. Needs `Scores.sides`.

    Attributes:
        prior: precision of the half-normal prior on (difference - m)/SD.
    """

    prior: float = 1.0

    @property
    def standard_value(self) -> float:
        """The difference between two samples of standard normal scores."""
        return 0.0

    @property
    def efficiency(self) -> float:
        """1: for independent sides it needs no more seeds than the paired test."""
        return 1.0

    @property
    def method(self) -> str:
        """The test in a phrase."""
        return (
            "two-sample t-martingale, half-normal prior on (difference - edge)/SD with precision "
            f"{self.prior:g}"
        )

    def about(self, score: str) -> str:
        """Return theta in words."""
        return f"expected {score}"

    def greater(self, scores: Scores, m: ArrayLike) -> Array:
        """Return the evidence [..., S] that mean(ours) - mean(theirs) is greater than m."""
        return self._greater(*_sides(scores), np.asarray(m, dtype=np.float64))

    def less(self, scores: Scores, m: ArrayLike) -> Array:
        """Return the evidence [..., S] that mean(ours) - mean(theirs) is less than m."""
        ours, theirs = _sides(scores)
        return self._greater(-ours, -theirs, -np.asarray(m, dtype=np.float64))

    def interval(self, scores: Scores, threshold: float, looks: Array | None = None) -> Bounds:
        """Return the differences [..., S] that neither side rejects."""
        ours, theirs = _sides(scores)
        columns = (*moments(ours), *moments(theirs), counts(ours))
        mean_a, scatter_a, mean_b, scatter_b, n = at_looks(looks, *columns)

        def critical(i: int) -> float:
            return critical_t(2 * i - 2, self.prior / (self.prior + i / 2), threshold)

        half = reach(critical, n, scatter_a + scatter_b, n / 2, 2 * n - 2)
        return mean_a - mean_b - half, mean_a - mean_b + half

    def simulate(self, draw: np.random.Generator, rows: int, seeds: int) -> tuple[Array, ...]:
        """Return the evidence [rows, seeds] on two samples that differ by m; both sides alike."""
        ours, theirs = draw.standard_normal((2, rows, seeds))
        return (self._greater(ours, theirs, np.zeros(())),)

    def _greater(self, ours: Array, theirs: Array, m: Array) -> Array:
        mean_a, scatter_a = moments(ours)
        mean_b, scatter_b = moments(theirs)
        n = counts(ours)
        nu = 2 * n - 2
        t = t_statistic(mean_a - mean_b, m, n / 2, scatter_a + scatter_b, nu)
        return e_values(log_greater(t, nu, self.prior / (self.prior + n / 2)))


def _sides(scores: Scores) -> tuple[Array, Array]:
    assert scores.sides is not None, "a two-sample test needs both sides"
    return scores.sides
