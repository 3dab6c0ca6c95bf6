"""Reaching a target by a step, on a registered grid of 10 steps, with losses that decrease."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from papertrial.claims.scores import Array, Scores
from papertrial.claims.sign_test import SignTest
from rates.row import NONE, Row, at_most, near, share
from rates.trials import MAXIMUM, MEAN, Hits, crosses

STEPS = 10


def curves(draw: np.random.Generator, count: int, correlation: float, means: Array) -> Array:
    """Draw curves [R, S, STEPS] minus the target, SD 1, with these means [STEPS].

    `correlation` is that between any two steps of a seed.
    """
    seed = draw.standard_normal((count, MAXIMUM, 1))
    steps = draw.standard_normal((count, MAXIMUM, STEPS))
    return means + math.sqrt(correlation) * seed + math.sqrt(1 - correlation) * steps


def reaching(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """At most 15 seeds. The reference's rates are those of a correlation of .5."""
    for correlation in (0.0, 0.5, 0.9):
        for true, where in ((STEPS, "never below"), (5, "below from step 6 of 10 on")):
            means = np.where(np.arange(STEPS) < true, 0.0, -3.0)
            x = curves(draw, count, correlation, means)
            below = np.stack([confirmed(x[..., step]) for step in range(STEPS)], -1)
            # From the last step backwards, each at full alpha: the first failure ends it.
            sequence = np.logical_and.accumulate(below[:, ::-1], -1)[:, ::-1]
            name = f"{where}, correlation of steps {correlation:g}"
            yield share(
                name,
                "the first step, fixed sequence: false",
                sequence[:, :true].any(-1),
                near(1.6, 2.0),
                drawn=f"reaches, {name}",
            )
            if true == STEPS:
                reference = near(12, digit=1) if correlation == 0.5 else NONE
                yield share(name, "any step, each at full alpha: false", below.any(-1), reference)
                passing = x[:, 0].min(-1) < 0
                reference = near(91, digit=1) if correlation == 0.5 else NONE
                yield share(name, "a seed passes at some step", passing, reference)
    x = curves(draw, count, 0.5, np.zeros(STEPS)).max(-1)  # of each seed: its highest step
    median = float(np.median(curves(draw, 50_000, 0.5, np.zeros(STEPS))[:, 0].max(-1)))
    hits = crosses(SignTest().less(Scores(x - median), 0.0))
    yield share(
        "half of the seeds stay below",
        "median reading: false",
        hits,
        at_most(5),
        drawn="reaches, half of the seeds stay below",
    )


def confirmed(x: Array) -> Hits:
    """Return in which repetitions the mean of scores x [R, S] is confirmed to be below 0."""
    return crosses(MEAN.less(Scores(x), 0.0))
