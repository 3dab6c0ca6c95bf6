"""Intervals that agree with the verdict: the tests of `evalues`, inverted at their threshold.

What an interval leaves out on one side is what the test of that side rejects. So a claim is
REPRODUCED exactly when the running interval lies inside its band, and NOT REPRODUCED exactly when
it is disjoint from it. Each side errs with probability 1/threshold at most, at all n together. (The
usual two-sided confidence sequence is wider and would contradict verdicts.)

Scores are x [..., n] in seed order; bounds are [..., n], one for every prefix, in the scores' unit;
or [..., m] where `looks` [m], growing numbers of scores, say of which prefixes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from papertrial.claims.evalues import (
    REPORTED_PRIOR,
    Array,
    counts,
    expected_maximum,
    log_greater,
    log_of_effect,
    log_sign_test,
    moments,
)

FARTHEST = 20.0  # |asinh t|: a t beyond 2e8 is taken as infinite


def interval(
    x: ArrayLike,
    *,
    threshold: float,
    prior: float = 1.0,
    best_of: int | None = None,
    looks: Array | None = None,
) -> tuple[Array, Array]:
    """Return the values [..., n] of the mean that neither `greater` nor `less` rejects.

    With `best_of` k it is the mean of the best of k runs, by `greater_best_of`, `less_best_of`.
    Infinite where nothing is rejected.
    """
    n, mean, scatter = _at(looks, x)
    error = _error(scatter, n, n - 1)
    shift = 0.0 if best_of is None else expected_maximum(best_of)
    below = _critical(n, lambda i: _critical_effect(i, threshold, prior, -shift))
    above = _critical(n, lambda i: _critical_effect(i, threshold, prior, shift))
    return mean - _span(below, error), mean + _span(above, error)


def interval_reported(
    x: ArrayLike,
    runs: int,
    *,
    threshold: float,
    prior: float = REPORTED_PRIOR,
    looks: Array | None = None,
) -> tuple[Array, Array]:
    """Return the means [..., n] of `runs` runs that do not contradict ours.

    The inversion of `greater_than_reported` and `less_than_reported`.
    """
    n, mean, scatter = _at(looks, x)
    both = n * runs / (n + runs)
    critical = _critical(
        n, lambda i: critical_t(i - 1, prior / (prior + i * runs / (i + runs)), threshold)
    )
    half = _span(critical, _error(scatter, both, n - 1))
    return mean - half, mean + half


def interval_arms(
    a: ArrayLike, b: ArrayLike, *, threshold: float, prior: float = 1.0
) -> tuple[Array, Array]:
    """Return the values [..., n] of mean(a) - mean(b) that `greater_arms`, `less_arms` leave."""
    a, mean_a, scatter_a = moments(a)
    _, mean_b, scatter_b = moments(b)
    n = counts(a)
    critical = _critical(n, lambda i: critical_t(2 * i - 2, prior / (prior + i / 2), threshold))
    half = _span(critical, _error(scatter_a + scatter_b, n / 2, 2 * n - 2))
    return mean_a - mean_b - half, mean_a - mean_b + half


def interval_quantile(
    x: ArrayLike, *, threshold: float, share: float = 0.5, looks: Array | None = None
) -> tuple[Array, Array]:
    """Return the values [..., n] that `greater_quantile` and `less_quantile` leave.

    Both bounds are scores: the sign test changes only there.
    """
    x = np.asarray(x, dtype=np.float64)
    numbers = counts(x) if looks is None else looks
    shape = (*x.shape[:-1], len(numbers))
    low, high = np.full(shape, -np.inf), np.full(shape, np.inf)
    for i, n in enumerate(int(number) for number in numbers):
        if n < 2:
            continue
        enough_above = _fewest(n, threshold, share)
        enough_below = _fewest(n, threshold, 1 - share)
        if min(enough_above, enough_below) <= n:
            ordered = np.sort(x[..., :n], -1)
            if enough_above <= n:
                low[..., i] = ordered[..., n - enough_above]
            if enough_below <= n:
                high[..., i] = ordered[..., enough_below - 1]
    return low, high


def running(low: ArrayLike, high: ArrayLike, first_look: int) -> tuple[Array, Array]:
    """Return what intervals [..., n] have in common from the first look on; before it, everything.

    A value rejected once stays rejected. Where the intervals contradict each other, low > high.
    """
    low, high = np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)
    low[..., : first_look - 1], high[..., : first_look - 1] = -np.inf, np.inf
    return np.maximum.accumulate(low, -1), np.minimum.accumulate(high, -1)


def prediction(x: ArrayLike, *, level: float = 0.95) -> tuple[Array, Array]:
    """Return where one more run will lie, low and high [...], from all n >= 2 scores.

    mean -+ t s sqrt(1 + 1/n), with probability `level` for normal scores, at an n fixed beforehand.
    It decides nothing: it rewards having few seeds.
    """
    x = np.asarray(x, dtype=np.float64)
    n = x.shape[-1]
    half = special.stdtrit(n - 1, (1 + level) / 2) * x.std(-1, ddof=1) * np.sqrt(1 + 1 / n)
    return x.mean(-1) - half, x.mean(-1) + half


def divergence_bound(bad: int, of: int, *, level: float = 0.95) -> float:
    """Return the upper bound on a rate after `bad` of `of` seeds (Clopper and Pearson, one-sided).

    0 of 6: .393. It holds with probability `level` for a number of seeds fixed beforehand.
    """
    return 1.0 if bad >= of else float(stats.beta.ppf(level, bad + 1, of - bad))


def half_width(n: int, *, threshold: float, prior: float = 1.0) -> float:
    """Return half the width of `interval` in units of the SD of n scores: 2.29 for 5 of them."""
    return critical_t(n - 1, prior / (prior + n), threshold) / float(np.sqrt(n))


@lru_cache(maxsize=10_000)
def critical_t(nu: float, r: float, threshold: float) -> float:
    """Return the t from which on Gplus >= threshold; infinite where none is."""
    if nu < 1:
        return float(np.inf)
    return _root(lambda t: float(log_greater(t, nu, r)), threshold)


@lru_cache(maxsize=10_000)
def _critical_effect(n: int, threshold: float, prior: float, shift: float) -> float:
    """Return the t from which on an effect size > shift has evidence >= threshold."""
    if shift == 0 or n < 2:
        return critical_t(n - 1, prior / (prior + n), threshold)

    def log_evidence(t: float) -> float:
        k = np.sqrt(n) * t / np.sqrt(n - 1 + t * t)
        return float(log_of_effect(k, n, shift, prior))

    return _root(log_evidence, threshold)


@lru_cache(maxsize=10_000)
def _fewest(n: int, threshold: float, share: float) -> int:
    """Return how many of n scores must lie above for the sign test to reach the threshold.

    n + 1 where all of them are not enough.
    """
    above = np.arange(n + 1)
    reached = log_sign_test(above, n, share) >= np.log(threshold)
    return int(np.flatnonzero(reached)[0]) if reached.any() else n + 1


def _root(log_evidence: Callable[[float], float], threshold: float) -> float:
    """Return the t at which growing evidence reaches the threshold."""

    def gap(z: float) -> float:
        return max(log_evidence(float(np.sinh(z))), -1e9) - float(np.log(threshold))

    if gap(FARTHEST) < 0:
        return float(np.inf)
    if gap(-FARTHEST) >= 0:
        return float(-np.inf)
    return float(np.sinh(optimize.brentq(gap, -FARTHEST, FARTHEST, xtol=1e-14)))


def _critical(n: Array, function: Callable[[int], float]) -> Array:
    return np.array([function(int(i)) for i in n], dtype=np.float64)


def _at(looks: Array | None, x: ArrayLike) -> tuple[Array, Array, Array]:
    """Return n, and means and sums of squared deviations, of all prefixes or those of `looks`."""
    x, mean, scatter = moments(x)
    if looks is None:
        return counts(x), mean, scatter
    at = looks.astype(np.intp) - 1
    return counts(x)[at], mean[..., at], scatter[..., at]


def _error(scatter: Array, size: Array, nu: Array) -> Array:
    """Return the standard error of a mean; 0 where there are no degrees of freedom."""
    return np.sqrt(scatter / np.maximum(nu, 1) / size)


def _span(critical: Array, error: Array) -> Array:
    """Return critical * error, infinite where nothing is rejected even without an error."""
    finite = np.isfinite(critical)  # an infinite t times no error would not be a number
    return np.where(finite, np.where(finite, critical, 0.0) * error, critical)
