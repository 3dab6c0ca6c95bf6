"""Test of the expected best of k runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from papertrial.claims.effect_evidence import effect_evidence, effect_reach, tabulated_evidence
from papertrial.claims.scores import Array, Scores
from papertrial.claims.sd_estimate import FROM_SCORES, SdEstimate
from papertrial.claims.statistic import Bounds
from papertrial.claims.t_martingale import TMartingale, at_looks, counts, moments


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
        sd: how the SD between seeds is estimated.
    """

    k: int
    prior: float = 1.0
    sd: SdEstimate = FROM_SCORES

    @property
    def standard_value(self) -> float:
        """The mean e_k of the largest of k standard normal scores."""
        return expected_maximum(self.k)

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

    def greater(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that the best of k runs is greater than m on average."""
        m = np.asarray(m, dtype=np.float64)
        return effect_evidence(self._above(-1), scores, m, self.sd, looks)

    def less(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that the best of k runs is less than m on average."""
        m = np.asarray(m, dtype=np.float64)
        return effect_evidence(self._above(1), scores.negated, -m, self.sd, looks)

    def interval(self, scores: Scores, threshold: float, looks: Array | None = None) -> Bounds:
        """Return the values [..., S] that neither side rejects."""
        mean, scatter, n = at_looks(looks, *moments(scores.values), counts(scores.values))
        below, above = (
            effect_reach(self._above(sign), n, scatter, self.sd, threshold) for sign in (-1, 1)
        )
        return mean - below, mean + above

    def half_width(self, seeds: int, threshold: float) -> float:
        """Return half the width of the mean's interval, about that of this one, for an SD of 1."""
        return TMartingale(self.prior, sd=self.sd).half_width_of_unit_sd(seeds, threshold)

    def in_units(self, unit: float) -> BestOfTest:
        """Return the same test for scores that are divided by `unit`."""
        return replace(self, sd=self.sd.in_units(unit))

    def simulate(
        self, draw: np.random.Generator, rows: int, seeds: int, looks: Array | None = None
    ) -> tuple[Array, ...]:
        """Return the evidence [rows, seeds] of each side at its edge, read from a table."""
        shift = expected_maximum(self.k)
        y = draw.standard_normal((rows, seeds))
        return (
            tabulated_evidence(self._above(-1), y - shift, looks),
            tabulated_evidence(self._above(1), y + shift, looks),
        )

    def _above(self, sign: int) -> _EffectAbove:
        return _EffectAbove(sign * expected_maximum(self.k), self.prior)


@dataclass(frozen=True)
class _EffectAbove:
    """The evidence that the effect size mu/sigma is above `shift`."""

    shift: float
    prior: float

    def log(self, effect: Array, n: int) -> Array:
        return log_of_effect(np.sqrt(n) * effect, n, self.shift, self.prior)

    def grid(self, n: int) -> int:
        return 400


@lru_cache
def expected_maximum(k: int) -> float:
    """Return the mean of the best of k standard normals: e_3 = .846, e_5 = 1.163."""

    if k == 1:
        return 0.0
    from scipy import integrate  # noqa: PLC0415  (slow to import)

    def integrand(z: float) -> float:
        log_density = -z * z / 2 - np.log(2 * np.pi) / 2
        return float(k * z * np.exp(log_density + (k - 1) * special.log_ndtr(z)))

    return float(integrate.quad(integrand, -12, 12, epsabs=1e-12, limit=200)[0])


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
