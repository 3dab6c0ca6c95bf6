"""The t-martingale: evidence from t statistics, shared by all tests for normal scores.

Arrays of scores are x [..., S] in seed order. Results are [..., S] too: entry i describes the first
i + 1 scores.

Source: Wang & Ramdas, "Anytime-valid t-tests", theorem 4.9. With nu degrees of freedom, a prior of
precision c2 on (mean - m)/SD, an effective sample size N, and r = c2/(c2 + N), the e-values are

    two-sided  G     = sqrt(r) ((1 + t^2/nu) / (1 + r t^2/nu))^((nu + 1)/2)
    one-sided  Gplus = 2 G F(sign(t) sqrt((nu + 1) q)),  q = (1 - r) t^2/nu / (1 + r t^2/nu)

where F is the CDF of Student's t with nu + 1 degrees of freedom. Gplus has a half-normal prior.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from papertrial.claims.scores import Array
from papertrial.claims.sd_estimate import FROM_SCORES, SdEstimate

LARGEST = 700.0  # the largest log e-value: exp of it is still finite
TIE = 1e-12  # numbers that differ by less than this, relative to their size, differ by rounding
FARTHEST = 20.0  # |asinh t|: a t beyond 2e8 counts as infinite


def counts(x: Array) -> Array:
    """Return the number of scores at each step of a martingale on x [..., S]: 1, 2 .. S."""
    return np.arange(1, x.shape[-1] + 1, dtype=np.float64)


def moments(x: Array) -> tuple[Array, Array]:
    """Return mean and sum of squared deviations [..., S] at each step of a t-martingale on x.

    The squares are summed by Welford's recurrence: the sum is never negative, and it is exactly 0
    for equal scores.
    """
    n = counts(x)
    first = x[..., :1]
    mean = (x - first).cumsum(-1) / n  # relative to the first score, to avoid cancellation
    steps = np.zeros_like(x)
    steps[..., 1:] = (x[..., 1:] - first - mean[..., :-1]) ** 2 * ((n[1:] - 1) / n[1:])
    return mean + first, steps.cumsum(-1)


def t_statistic(
    mean: Array, m: ArrayLike, size: Array, scatter: Array, nu: Array, scale: Array
) -> Array:
    """Return the t [..., S] of a t-martingale for a mean whose variance is scatter / nu / size.

    Equal scores have no scatter: t is then infinite, or 0 if their mean equals m as well, up to
    rounding, which is relative to the size of the scores (`Scores.scale`).
    """
    m = np.asarray(m, dtype=np.float64)[..., None]
    distance = mean - m
    equal = np.abs(distance) <= TIE * np.maximum(scale, np.abs(m))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = distance * np.sqrt(size * nu / scatter)
    return np.where(equal, 0.0, np.where(scatter > 0, t, np.copysign(np.inf, distance)))


def log_two_sided(t: ArrayLike, nu: ArrayLike, r: ArrayLike) -> Array:
    """Return log G of t statistics with nu degrees of freedom. It is finite for an infinite t."""
    nu, r = np.asarray(nu, dtype=np.float64), np.asarray(r, dtype=np.float64)
    return np.asarray(0.5 * np.log(r) - (nu + 1) / 2 * np.log1p(-(1 - r) * explained(t, nu)))


def log_greater(t: ArrayLike, nu: ArrayLike, r: ArrayLike) -> Array:
    """Return log Gplus of t statistics with nu degrees of freedom. It grows with t."""
    nu, r = np.asarray(nu, dtype=np.float64), np.asarray(r, dtype=np.float64)
    part = (1 - r) * explained(t, nu)
    below = special.stdtr(nu + 1, np.copysign(np.sqrt((nu + 1) * part / (1 - part)), t))
    with np.errstate(divide="ignore"):
        return np.asarray(log_two_sided(t, nu, r) + np.log(2 * below))


def explained(t: ArrayLike, nu: ArrayLike) -> Array:
    """Return t^2 / (nu + t^2) of t statistics: the share of the squares that the mean explains."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        nu, t = np.asarray(nu, dtype=np.float64), np.asarray(t, dtype=np.float64)
        return np.asarray(1 / (1 + nu / np.square(t)))


def e_values(log_e: Array) -> Array:
    """Return the e-values [..., S] of a martingale from their logarithms, all finite.

    A single score is not evidence: its e-value is 1.
    """
    e = np.exp(np.minimum(log_e, LARGEST))
    e[..., :1] = 1.0
    return e


