"""A maximum of seeds that is fixed in advance: thresholds, errors, and what they gain."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from papertrial.claims.scores import Scores
from papertrial.claims.threshold import threshold
from rates.row import NONE, Row, at_most, near, share
from rates.trials import ALPHA, FIRST, LONG, MAXIMUM, MEAN, THRESHOLD, crosses, decide


def fixed(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """Thresholds; one side at m; a claim that is right; a tolerance of 0."""
    x = Scores(draw.standard_normal((count, LONG)))
    e = MEAN.greater(x, 0.0)
    for last, given in ((8, None), (10, 7.49), (15, None), (30, 10.65)):
        at = threshold(MEAN, ALPHA, horizon=last)
        yield _quantile(f"fixed {last}", "threshold, calibrated on looks from 2", at, last, given)
        hits = crosses(e, last, at=at)
        yield share(
            f"fixed {last}",
            "one side crosses at m",
            hits,
            at_most(5),
            drawn=f"fixed {last}, one side at m",
        )
        exact = decide(x, 0.0, 0.0, last=last, at=at)
        yield share(
            f"fixed {last}, tolerance 0, claim right",
            "false NOT REPRODUCED",
            exact.refuted,
            at_most(200 * ALPHA),
        )
    maxima = e[:, FIRST - 1 : MAXIMUM].max(-1)
    at = float(np.quantile(maxima, 1 - ALPHA))
    row = _quantile("fixed 15", "threshold, calibrated on looks from 5", at, MAXIMUM, 7.66)
    error = _error_of_quantile(at, count)
    yield Row(row.scenario, row.what, at, error, row.reference, row.reference_error)
    at = threshold(MEAN, ALPHA, horizon=10)
    for tolerance, anytime, calibrated in ((1.0, 23, 52), (1.5, 80, 95)):
        where = f"tolerance {tolerance:g} SD, claim right"
        above, below = MEAN.greater(x, -tolerance), MEAN.less(x, tolerance)
        for name, needed, given in (("anytime", THRESHOLD, anytime), ("fixed 10", at, calibrated)):
            hits = crosses(np.minimum(above, below), 10, at=needed)
            what = f"{name}: REPRODUCED by 10, both sides at the same look"
            yield share(where, what, hits, near(given, digit=1))
            hits = decide(x, -tolerance, tolerance, last=10, at=needed).reproduced
            yield share(where, f"{name}: REPRODUCED by 10, each side latched", hits)


def _quantile(where: str, what: str, at: float, last: int, given: float | None) -> Row:
    """Return a row for a threshold, from 100,000 repetitions; the reference has 20,000."""
    error = _error_of_quantile(at, 100_000)
    if given is None:
        return Row(where, what, at, error, NONE)
    return Row(where, what, at, error, near(given, digit=0.01), _error_of_quantile(at, 20_000))


def _error_of_quantile(at: float, repetitions: int) -> float:
    """Return the error of a threshold. The share above it falls about as 1/at."""
    return at * math.sqrt((1 - ALPHA) / (ALPHA * repetitions))
