"""Trials of many repetitions at once: R repetitions of S seeds, judged as `judge` judges one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from papertrial.claims.mean_test import MeanTest
from papertrial.claims.scores import Array, Scores
from papertrial.claims.statistic import Statistic

ALPHA, FIRST, MAXIMUM, LONG = 0.05, 5, 15, 30  # LONG: the maximum of the first edition's rates
THRESHOLD = 1 / ALPHA
MEAN = MeanTest()
Hits = NDArray[np.bool_]


@dataclass(frozen=True)
class Decisions:
    """How R trials ended: REPRODUCED, NOT REPRODUCED or neither, after how many seeds, [R] each."""

    reproduced: Hits
    refuted: Hits
    seeds: NDArray[np.intp]

    @property
    def decided(self) -> Hits:
        """Which trials ended with a verdict."""
        return self.reproduced | self.refuted


def latched(e: Array, first: int = FIRST) -> Array:
    """Return the running maxima [R, S] of evidence, which counts from the first look on."""
    counted = e.copy()
    counted[:, : first - 1] = 0.0
    return np.asarray(np.maximum.accumulate(counted, -1))


def crosses(e: Array, last: int = MAXIMUM, *, first: int = FIRST, at: float = THRESHOLD) -> Hits:
    """Return which repetitions [R] reach the threshold at a look from `first` to `last`."""
    return np.asarray(e[:, first - 1 : last].max(-1) >= at)


def look_of_crossing(e: Array, at: float) -> NDArray[np.intp]:
    """Return after which seed [R] the evidence [R, S] is enough; S + 1 if it never is."""
    enough = e >= at
    return np.where(enough.any(-1), enough.argmax(-1) + 1, e.shape[-1] + 1)


def supporting(
    statistic: Statistic, scores: Scores, low: ArrayLike, high: ArrayLike, first: int = FIRST
) -> Array:
    """Return the evidence [R, S] that the number is between low and high."""
    above, below = statistic.greater(scores, low), statistic.less(scores, high)
    return np.minimum(latched(above, first), latched(below, first))


def opposing(
    statistic: Statistic, scores: Scores, low: ArrayLike, high: ArrayLike, first: int = FIRST
) -> Array:
    """Return the evidence [R, S] that the number is below low or above high."""
    below, above = statistic.less(scores, low), statistic.greater(scores, high)
    return latched(np.maximum(below, above), first)


def ended(
    supports: Array,
    opposes: Array,
    *,
    last: int = MAXIMUM,
    at: float = THRESHOLD,
    against: float | None = None,
) -> Decisions:
    """Return how trials end: at the first crossing of either side, or after `last` seeds.

    Args:
        supports, opposes: latched evidence [R, S].
        last: the maximum of seeds.
        at: what `supports` must reach.
        against: what `opposes` must reach, if that is not the same.
    """
    yes = look_of_crossing(supports[:, :last], at)
    no = look_of_crossing(opposes[:, :last], at if against is None else against)
    return Decisions((yes <= no) & (yes <= last), no < yes, np.minimum(np.minimum(yes, no), last))


def decide(
    x: Array | Scores,
    low: ArrayLike,
    high: ArrayLike,
    *,
    supports: Statistic = MEAN,
    opposes: Statistic | None = None,
    first: int = FIRST,
    last: int = MAXIMUM,
    at: float = THRESHOLD,
) -> Decisions:
    """Return how trials on scores x [R, S] end, for a claim that theta is between low and high.

    The edges are numbers, or one for each repetition [R]. `opposes` is `supports` if omitted.
    """
    scores = x if isinstance(x, Scores) else Scores(x)
    yes = supporting(supports, scores, low, high, first)
    no = opposing(supports if opposes is None else opposes, scores, low, high, first)
    return ended(yes, no, last=last, at=at)