@lru_cache(maxsize=10_000)
def critical_t(nu: float, r: float, threshold: float) -> float:
    """Return the t at which the t-martingale Gplus reaches the threshold, which may be infinite."""
    if nu < 1:
        return float(np.inf)
    return root(lambda t: float(log_greater(t, nu, r)), threshold)


def root(log_evidence: Callable[[float], float], threshold: float) -> float:
    """Return the t at which a martingale's evidence, which grows with t, reaches the threshold."""

    def gap(z: float) -> float:
        return max(log_evidence(float(np.sinh(z))), -1e9) - float(np.log(threshold))

    if gap(FARTHEST) < 0:
        return float(np.inf)
    if gap(-FARTHEST) >= 0:
        return float(-np.inf)
    return float(np.sinh(optimize.brentq(gap, -FARTHEST, FARTHEST, xtol=1e-14)))


def at_looks(looks: Array | None, *columns: Array) -> tuple[Array, ...]:
    """Return a martingale's arrays [..., S] at these looks only, [..., L]; None means all looks."""
    if looks is None:
        return columns
    at = looks.astype(np.intp) - 1
    return tuple(column[..., at] for column in columns)


def reach(
    function: Callable[[int], float], n: Array, scatter: Array, size: Array, nu: Array
) -> Array:
    """Return how far [..., S] a t-martingale's bound is from the mean: critical t times its error.

    Args:
        function: gives the critical t for a number of seeds.
        n: numbers of seeds [S].
        scatter: sums of squared deviations [..., S].
        size: effective sample sizes [S]; the mean's variance is scatter / nu / size.
        nu: degrees of freedom [S].
    """
    critical = np.array([function(int(i)) for i in n], dtype=np.float64)
    error = np.sqrt(scatter / np.maximum(nu, 1) / size)
    finite = np.isfinite(critical)  # infinity times an error of 0 would be NaN
    return np.where(finite, np.where(finite, critical, 0.0) * error, critical)


@dataclass(frozen=True)
class TMartingale:
    """Evidence about a mean, or about a difference of means, after n seeds.

    Attributes:
        prior: precision c2 of the half-normal prior on (mean - m)/SD.
        samples: 1 for one sample; 2 for a difference of two independent samples, whose SD is
            pooled. There are samples (n - 1) degrees of freedom.
        runs: the number of runs behind a reported number m, whose noise counts; None if m has none.
            The effective sample size is n runs / (n + runs) / samples, or n / samples.
        sd: how the SD is estimated; knowledge besides the scores adds degrees of freedom.
    """

    prior: float
    samples: int = 1
    runs: int | None = None
    sd: SdEstimate = FROM_SCORES

    def evidence(self, mean: Array, m: ArrayLike, scatter: Array, n: Array, scale: Array) -> Array:
        """Return the e-values [..., S] that the number is greater than m.

        Args:
            mean: the estimates [..., S].
            m: [...].
            scatter: the sums of squared deviations [..., S], of both samples together.
            n: the numbers of seeds [S].
            scale: the sizes of the scores [..., S], which rounding is relative to.
        """
        size, nu = self._size(n), self._freedom(n)
        t = t_statistic(mean, m, size, self._scatter(scatter, n), nu, scale)
        return e_values(log_greater(t, nu, self.prior / (self.prior + size)))

    def half_width(self, scatter: Array, n: Array, threshold: float) -> Array:
        """Return half the widths [..., S] of the intervals at this threshold."""
        return reach(
            lambda seeds: self.critical(seeds, threshold),
            n,
            self._scatter(scatter, n),
            self._size(n),
            self._freedom(n),
        )

    def half_width_of_unit_sd(self, seeds: int, threshold: float) -> float:
        """Return half the width of the interval if the scores, or their differences, have SD 1."""
        n = np.array([seeds], dtype=np.float64)
        return float(self.half_width(n - 1, n, threshold)[0])

    def critical(self, seeds: int, threshold: float) -> float:
        """Return the smallest t whose evidence reaches the threshold; infinite if there is none."""
        n = np.array(seeds, dtype=np.float64)
        r = self.prior / (self.prior + self._size(n))
        return critical_t(float(self._freedom(n)), float(r), threshold)

    def _size(self, n: Array) -> Array:
        return (n if self.runs is None else n * self.runs / (n + self.runs)) / self.samples

    def _scatter(self, scatter: Array, n: Array) -> Array:
        return self.sd.scatter(scatter, self.samples * (n - 1))

    def _freedom(self, n: Array) -> Array:
        return self.samples * (n - 1) + self.sd.freedom
