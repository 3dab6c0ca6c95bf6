"""Test of the expected best of k runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate, special

from papertrial.claims.scores import Array, Scores
from papertrial.claims.statistic import Bounds
from papertrial.claims.t_martingale import (
    LARGEST,
    at_looks,
    counts,
    critical_t,
    e_values,
    explained,
    moments,
    reach,
    root,
    t_statistic,
)

_GRID = 500  # values of the statistic between which simulated evidence is interpolated


@dataclass(frozen=True)
class BestOfTest:
    """Is the best of k runs, on average, greater or less than m?

    The best of k normal scores has the mean mu + sigma e_k (theta), so the null hypothesis is
    (mu - m)/sigma <= -e_k. This is a statement about an effect size, tested against the noncentral
    t distribution. Valid for normal scores: 1.1 to 2.3 % of trials cross at the edge (alpha 5 %,
    looks from 5 to 30 seeds). Shifting m by an estimate of sigma instead gives 10 to 22 %.

    Attributes:
        k: number of runs of which the reported number is the best.
        prior: precision of the half-normal prior on the distance from the edge, in SDs.
    """

    k: int
    prior: float = 1.0

    @property
    def standard_value(self) -> float:
        """The mean e_k of the largest of k standard normal scores."""
        return expected_maximum(self.k)

    @property
    def efficiency(self) -> float:
        """1, which is approximate: plans for the mean are close enough for a rough number."""
        return 1.0

    @property
    def method(self) -> str:
        """The test in a phrase."""
        return (
            f"noncentral t likelihood ratio for the best of {self.k} runs, half-normal prior with "
            f"precision {self.prior:g}"
        )

    def about(self, score: str) -> str:
        """Return theta in words."""
        return f"best of {self.k} runs' {score}"

    def greater(self, scores: Scores, m: ArrayLike) -> Array:
        """Return the evidence [..., S] that the best of k runs is greater than m on average."""
        m = np.asarray(m, dtype=np.float64)
        return self._evidence(scores.values, m, -expected_maximum(self.k))

    def less(self, scores: Scores, m: ArrayLike) -> Array:
        """Return the evidence [..., S] that the best of k runs is less than m on average."""
        m = np.asarray(m, dtype=np.float64)
        return self._evidence(-scores.values, -m, expected_maximum(self.k))

    def interval(self, scores: Scores, threshold: float, looks: Array | None = None) -> Bounds:
        """Return the values [..., S] that neither side rejects."""
        mean, scatter, n = at_looks(looks, *moments(scores.values), counts(scores.values))
        shift = expected_maximum(self.k)

        def bound(sign: int) -> Array:
            function = partial(_critical, threshold=threshold, prior=self.prior, shift=sign * shift)
            return reach(function, n, scatter, n, n - 1)

        return mean - bound(-1), mean + bound(1)

    def simulate(self, draw: np.random.Generator, rows: int, seeds: int) -> tuple[Array, ...]:
        """Return the evidence [rows, seeds] of each side at its edge, read from a table."""
        shift = expected_maximum(self.k)
        y = draw.standard_normal((rows, seeds))
        return self._from_table(y - shift, -shift), self._from_table(y + shift, shift)

    def _evidence(self, x: Array, m: Array, shift: float) -> Array:
        """Return the evidence [..., S] that (mean - m)/SD is greater than `shift`."""
        mean, scatter = moments(x)
        n = counts(x)
        t = t_statistic(mean, m, n, scatter, n - 1)
        k = np.sqrt(n) * np.copysign(np.sqrt(explained(t, n - 1)), t)
        log_e = np.zeros_like(k)
        for i in range(1, x.shape[-1]):  # each number of seeds needs an integration grid
            if k.ndim == 1:
                log_e[i] = _log_of_one_effect(float(k[i]), i + 1, shift, self.prior)
            else:
                one = partial(log_of_effect, n=i + 1, shift=shift, prior=self.prior)
                log_e[..., i] = _in_parts(k[..., i], one)
        # Scores that all equal m have no effect size at all.
        return e_values(np.where((scatter == 0) & (t == 0), 0.0, log_e))

    def _from_table(self, y: Array, shift: float) -> Array:
        effect = y.cumsum(-1) / np.sqrt((y * y).cumsum(-1))
        e, grid = np.ones_like(y), _grid()
        for n in range(2, y.shape[-1] + 1):
            log_e = _table(n, shift, self.prior)
            at = effect[:, n - 1] / math.sqrt(n)
            e[:, n - 1] = np.exp(np.minimum(np.interp(at, grid, log_e), LARGEST))
        return e


@lru_cache
def expected_maximum(k: int) -> float:
    """Return the mean of the best of k standard normals: e_3 = .846, e_5 = 1.163."""

    def integrand(z: float) -> float:
        log_density = -z * z / 2 - np.log(2 * np.pi) / 2
        return float(k * z * np.exp(log_density + (k - 1) * special.log_ndtr(z)))

    return 0.0 if k == 1 else float(integrate.quad(integrand, -12, 12, epsabs=1e-12, limit=200)[0])


def log_of_effect(k: ArrayLike, n: int, shift: float, prior: float) -> Array:
    """Return the best-of test's log evidence [...] that the effect size mu/sigma is above `shift`.

    k [...] is S / sqrt(V) with the sum S and the sum of squares V of n scores. It lies between
    -sqrt(n) and sqrt(n) and grows with t. The likelihood of what does not depend on the scale is

        L(d) = exp(-n d^2/2) integral over w > 0 of w^(n-1) exp(-w^2/2 + d k w)

    and the evidence is the mean of L(shift + z) over a half-normal z with precision `prior`,
    divided by L(shift). The mean over z has a closed form for each w. The integrals over w are sums
    on an even grid of log w: both integrands fall off so fast on both sides that the sums are exact
    up to rounding. `shift` = 0 gives Gplus of `t_martingale`.
    """
    k = np.asarray(k, dtype=np.float64)[..., None]
    size = n + prior
    # The largest term of each integral, written as w^n exp(-bend w^2/2 + slope w), bounds the grid.
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


@lru_cache(maxsize=4096)
def _log_of_one_effect(k: float, n: int, shift: float, prior: float) -> float:
    """Return the best-of test's log evidence for one number. Cached: each look asks again."""
    return float(log_of_effect(k, n, shift, prior))


