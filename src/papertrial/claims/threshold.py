"""What an e-value must reach: 1/alpha for any number of seeds, less if the maximum is fixed.

A rule that allows no more than N seeds can use a lower threshold, because there are only so many
looks: the 1 - alpha quantile of the running maximum at the edge of the null, found by simulation.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from papertrial.claims.scores import Array
from papertrial.claims.statistic import Statistic
from papertrial.errors import ClaimError

SEED = 20_261_120
PART, PARTS = 10_000, 10  # repetitions; the error of a threshold is then about 1 % of it


@lru_cache(maxsize=256)
def threshold(
    statistic: Statistic,
    alpha: float,
    *,
    horizon: int | None,
    first_look: int = 5,
    one_look: bool = False,
    parts: int = PARTS,
) -> float:
    """Return the threshold that e-values of a test must reach for an error of alpha on each side.

    Without a horizon it is 1/alpha (Ville's inequality: any number of looks). With one, it is the
    1 - alpha quantile of the running maximum over 2 .. horizon seeds at the edge of the null, from
    100,000 repetitions with a fixed random seed, so that it is the same on every machine. (For the
    mean at alpha .05: about 7.5 for 10 seeds, 10.5 for 30.) Looks before the first one that is used
    count too, so that the threshold is valid for any first look and does not depend on it.

    If the two sides of a test differ (the best of k runs, a quantile that is not the median), it is
    the larger one of both. It is never more than 1/alpha.

    With `one_look`, only the look at all `horizon` seeds counts, and the threshold is the 1 - alpha
    quantile of that one e-value: the exact test for a number of seeds that was fixed in advance.
    (For the mean at alpha .05, a verdict is then that of the one-sided t-test.)

    Verdicts take all `parts` of 10,000 repetitions; a plan may do with fewer.

    Raises:
        ClaimError: the horizon is before the first look.
    """
    if horizon is None:
        return 1 / alpha
    if horizon < first_look:
        raise ClaimError(
            f"a fixed horizon must reach the first look, {first_look} seeds; got {horizon}"
        )
    draw = np.random.default_rng(SEED)
    looks = np.array([horizon], dtype=np.float64) if one_look else None
    drawn = (statistic.simulate(draw, PART, horizon, looks) for _ in range(parts))
    maxima = [_maxima(sides, first=0 if one_look else 1) for sides in drawn]
    sides = [np.concatenate(side) for side in zip(*maxima, strict=True)]
    return min(1 / alpha, max(_quantile(side, alpha) for side in sides))


def _maxima(sides: tuple[Array, ...], *, first: int) -> list[Array]:
    """Return the maxima of simulated e-values from a column on, for each side of a threshold."""
    return [e[:, first:].max(-1) for e in sides]


def _quantile(maxima: Array, alpha: float) -> float:
    """Return the threshold that at most a share alpha of the simulated maxima reach.

    Maxima of the sign test take few different values, so it is one of them, lowered by what
    rounding can do to it.
    """
    values, first = np.unique(np.sort(maxima), return_index=True)
    reached = 1 - first / maxima.size
    allowed = np.flatnonzero(reached <= alpha)
    return float(values[allowed[0]]) * (1 - 1e-9) if allowed.size else math.inf
