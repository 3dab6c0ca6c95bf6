"""Scores that are not normal: skewed, on a coarse lattice, or collapsed now and then."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from papertrial.claims.mean_test import MeanTest
from papertrial.claims.scores import Array, Scores
from papertrial.claims.sd_estimate import SdEstimate
from papertrial.claims.statistic import Statistic
from papertrial.claims.threshold import threshold
from rates.row import NONE, Row, at_most, at_most_near, near, share
from rates.trials import ALPHA, LONG, MAXIMUM, MEAN, THRESHOLD, Hits, crosses, decide


def worse(
    x: Array, mean: float, test: Statistic = MEAN, last: int = MAXIMUM, at: float = THRESHOLD
) -> Hits:
    """Return which repetitions cross at the mean, of the side that does so more often."""
    scores = Scores(x)
    sides = [crosses(e, last, at=at) for e in (test.greater(scores, mean), test.less(scores, mean))]
    return max(sides, key=np.mean)


def skew(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """The worse side of the test of the mean, looks from 5 to 30. No guarantee holds here.

    The reference does not say how scores near a ceiling were drawn: Beta(30, 1) is a guess.
    """
    size = (count, LONG)
    stragglers = np.where(draw.random(size) < 0.1, -4.0, draw.standard_normal(size)) + 0.4
    for name, x, reference in (
        ("exponential", draw.exponential(size=size) - 1, near(15.5)),
        ("near a ceiling, Beta(30, 1)", draw.beta(30, 1, size) - 30 / 31, near(14, digit=1)),
        ("10 % stragglers at -4 SD", stragglers, near(7.9)),
        ("uniform", draw.random(size) - 0.5, at_most(5)),
        ("Student t with 3", draw.standard_t(3, size), at_most(5)),
        ("binomial of 5,000, p = .9", draw.binomial(5000, 0.9, size) / 5000 - 0.9, at_most(5)),
        ("binomial of 5,000, p = .99", draw.binomial(5000, 0.99, size) / 5000 - 0.99, at_most(5)),
    ):
        yield share(
            name,
            "one side crosses at the mean, at most 30",
            worse(x, 0.0, last=LONG),
            reference,
            drawn=name,
            guaranteed=False,
        )
    gamma = draw.gamma(4.0, 1.0, (count, MAXIMUM)) - 4  # CV .5
    at = threshold(MEAN, ALPHA, horizon=MAXIMUM)
    yield share(
        "gamma, CV .5",
        "one side crosses at the mean, anytime, at most 15",
        worse(gamma, 0.0),
        near(5.5),
        drawn="gamma, CV .5, anytime",
        guaranteed=False,
    )
    yield share(
        "gamma, CV .5",
        "one side crosses at the mean, fixed 15",
        worse(gamma, 0.0, at=at),
        near(10.4),
        drawn="gamma, CV .5, fixed 15",
        guaranteed=False,
    )


def coarse(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """Accuracies on few samples, which move in steps of h; the worse side, at most 15 seeds."""
    h = 0.01
    given = {0.05: 77, 0.1: 59, 0.2: 33, 0.3: 18}
    for chance in (0.05, 0.1, 0.2, 0.3, 0.5):
        x = 0.9 + h * (draw.random((count, MAXIMUM)) < chance)
        where = f"100 test samples, P(one more right) = {chance:g}"
        with_step = worse(x, 0.9 + h * chance, MeanTest(sd=SdEstimate(step=h)))
        yield share(
            where,
            "one side crosses at the mean",
            with_step,
            at_most_near(2.6),
            drawn=where if chance < 0.5 else "",
        )
        old = near(given[chance], digit=1) if chance in given else NONE
        yield share(where, "the same without h^2/12", worse(x, 0.9 + h * chance), old)
    for samples in (100, 360):
        for p in (0.5, 0.9, 0.97):
            x = draw.binomial(samples, p, (count, MAXIMUM)) / samples
            hits = worse(x, p, MeanTest(sd=SdEstimate(step=1 / samples)))
            where = f"binomial of {samples}, p = {p:g}"
            yield share(
                where,
                "one side crosses at the mean",
                hits,
                at_most(5),
                drawn=where if p != 0.5 else "",
            )


def collapse(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """A seed in ten collapses to 100 SD below. The claim states what the others score.

    The expected score is then far outside the band, and every REPRODUCED is false. No test sees
    it in 15 seeds if none of them collapses.
    """
    size = (count, MAXIMUM)
    x = np.where(draw.random(size) < 0.1, -100.0, draw.standard_normal(size))
    for tolerance in (1.0, 1.5, 2.0, 3.0):
        found = decide(x, -tolerance, tolerance)
        reference = near(31, 58, digit=1) if tolerance > 1 else NONE
        yield share(
            f"10 % of the seeds collapse, tolerance {tolerance:g} SD",
            "false REPRODUCED",
            found.reproduced,
            reference,
        )