def _in_parts(values: Array, function: Callable[[Array], Array], most: int = 5_000) -> Array:
    """Compute the best-of test's evidence for `most` numbers at a time, to save memory."""
    flat = values.ravel()
    parts = [function(flat[i : i + most]) for i in range(0, flat.size, most)]
    return np.concatenate(parts or [flat]).reshape(values.shape)


def _grid() -> Array:
    """Return values of k / sqrt(n) for a table of the best-of test: denser near -1 and 1."""
    return np.asarray(np.sin(np.linspace(-np.pi / 2, np.pi / 2, _GRID)))


@lru_cache(maxsize=20_000)
def _table(n: int, shift: float, prior: float) -> Array:
    """Return the best-of test's log evidence on its grid. Cached for all parts of a simulation."""
    return log_of_effect(math.sqrt(n) * _grid(), n, shift, prior)


@lru_cache(maxsize=10_000)
def _critical(n: int, threshold: float, prior: float, shift: float) -> float:
    """Return the smallest t at which the best-of test's evidence reaches the threshold."""
    if shift == 0 or n < 2:
        return critical_t(n - 1, prior / (prior + n), threshold)

    def log_evidence(t: float) -> float:
        k = np.sqrt(n) * t / np.sqrt(n - 1 + t * t)
        return float(log_of_effect(k, n, shift, prior))

    return root(log_evidence, threshold)
