"""Evidence against a mean, seed by seed, that stays valid however often it is looked at.

An e-value is a bet against a null hypothesis: under the null its running maximum reaches 1/alpha
with probability alpha at most, whatever the number of looks and whyever one stops (Ville). Every
function here takes scores x [..., n] in seed order and returns e [..., n], whose entry i is the
e-value of the first i + 1 scores; a single score is no evidence, so the first entry is 1. `m`
broadcasts against the batch [...]; x and m have the metric's unit, e has none.

The t-martingales hold for normal scores: Wang & Ramdas, "Anytime-valid t-tests", theorem 4.9. The
sign test holds for any distribution.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate, special

Array = NDArray[np.float64]

LARGEST = 700.0  # exp of it is the largest e-value told; there is no use in a larger one
REPORTED_PRIOR = 0.1  # precision of the prior where a reported mean's own noise counts
TIE = 1e-12  # of their size: numbers closer than this differ by rounding alone


def two_sided(x: ArrayLike, m: ArrayLike, *, prior: float = 1.0) -> Array:
    """Return the evidence [..., n] that the mean is not m: G of Wang & Ramdas, theorem 4.9.

    The prior on (mean - m)/SD is normal with precision `prior` (their c squared). For normal scores
    with mean m the running maximum reaches 1/alpha with probability alpha at most.
    """
    x, mean, scatter = moments(x)
    n = counts(x)
    t = t_statistic(mean, m, n, scatter, n - 1)
    return _told(log_two_sided(t, n - 1, prior / (prior + n)))


def greater(x: ArrayLike, m: ArrayLike, *, prior: float = 1.0) -> Array:
    """Return the evidence [..., n] that the mean is greater than m: Gplus.

    As `two_sided`, with a half-normal prior. For normal scores with any mean <= m the running
    maximum reaches 1/alpha with probability alpha at most (2.3 % for alpha 5 %, n 5 to 30).
    """
    x, mean, scatter = moments(x)
    n = counts(x)
    t = t_statistic(mean, m, n, scatter, n - 1)
    return _told(log_greater(t, n - 1, prior / (prior + n)))


def less(x: ArrayLike, m: ArrayLike, *, prior: float = 1.0) -> Array:
    """Return the evidence [..., n] that the mean is less than m: Gminus, `greater` mirrored."""
    return greater(-_array(x), -_array(m), prior=prior)


def greater_than_reported(
    x: ArrayLike, m: ArrayLike, runs: int, *, prior: float = REPORTED_PRIOR
) -> Array:
    """Return the evidence [..., n] that ours is greater than what a reported mean stands for.

    m is the mean of `runs` runs of its own (1: a single run), which has their noise; only its value
    is known, so the SD is ours. The form of `greater` in the two-sample t statistic, with the
    harmonic n * runs / (n + runs) in place of n: false alarms of 1.5 to 1.7 % a side for 1, 3 and
    10 runs (alpha 5 %, n 5 to 30, where `runs` have the same distribution as ours).
    """
    x, mean, scatter = moments(x)
    n = counts(x)
    both = n * runs / (n + runs)
    t = t_statistic(mean, m, both, scatter, n - 1)
    return _told(log_greater(t, n - 1, prior / (prior + both)))


def less_than_reported(
    x: ArrayLike, m: ArrayLike, runs: int, *, prior: float = REPORTED_PRIOR
) -> Array:
    """Return the evidence [..., n] that ours is less: `greater_than_reported` mirrored."""
    return greater_than_reported(-_array(x), -_array(m), runs, prior=prior)


def greater_arms(a: ArrayLike, b: ArrayLike, m: ArrayLike, *, prior: float = 1.0) -> Array:
    """Return the evidence [..., n] that mean(a) - mean(b) is greater than m.

    a and b [..., n] are independent samples of equal size and equal SD, which is pooled. The form
    of `greater` in the two-sample t statistic with 2n - 2 degrees of freedom. Guarantee as there.
    """
    a, mean_a, scatter_a = moments(a)
    _, mean_b, scatter_b = moments(b)
    n = counts(a)
    nu = 2 * n - 2
    t = t_statistic(mean_a - mean_b, m, n / 2, scatter_a + scatter_b, nu)
    return _told(log_greater(t, nu, prior / (prior + n / 2)))


def less_arms(a: ArrayLike, b: ArrayLike, m: ArrayLike, *, prior: float = 1.0) -> Array:
    """Return the evidence [..., n] that mean(a) - mean(b) is less: `greater_arms` mirrored."""
    return greater_arms(-_array(a), -_array(b), -_array(m), prior=prior)


def greater_best_of(x: ArrayLike, m: ArrayLike, k: int, *, prior: float = 1.0) -> Array:
    """Return the evidence [..., n] that the best of k runs is greater than m, on average.

    The best of k normal scores has the mean mu + sigma e_k, so the null is (mu - m)/sigma <= -e_k:
    an effect size, tested against the noncentral t. For normal scores the running maximum reaches
    1/alpha with probability alpha at most (1.1 to 2.3 % for alpha 5 %, n 5 to 30).
    """
    return _told_of_effect(x, m, -expected_maximum(k), prior)


def less_best_of(x: ArrayLike, m: ArrayLike, k: int, *, prior: float = 1.0) -> Array:
    """Return the evidence [..., n] that the best of k runs is less than m, on average."""
    return _told_of_effect(-_array(x), -_array(m), expected_maximum(k), prior)


def greater_quantile(x: ArrayLike, m: ArrayLike, *, share: float = 0.5) -> Array:
    """Return the evidence [..., n] that more than `share` of the scores lie above m.

    That is, that the quantile which a score exceeds with probability `share` is greater than m; .5
    is the median. The sign test's likelihood ratio against P(x > m) = share, in uniform mixture
    over larger probabilities; a score equal to m counts against. For any distribution with
    P(x > m) <= share the running maximum reaches 1/alpha with probability alpha at most.
    """
    x, m = _array(x), _array(m)[..., None]
    above = (x - m > TIE * np.maximum(np.abs(x), np.abs(m))).cumsum(-1)
    return _told(log_sign_test(above, counts(x), share))


def less_quantile(x: ArrayLike, m: ArrayLike, *, share: float = 0.5) -> Array:
    """Return the evidence [..., n] that the same quantile is less than m.

    `greater_quantile` mirrored: the null is P(x < m) <= 1 - share.
    """
    return greater_quantile(-_array(x), -_array(m), share=1 - share)


@lru_cache
def expected_maximum(k: int) -> float:
    """Return the mean of the largest of k standard normals: e_3 = .846, e_5 = 1.163."""

    def integrand(z: float) -> float:
        log_density = -z * z / 2 - np.log(2 * np.pi) / 2
        return float(k * z * np.exp(log_density + (k - 1) * special.log_ndtr(z)))

    return 0.0 if k == 1 else float(integrate.quad(integrand, -12, 12, epsabs=1e-12, limit=200)[0])


def counts(x: Array) -> Array:
    """Return the size of every prefix of x [..., n]: 1, 2 .. n."""
    return np.arange(1, x.shape[-1] + 1, dtype=np.float64)


def moments(x: ArrayLike) -> tuple[Array, Array, Array]:
    """Return x as an array, and mean and sum of squared deviations [..., n] of every prefix.

    The squares are added up as steps of Welford's recurrence: none is negative, and equal scores
    have exactly 0.
    """
    x = _array(x)
    n = counts(x)
    first = x[..., :1]
    mean = (x - first).cumsum(-1) / n  # as seen from the first score, so that no digits cancel
    steps = np.zeros_like(x)
    steps[..., 1:] = (x[..., 1:] - first - mean[..., :-1]) ** 2 * ((n[1:] - 1) / n[1:])
    return x, mean + first, steps.cumsum(-1)


def t_statistic(mean: Array, m: ArrayLike, size: Array, scatter: Array, nu: Array) -> Array:
    """Return t [..., n] of a mean that has the variance scatter/nu/size.

    Equal scores have no scatter: t is then infinite, or 0 where their mean is m too.
    """
    m = _array(m)[..., None]
    distance = mean - m
    equal = np.abs(distance) <= TIE * np.maximum(np.abs(mean), np.abs(m))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = distance * np.sqrt(size * nu / scatter)
    return np.where(equal, 0.0, np.where(scatter > 0, t, np.copysign(np.inf, distance)))


def log_two_sided(t: ArrayLike, nu: ArrayLike, r: ArrayLike) -> Array:
    """Return log G of t statistics with nu degrees of freedom; r = prior / (prior + size).

    .5 log r + (nu + 1)/2 log((1 + t^2/nu) / (1 + r t^2/nu)), finite for an infinite t.
    """
    nu, r = _array(nu), _array(r)
    return np.asarray(0.5 * np.log(r) - (nu + 1) / 2 * np.log1p(-(1 - r) * _explained(t, nu)))


def log_greater(t: ArrayLike, nu: ArrayLike, r: ArrayLike) -> Array:
    """Return log Gplus: log(2 G F(sign(t) sqrt((nu + 1) q))), F of Student's t with nu + 1.

    q = (1 - r) t^2/nu / (1 + r t^2/nu). It grows with t.
    """
    nu, r = _array(nu), _array(r)
    part = (1 - r) * _explained(t, nu)
    below = special.stdtr(nu + 1, np.copysign(np.sqrt((nu + 1) * part / (1 - part)), t))
    with np.errstate(divide="ignore"):
        return np.asarray(log_two_sided(t, nu, r) + np.log(2 * below))


def log_of_effect(k: ArrayLike, n: int, shift: float, prior: float) -> Array:
    """Return the log evidence [...] that the effect size mu/sigma is greater than `shift`.

    k [...] is S / sqrt(V) with the sum S and the sum of squares V of n scores: between -sqrt(n) and
    sqrt(n), and t grows with it. The likelihood of what does not depend on the scores' scale is

        L(d) = exp(-n d^2/2) integral over w > 0 of w^(n-1) exp(-w^2/2 + d k w)

    and the evidence is the mean of L(shift + z) over a half-normal z of precision `prior`, divided
    by L(shift). The mean over z has a closed form for each w; the integrals over w are sums on an
    even grid of log w, where both integrands fall off on each side so fast that such sums are exact
    to rounding. `shift` = 0 gives Gplus.
    """
    k = _array(k)[..., None]
    size = n + prior
    # Largest terms of both integrals, as w^n exp(-bend w^2/2 + slope w) without the CDF's factor.
    edges, widths = [], []
    for bend, slope in (
        (np.ones_like(k), shift * k),
        (1 - k * k / size, shift * k * prior / size),
    ):
        top = (slope + np.sqrt(slope * slope + 4 * bend * n)) / (2 * bend)
        width = 1 / np.sqrt(n + bend * top * top)
        widths.append(width.min())
        edges += [(np.log(top) - 14 * width).min() - 20 / n, (np.log(top) + 8 * width).max()]
    low, high = min(edges), max(edges)
    u = np.linspace(low, high, 2 + int((high - low) / (0.3 * min(widths))))
    w = np.exp(u)
    base = n * u - w * w / 2 + shift * k * w
    slope = k * w - n * shift
    gain = np.log(2) + 0.5 * np.log(prior / size) + slope * slope / (2 * size)
    gain += special.log_ndtr(slope / np.sqrt(size))
    return np.asarray(special.logsumexp(base + gain, -1) - special.logsumexp(base, -1))


def log_sign_test(above: ArrayLike, n: ArrayLike, share: float) -> Array:
    """Return the log evidence that P(above) > share, after `above` of n scores were."""
    above, n = _array(above), _array(n)
    rest = n - above
    with np.errstate(divide="ignore"):
        tail = np.log(special.betaincc(above + 1, rest + 1, share))
    mixed = special.betaln(above + 1, rest + 1) + tail - np.log1p(-share)
    return np.asarray(mixed - above * np.log(share) - rest * np.log1p(-share))


def _told_of_effect(x: ArrayLike, m: ArrayLike, shift: float, prior: float) -> Array:
    x, mean, scatter = moments(x)
    n = counts(x)
    t = t_statistic(mean, m, n, scatter, n - 1)
    k = np.sqrt(n) * np.copysign(np.sqrt(_explained(t, n - 1)), t)
    log_e = np.zeros_like(k)
    for i in range(1, x.shape[-1]):  # a grid of its own for each n
        if k.ndim == 1:
            log_e[i] = _log_of_one_effect(float(k[i]), i + 1, shift, prior)
        else:
            one = partial(log_of_effect, n=i + 1, shift=shift, prior=prior)
            log_e[..., i] = _in_parts(k[..., i], one)
    # Scores that all equal m have no effect size at all.
    return _told(np.where((scatter == 0) & (t == 0), 0.0, log_e))


@lru_cache(maxsize=4096)
def _log_of_one_effect(k: float, n: int, shift: float, prior: float) -> float:
    """Return `log_of_effect` of one number; kept, as each look asks again for the prefixes."""
    return float(log_of_effect(k, n, shift, prior))


def _in_parts(values: Array, function: Callable[[Array], Array], most: int = 5_000) -> Array:
    """Apply a function of many numbers to `most` at a time: its grids are large."""
    flat = values.ravel()
    parts = [function(flat[i : i + most]) for i in range(0, flat.size, most)]
    return np.concatenate(parts or [flat]).reshape(values.shape)


def _explained(t: ArrayLike, nu: ArrayLike) -> Array:
    """Return t^2 / (nu + t^2), the part of the squares that the mean explains: 1 for infinite t."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return np.asarray(1 / (1 + _array(nu) / np.square(_array(t))))


def _told(log_e: Array) -> Array:
    """Return e-values of their logarithms, none infinite; a single score is no evidence."""
    e = np.exp(np.minimum(log_e, LARGEST))
    e[..., :1] = 1.0
    return e


def _array(values: Any) -> Array:
    return np.asarray(values, dtype=np.float64)
