"""A series of ideas under one error budget, as `papertrial accept` judges them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import special

from papertrial.claims.gain import PRIOR
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.online_budget import OnlineBudget
from papertrial.claims.scores import Array, Scores
from papertrial.claims.t_martingale import counts, moments
from rates.row import NONE, Reference, Row, at_most, share
from rates.trials import ALPHA, FIRST, MAXIMUM, Hits

IDEAS = 100
LESS = 5  # a series of 100 ideas takes this many times the scores, so fewer of them are drawn
BUDGET, TEST = OnlineBudget(ALPHA, IDEAS), MeanTest(PRIOR)


Noise = Callable[[np.random.Generator, tuple[int, int]], Array]


def normal(draw: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Draw normal scores with the mean 0 and the SD 1."""
    return draw.standard_normal(shape)


def skewed(draw: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Draw exponential scores with the mean 0 and the SD 1, skewed to the left."""
    return 1 - draw.standard_exponential(shape)


def with_stragglers(draw: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Draw scores with the mean 0 of which 10 % collapse, to 4 SD below the others."""
    return draw.standard_normal(shape) - 4.0 * (draw.random(shape) < 0.1) + 0.4


@dataclass(frozen=True)
class SeriesOfIdeas:
    """How R series of ideas ended.

    Attributes:
        accepted, false: the numbers of accepted ideas, and of those without an effect, [R] each.
        naive, naive_false: the same for p < .05 for each idea.
    """

    accepted: Array
    false: Array
    naive: Array
    naive_false: Array


def series(
    draw: np.random.Generator,
    count: int,
    *,
    gains: Array,
    looks: str = "once",
    replaces: bool = False,
    noise: Noise = normal,
    candidates: Noise | None = None,
) -> SeriesOfIdeas:
    """Draw series of ideas with these gains [ideas], in SD between seeds, beside one baseline.

    The scores of both sides are independent for each seed and have an SD of 1. An idea has 5 to 15
    seeds. It is judged once, with all of them, or after each ("each"), or at the number of seeds
    at which its evidence is largest, which needs to know later scores ("best"). If an accepted
    candidate `replaces` the baseline, the gain of a later idea is on top of it. `noise` draws
    scores with the mean 0; `candidates` those of the candidates, if they differ.
    """
    baseline, mean = noise(draw, (count, MAXIMUM)), np.zeros(count)
    accepted, false, naive, naive_false = np.zeros((4, count))
    for idea, gain in enumerate(gains, 1):
        drawn = (candidates or noise)(draw, (count, MAXIMUM))
        candidate = (mean + gain)[:, None] + drawn
        n = draw.integers(FIRST, MAXIMUM + 1, count)
        e = TEST.greater(Scores.of_difference(candidate, baseline), 0.0)
        # e-LOND: alpha gamma_t (R + 1)
        needed = 1 / (BUDGET.level(idea, 0) * (accepted + 1))
        hits = reaches(e, n, needed, looks)
        accepted += hits
        false += hits & (gain <= 0)
        lucky = one_sided(candidate - baseline, n, any_look=looks != "once") < ALPHA
        naive += lucky
        naive_false += lucky & (gain <= 0)
        if replaces:
            baseline = np.where(hits[:, None], candidate, baseline)
            mean = np.where(hits, mean + gain, mean)
    return SeriesOfIdeas(accepted, false, naive, naive_false)


def reaches(e: Array, n: Array, needed: Array, looks: str) -> Hits:
    """Return which ideas [R] are accepted, from the evidence [R, S] on n [R] seeds."""
    at_end = e[np.arange(len(e)), n - 1] >= needed
    if looks == "once":
        return np.asarray(at_end)
    seen = np.arange(1, e.shape[-1] + 1)
    until = n[:, None] if looks == "each" else MAXIMUM
    return np.asarray(((e >= needed[:, None]) & (seen >= FIRST) & (seen <= until)).any(-1))


def one_sided(x: Array, n: Array, *, any_look: bool) -> Array:
    """Return the p-value [R] of a one-sided t-test on the first n [R] of x [R, S].

    With `any_look` it is the smallest one on 5 to n scores, as by someone who looks after each.
    """
    mean, scatter = moments(x)
    seen = counts(x)[FIRST - 1 :]
    t = mean[:, FIRST - 1 :] * np.sqrt(seen * (seen - 1) / scatter[:, FIRST - 1 :])
    p = special.stdtr(seen - 1, -t)
    if not any_look:
        return np.asarray(p[np.arange(len(p)), n - FIRST])
    return np.asarray(np.where(seen <= n[:, None], p, 1.0).min(-1))


def ideas(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """100 ideas beside one baseline, 5 to 15 seeds each; gains in SD between seeds of one side."""
    few, none = max(count // LESS, 100), np.zeros(IDEAS)
    for where, looks, replaces in (
        ("100 null ideas", "once", False),
        ("100 null ideas, judged after each seed", "each", False),
        ("100 null ideas, at the luckiest number of seeds", "best", False),
        ("100 null ideas, an accepted one is the new baseline", "once", True),
    ):
        found = series(draw, few, gains=none, looks=looks, replaces=replaces)
        yield share(where, "any accepted", found.accepted > 0, at_most(5), drawn=where)
        if looks != "best" and not replaces:
            yield share(where, "any p < .05, which papertrial does not use", found.naive > 0)
    for where, base, other in (
        ("100 null ideas, exponential scores", skewed, skewed),
        ("100 null ideas of which 10 % of the seeds collapse", normal, with_stragglers),
    ):
        found = series(draw, few, gains=none, looks="each", noise=base, candidates=other)
        yield share(where, "any accepted", found.accepted > 0, drawn=where, guaranteed=False)
    some = np.where(np.arange(IDEAS) % 5 == 4, 3.0, 0.0)
    for where, looks, replaces in (
        ("every fifth idea gains 3 SD", "once", False),
        ("every fifth gains 3 SD, judged after each seed", "each", False),
        ("every fifth gains 3 SD, at the luckiest number of seeds", "best", False),
        ("every fifth gains 3 SD, an accepted one is the new baseline", "once", True),
    ):
        found = series(draw, few, gains=some, looks=looks, replaces=replaces)
        false = found.false / np.maximum(found.accepted, 1)
        yield mean_share(where, "share of false ones among the accepted", false, at_most(5))
        gains = (found.accepted - found.false) / (some > 0).sum()
        yield mean_share(where, "share of the gains that is accepted", gains)
        if looks == "once" and not replaces:
            false = found.naive_false / np.maximum(found.naive, 1)
            yield mean_share(where, "share of false ones among those with p < .05", false)
    yield from powers(draw, count)


def mean_share(where: str, what: str, shares: Array, reference: Reference = NONE) -> Row:
    """Return a row for the mean of shares [R], in percent."""
    error = max(float(np.std(shares)), 1 / len(shares)) / math.sqrt(len(shares))
    return Row(where, what, 100 * float(shares.mean()), 100 * error, reference, unit="%")


def powers(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """Yield how often a true gain is accepted as the first of 100 ideas, by gain and seeds."""
    most = 30
    for gain in (1.0, 2.0, 3.0):
        sides = draw.standard_normal((2, count, most))
        e = TEST.greater(Scores.of_difference(gain + sides[0], sides[1]), 0.0)
        for n in (8, 10, 12, 15, 20, most):
            hits = e[:, n - 1] >= 1 / BUDGET.level(1, 0)
            yield share(f"first of 100 ideas, gains {gain:g} SD", f"accepted on {n} seeds", hits)
