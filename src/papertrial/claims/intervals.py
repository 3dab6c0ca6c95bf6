"""Intervals over the seeds: the running intersection, one more run, and the rate of failed seeds.

The interval of a claim is the inversion of its test (`Statistic.interval`), so that it agrees with
the verdict: a claim is REPRODUCED exactly when the running interval lies inside its band, and NOT
REPRODUCED (by the same statistic) exactly when the two are disjoint. Each side errs with a
probability of at most 1/threshold, over all numbers of seeds together. The usual two-sided
confidence sequence is wider and would contradict verdicts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from papertrial.claims.scores import Array


def running(low: ArrayLike, high: ArrayLike, first_look: int) -> tuple[Array, Array]:
    """Return the running intersection of intervals [..., S], from the first look on.

    Before the first look it is infinite. A value that was rejected once stays rejected. If the
    intervals contradict each other, low > high.
    """
    low, high = np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)
    low[..., : first_look - 1], high[..., : first_look - 1] = -np.inf, np.inf
    return np.maximum.accumulate(low, -1), np.minimum.accumulate(high, -1)


def prediction(x: ArrayLike, *, level: float = 0.95) -> tuple[Array, Array]:
    """Return the prediction interval [...] of one more run from all S >= 2 scores x [..., S].

    mean -+ t s sqrt(1 + 1/S), with probability `level` for normal scores and a number of seeds that
    was fixed in advance. It decides nothing, because it rewards having few seeds.
    """
    x = np.asarray(x, dtype=np.float64)
    n = x.shape[-1]
    half = special.stdtrit(n - 1, (1 + level) / 2) * x.std(-1, ddof=1) * np.sqrt(1 + 1 / n)
    return x.mean(-1) - half, x.mean(-1) + half


def divergence_bound(bad: int, of: int, *, level: float = 0.95) -> float:
    """Return the upper end of the interval for the failure rate after `bad` of `of` seeds failed.

    One-sided, by Clopper and Pearson: .393 for 0 of 6. It holds with probability `level` if the
    number of seeds was fixed in advance.
    """
    return 1.0 if bad >= of else float(special.betaincinv(bad + 1, of - bad, level))
