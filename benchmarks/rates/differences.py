"""Differences between two recipes: paired by seed at every correlation, and rules that err."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from papertrial.claims.scores import Array, Scores
from papertrial.claims.threshold import threshold
from papertrial.claims.two_sample_test import TwoSampleTest
from rates.row import NONE, Reference, Row, at_most, at_most_near, average, near, share
from rates.trials import (
    ALPHA,
    FIRST,
    LONG,
    MAXIMUM,
    MEAN,
    THRESHOLD,
    ended,
    opposing,
    supporting,
)

CORRELATIONS = (-0.9, -0.7, -0.5, -0.3, -0.15, 0.0, 0.3, 0.5, 0.7, 0.9)
TWO_SAMPLES = TwoSampleTest()
TOLERANCE = 1.5  # in SD of the difference
CHOSEN_FIXED = {0.0: 5.5, -0.15: 6.5, -0.3: 7.5, -0.5: 9.7, -0.7: 11.6}
CHOSEN_ANYTIME = {-0.7: near(7.8), -0.9: near(10, digit=1)}


def pairs(draw: np.random.Generator, count: int, correlation: float, ratio: float) -> Scores:
    """Draw ours, and theirs with `ratio` times the SD, whose difference is 0 and has SD 1."""
    a, z = draw.standard_normal((2, count, LONG))
    b = ratio * (correlation * a + math.sqrt(1 - correlation**2) * z)
    sd = math.sqrt(1 + ratio**2 - 2 * correlation * ratio)
    return Scores.of_difference(a / sd, b / sd)


def paired(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """The difference is on an edge of the band, tolerance 1.5 SD; equal SDs, and one 3 times."""
    horizons: list[tuple[str, int, float, Reference]] = [
        ("anytime, at most 15", MAXIMUM, THRESHOLD, at_most_near(1.8)),
        ("anytime, at most 30", LONG, THRESHOLD, at_most(5)),
    ]
    for last in (8, 10, 15):
        at = threshold(MEAN, ALPHA, horizon=last)
        horizons.append((f"fixed {last}", last, at, at_most_near(4.6)))
    for ratio in (1, 3):
        for correlation in CORRELATIONS:
            x = pairs(draw, count, correlation, ratio)
            band = (-2 * TOLERANCE, 0.0)  # upper edge
            yes, no = supporting(MEAN, x, *band), opposing(MEAN, x, *band)
            for name, last, at, reference in horizons:
                found = ended(yes, no, last=last, at=at)
                where = f"correlation {correlation:g}, SD ratio {ratio}"
                drawn = ""
                if name == "fixed 15" and abs(correlation) in (0.0, 0.9):
                    drawn = f"difference, {where}, fixed 15"
                yield share(
                    where, f"false REPRODUCED, {name}", found.reproduced, reference, drawn=drawn
                )
                yield share(where, f"false NOT, {name}", found.refuted, at_most(5))


def choosing_the_test(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """What papertrial does not do: pair if the first 5 seeds correlate, two samples otherwise."""
    fixed = {test: threshold(test, ALPHA, horizon=MAXIMUM) for test in (MEAN, TWO_SAMPLES)}
    for correlation in (0.0, -0.15, -0.3, -0.5, -0.7, -0.9):
        x = pairs(draw, count, correlation, 1)
        low, high = 0.0, 2 * TOLERANCE
        as_pairs, as_arms = (supporting(t, x, low, high) for t in (MEAN, TWO_SAMPLES))
        pairing = _correlate(x)
        what = "test chosen by the first 5 seeds, false REPRODUCED"
        where = f"correlation {correlation:g}"
        hits = np.where(
            pairing,
            as_pairs[:, MAXIMUM - 1] >= fixed[MEAN],
            as_arms[:, MAXIMUM - 1] >= fixed[TWO_SAMPLES],
        )
        old = CHOSEN_FIXED.get(correlation)
        yield share(where, f"{what}, fixed 15", hits, NONE if old is None else near(old))
        hits = np.where(pairing, as_pairs[:, -1], as_arms[:, -1]) >= THRESHOLD
        reference = CHOSEN_ANYTIME.get(correlation, NONE)
        yield share(where, f"{what}, anytime, at most 30", hits, reference)
    x = pairs(draw, count, 0.0, 1)
    right, edge = "correlation 0, difference right", "correlation 0, edge of the band"
    seeds = []
    for name, test, reference in (("paired", MEAN, near(8.4)), ("two samples", TWO_SAMPLES, NONE)):
        yes = supporting(test, x, -TOLERANCE, TOLERANCE)
        no = opposing(test, x, -TOLERANCE, TOLERANCE)
        seeds.append(ended(yes, no).seeds)
        what = f"{name}, tolerance 1.5 SD: mean seeds"
        yield average(right, what, seeds[-1], reference)
        wrong = supporting(test, x, 0.0, 2 * TOLERANCE)[:, MAXIMUM - 1] >= THRESHOLD
        yield share(edge, f"{name}: false REPRODUCED", wrong, at_most(5))
    chosen = np.where(_correlate(x), *seeds)
    what = "test chosen by the first 5 seeds, tolerance 1.5 SD: mean seeds"
    yield average(right, what, chosen, near(7.6))


def _correlate(x: Scores) -> Array:
    assert x.sides is not None
    ours, theirs = (side[:, :FIRST] - side[:, :FIRST].mean(-1, keepdims=True) for side in x.sides)
    return np.asarray((ours * theirs).sum(-1) > 0)
