"""Verdicts from several laboratories: how they are combined, and whether they differ."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from papertrial.claims.heterogeneity import heterogeneity
from papertrial.claims.reported_mean_test import ReportedMeanTest
from papertrial.claims.scores import Array, Scores
from rates.row import Row, at_most, near, share
from rates.trials import MEAN, THRESHOLD, crosses, decide, latched

SEEDS = 5  # of each laboratory
LONG = 15  # seeds of each laboratory, at most
LABS = 4


def combined(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """Laboratories of 5 seeds each, with the same set-up or with effects of one SD.

    They are concatenated in the registered order, multiplied at their ends, or reduced to their
    means.
    """
    yield from _same_set_up(draw, count)
    yield from _reported_numbers(draw, count)
    yield from _effects(draw, count)
    yield from _stopping(draw, count)


def differing(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """The evidence that laboratories differ, for equal laboratories and for effects of one SD."""
    for labs in (2, 4, 8):
        x = draw.standard_normal((count, labs, SEEDS))
        found = _differ(x)
        where = f"{labs} equal laboratories"
        yield share(where, "said to differ", found, at_most(5))
        effects = draw.standard_normal((count, labs, 1))
        yield share(f"{labs} laboratories, effects of 1 SD", "said to differ", _differ(x + effects))
    x = draw.standard_normal((count, LABS, LONG))
    seeds = decide(x.reshape(-1, LONG), -1.0, 1.0).seeds.reshape(count, LABS)
    differ = [
        heterogeneity([lab[:n] for lab, n in zip(one, ends, strict=True)]) >= THRESHOLD
        for one, ends in zip(x, seeds, strict=True)
    ]
    where = "4 equal laboratories that stop at their verdicts"
    yield share(where, "said to differ", np.array(differ), at_most(5))


def _same_set_up(draw: np.random.Generator, count: int) -> Iterator[Row]:
    x = draw.standard_normal((count, LABS, SEEDS))
    where = "4 laboratories, tolerance 1 SD, the claim is right"
    ours = decide(_concatenated(x), -1.0, 1.0, last=LABS * SEEDS).decided
    yield share(where, "decided, concatenated", ours, near(86, digit=1))
    product = np.minimum(_product(MEAN.greater(Scores(x), -1.0)), _product(MEAN.less(Scores(x), 1)))
    yield share(where, "decided, by products", product >= THRESHOLD, near(80, digit=1))
    for labs, naive in ((2, near(3.4)), (4, near(5.5)), (8, near(7.4))):
        x = draw.standard_normal((count, labs, LONG))
        where = f"{labs} laboratories of 15 seeds, one edge"
        e = MEAN.greater(Scores(x), 0.0)
        one = crosses(MEAN.greater(Scores(_concatenated(x)), 0.0), labs * LONG)
        yield share(where, "false, concatenated", one, at_most(5))
        many = _product(e) >= THRESHOLD
        yield share(where, "false, by products at the ends", many, at_most(5))
        largest = np.prod(latched(e.reshape(-1, LONG))[:, -1].reshape(count, labs), -1)
        yield share(where, "false, by products of running maxima", largest >= THRESHOLD, naive)


def _reported_numbers(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """A single run of the identical process is reported."""
    for labs, naive in ((4, near(5.2)), (8, near(8.4))):
        x, m = draw.standard_normal((count, labs, LONG)), draw.standard_normal(count)
        where = f"{labs} laboratories of 15 seeds, one reported run"
        test = ReportedMeanTest(1)
        one = crosses(test.greater(Scores(_concatenated(x)), m), labs * LONG)
        yield share(where, "false NOT, concatenated, one side", one, near(1.5))
        found = _product(test.greater(Scores(x), m[:, None])) >= THRESHOLD
        yield share(where, "false NOT, by products, one side", found, naive)


def _effects(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """Each laboratory has an effect of one SD, and the mean over laboratories is on the edge."""
    wrong = near(8, 21, digit=1)
    for labs in (2, 4, 8):
        x = draw.standard_normal((count, labs, SEEDS)) + draw.standard_normal((count, labs, 1))
        where = f"{labs} laboratories, effects of 1 SD, one edge"
        one = crosses(MEAN.greater(Scores(_concatenated(x)), 0.0), labs * SEEDS)
        yield share(where, "false, concatenated", one, wrong, guaranteed=False)
        many = _product(MEAN.greater(Scores(x), 0.0)) >= THRESHOLD
        yield share(where, "false, by products", many, wrong, guaranteed=False)
    for labs in (5, 8):
        x = draw.standard_normal((count, labs, SEEDS)) + draw.standard_normal((count, labs, 1))
        where = f"{labs} laboratories by their means, effects of 1 SD, one edge"
        found = crosses(MEAN.greater(Scores(x.mean(-1)), 0.0), labs)
        yield share(where, "false", found, near(1.0) if labs == 8 else at_most(5))


def _stopping(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """Each laboratory of at most 15 seeds stops when its own verdict is reached."""
    most, labs = LONG, 5
    for effect in (0.0, 1.0):
        x = draw.standard_normal((count, labs, most))
        x += effect * draw.standard_normal((count, labs, 1))
        seeds = decide(x.reshape(-1, most), 0.0, 2.0, last=most).seeds.reshape(count, labs, 1)
        used = np.arange(1, most + 1) <= seeds
        where = f"5 laboratories that stop at their verdicts, effects of {effect:g} SD, one edge"
        means = np.where(used, x, 0.0).sum(-1) / seeds[..., 0]
        found = crosses(MEAN.greater(Scores(means), 0.0), labs)
        yield share(where, "false, by their means", found, at_most(5))
        ends = np.take_along_axis(MEAN.greater(Scores(x), 0.0), seeds - 1, -1)[..., 0]
        if not effect:
            found = np.prod(ends, -1) >= THRESHOLD
            yield share(where, "false, by products", found, at_most(5))


def _concatenated(x: Array) -> Array:
    """Return the scores [R, L, S] of laboratories one after another, [R, L S]."""
    return x.reshape(len(x), -1)


def _product(e: Array) -> Array:
    """Return the product [R] of the evidence [R, L, S] at the ends of the laboratories."""
    return np.asarray(np.prod(e[..., -1], -1))


def _differ(x: Array) -> Array:
    return np.array([heterogeneity(list(one)) >= THRESHOLD for one in x])
