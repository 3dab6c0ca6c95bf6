"""The reference's test vectors, which agree to 1e-6 of their size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from papertrial.claims.heterogeneity import heterogeneity
from papertrial.claims.known_sd_test import KnownSdTest
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.reported_best_test import ReportedBestTest
from papertrial.claims.scores import Scores
from papertrial.claims.sign_test import SignTest
from papertrial.claims.t_martingale import counts, log_two_sided, moments, t_statistic
from rates.row import Row, exactly

FIVE = Scores(np.array([93.8, 94.1, 94.0, 94.2, 93.9]))
OTHERS = Scores(np.array([94.3, 94.5, 94.1, 94.4, 94.2]))  # of a second laboratory
THREE = Scores(np.array([1.0, 2.0, 3.0]))
LOSSES = Scores(np.array([3.274, 3.276, 3.279, 3.272, 3.275, 3.277]))


def vectors(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """Nothing is drawn."""
    mean, best = MeanTest(), ReportedBestTest(5)
    for name, scores, m, two_sided, one_sided in (
        ("1, 2, 3", THREE, 0.0, 2.342648, 4.444640),
        ("93.8 .. 93.9", FIVE, 93.5, 16.37599, 32.60027),
    ):
        yield _row(f"mean, x = {name}, m = {m:g}", "G", _two_sided(scores, m), two_sided, 1e-5)
        greater = float(mean.greater(scores, m)[-1])
        yield _row(f"mean, x = {name}, m = {m:g}", "G+", greater, one_sided, 1e-5)
    for m, above, below in ((93.5, 505.713511, 0.057115), (95.0, 0.128725, 13.812326)):
        where = f"best of 5, m = {m:g}"
        yield _row(where, "e+", float(best.greater(FIVE, m)[-1]), above)
        yield _row(where, "e-", float(best.less(FIVE, m)[-1]), below)
    for right, n, e in ((5, 5, 20.175), (6, 6, 38.778571), (13, 15, 21.410387)):
        signs = Scores(np.repeat([1.0, -1.0], [right, n - right]))
        found = float(SignTest().greater(signs, 0.0)[-1])
        yield _row(f"median, {right} of {n} above", "e", found, e, 1e-3 if n == 5 else 1e-6)
    known = float(KnownSdTest(0.15).greater(FIVE, 93.9)[-1])
    yield _row("known SD .15, m = 93.9", "e", known, 1.882142)
    below = mean.less(LOSSES, 3.28)
    for n, e in ((5, 13.511817), (6, 25.162757)):
        yield _row(f"reaches 3.28, n = {n}", "G-", float(below[n - 1]), e)
    both = Scores(np.concatenate([FIVE.values, OTHERS.values]))
    for what, evidence, m, alone, product, one in (
        ("G+", mean.greater, 93.5, 50.451573, 1644.735122, 3780.964417),
        ("G-", mean.less, 94.5, 6.031344, 196.623475, 166.046300),
    ):
        first, second = (float(evidence(lab, m)[-1]) for lab in (FIVE, OTHERS))
        yield _row(f"second of two laboratories, m = {m:g}", what, second, alone)
        yield _row(f"two laboratories, product, m = {m:g}", what, first * second, product)
        found = float(evidence(both, m)[-1])
        yield _row(f"two laboratories, concatenated, m = {m:g}", what, found, one)
    found = heterogeneity([FIVE.values, OTHERS.values])
    yield _row("two laboratories", "heterogeneity", found, 5.600003)


def _row(where: str, what: str, found: float, given: float, digit: float = 1e-6) -> Row:
    return Row(where, what, found, reference=exactly(given, 2 * digit))


def _two_sided(scores: Scores, m: float) -> float:
    mean, scatter = moments(scores.values)
    n = counts(scores.values)
    t = t_statistic(mean, m, n, scatter, n - 1, scores.scale)
    return float(np.exp(log_two_sided(t[-1], n[-1] - 1, 1 / (1 + n[-1]))))
