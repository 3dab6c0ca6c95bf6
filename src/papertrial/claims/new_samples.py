"""From "on this test set" to "on new test samples of the same kind".

A trial over seeds says something about theta_test, the expected score on this test set. On new
samples of the same kind the expected score is theta_new, and theta_test - theta_new is one draw:
the mean of N independent samples, whose SD is that of the samples over sqrt(N). The per-sample
results of the seeds estimate it. With few seeds they overstate it, because a mean over n seeds
still has the noise of the training, so that the intervals are too wide rather than too narrow.

Half of the error level goes to the seeds, at any number of looks, and half to that one draw: each
side errs with a probability of at most the level. Accuracies near 0 or 1 are far from normal on
small test sets, so an accuracy has the exact binomial bounds (Clopper and Pearson 1934) of as many
independent samples as have the variance that was found; one sample of the largest variance, p(1 -
p), is added to it. If all seeds agree on every sample, these bounds are exact. A difference d moves
by at most w, w^2 = z^2 (sum of the squares about their mean + w): as in a score interval, another
w samples are needed that differ between the sides.

Simulated: 5, 15 and 40 seeds, and a training without noise; 100, 360 and 1,000 samples; accuracies
.5 to .998; differences of sides with accuracies of .5 to 1; seeds that share difficult samples. A
side erred in at most 2.4 % of trials at a level of 5 %; the plain normal term errs in up to 31 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from papertrial.claims.scores import Array
from papertrial.errors import ClaimError

SEEDS_PART = 0.5  # of the error level; the test set has the rest
BEYOND = 2.0  # more than any accuracy
_HALVINGS = 60  # until an edge is exact


@dataclass(frozen=True, eq=False)
class SampleSpread:
    """How much the samples of a test set differ in what seeds score on them, after each seed.

    Attributes:
        samples: N, the number of test samples.
        variance: [S] of the samples. For an accuracy in units of p(1 - p), the largest variance
            that samples of accuracy p can have; for a difference as it is.
        two_sides: whether it is about a difference of two accuracies.
    """

    samples: int
    variance: Array
    two_sides: bool

    @classmethod
    def of(cls, results: Sequence[bytes | None], *, two_sides: bool) -> SampleSpread:
        """Return the spread over samples from the results of each seed (`SeedOutcome.correct`).

        Raises:
            ClaimError: a seed has no results, or the seeds do not have the same samples.
        """
        known = [np.frombuffer(one, dtype=np.int8) for one in results if one]
        sizes = {len(one) for one in known}
        if len(known) < len(results) or len(sizes) > 1:
            raise ClaimError(
                "a claim about new samples needs the result of each sample for every seed, on the "
                f"same samples; {len(known)} of {len(results)} seeds have them, for "
                f"{', '.join(map(str, sorted(sizes))) or 'no'} samples"
            )
        if not known:
            return cls(0, np.zeros(0), two_sides)
        n_samples = sizes.pop()
        total = np.zeros(n_samples)
        mean, spread = np.zeros(len(known)), np.zeros(len(known))
        for i, one in enumerate(known):
            total += one
            mean[i], spread[i] = total.mean() / (i + 1), (total / (i + 1)).var()
        if two_sides:
            return cls(n_samples, spread, two_sides)
        # One sample of the largest variance is added to the estimate.
        added = (n_samples * spread + 1) / (n_samples * mean * (1 - mean) + 1)
        return cls(n_samples, np.minimum(added, 1.0), two_sides)

    @classmethod
    def largest(cls, samples: int) -> SampleSpread:
        """Return the largest spread that an accuracy on so many samples can have, as [1] look."""
        return cls(samples, np.ones(1), two_sides=False)

    def last(self) -> SampleSpread:
        """Return the spread after the last seed, as [1] look."""
        return SampleSpread(self.samples, self.variance[-1:], self.two_sides)

    def above(self, m: float, level: float) -> Array:
        """Return [S] what theta_test must exceed to show that theta_new is more than m.

        It is `BEYOND` all scores if no accuracy on so many samples can show it.
        """
        if self.two_sides:
            return m + self._term(level)
        if m <= 0:
            return np.full(len(self.variance), m)
        shown = self._shows(np.ones(len(self.variance)), m, level)
        low, high = np.full(len(self.variance), min(m, 1.0)), np.ones(len(self.variance))
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            enough = self._shows(middle, m, level)
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return np.where(shown, high, max(BEYOND, m))

    def below(self, m: float, level: float) -> Array:
        """Return [S] what theta_test must fall below to show that theta_new is less than m."""
        if self.two_sides:
            return m - self._term(level)
        return 1 - self.above(1 - m, level)

    def low(self, low: ArrayLike, level: float) -> Array:
        """Return the lower bound [S] of theta_new from that of theta_test: inverts `above`."""
        low = np.asarray(low, dtype=np.float64)
        if self.two_sides:
            return np.asarray(low - self._term(level))
        inside, n = np.clip(low, 0.0, 1.0), self._effective
        with np.errstate(invalid="ignore"):
            bound = special.betaincinv(n * inside, n * (1 - inside) + 1, _part(level))
        return np.where(low <= 0, low, bound)

    def high(self, high: ArrayLike, level: float) -> Array:
        """Return the upper bound [S] of theta_new from that of theta_test: inverts `below`."""
        high = np.asarray(high, dtype=np.float64)
        if self.two_sides:
            return np.asarray(high + self._term(level))
        return np.asarray(1 - self.low(1 - high, level))

    def largest_term(self, band: tuple[float, float], level: float) -> float:
        """Return how far the edges of a band are moved inwards, at most, after the last seed."""
        low, high = band
        terms = [0.0]
        best, worst = (math.inf, -math.inf) if self.two_sides else (1.0, 0.0)
        if math.isfinite(low):
            terms.append(min(float(self.above(low, level)[-1]), best) - low)
        if math.isfinite(high):
            terms.append(high - max(float(self.below(high, level)[-1]), worst))
        return max(terms)

    def widened(self, low: ArrayLike, high: ArrayLike, level: float) -> tuple[Array, Array]:
        """Return the interval [S] of theta_new from that of theta_test, at an error level."""
        return self.low(low, level), self.high(high, level)

    @property
    def _effective(self) -> Array:
        """How many independent samples [S] have this variance."""
        return np.asarray(self.samples / self.variance)

    def _shows(self, accuracy: Array, m: float, level: float) -> NDArray[np.bool_]:
        """Tell whether an accuracy [S] on this test set shows that theta_new is more than m."""
        n = self._effective
        if m >= 1:
            return np.zeros(len(n), dtype=bool)
        p = special.betainc(n * accuracy, n * (1 - accuracy) + 1, m)
        return np.asarray(p <= _part(level))

    def _term(self, level: float) -> Array:
        """Return [S] how far the samples may move a difference."""
        z2 = special.ndtri(_part(level)) ** 2
        seen = self.samples * self.variance  # about how many samples differ between the sides
        return np.asarray((z2 / 2 + np.sqrt(z2 * (seen + z2 / 4))) / max(self.samples, 1))


def _part(level: float) -> float:
    """Return the part of an error level that is left to the choice of the samples."""
    return (1 - SEEDS_PART) * level


def correct_of(ours: NDArray[np.bool_], theirs: NDArray[np.bool_] | None = None) -> bytes:
    """Return what a seed scored on each sample [N], as `SeedOutcome` holds it.

    Args:
        ours: whether each sample was right.
        theirs: the same of the other side of a difference, for the same samples.
    """
    result = ours.astype(np.int8) if theirs is None else ours.astype(np.int8) - theirs
    return result.astype(np.int8).tobytes()
