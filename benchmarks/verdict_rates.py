"""Simulate how often verdicts are right, and compare the rates with reference values.

    python benchmarks/verdict_rates.py --repetitions 20000

Scores are drawn at the edge of the null hypothesis or at the claim, and tested after every seed
from 5 to 30 at alpha = 5 %. Each row has the measured value, the reference, the Monte Carlo error
(1 SD; percentage points for rates), and whether the two agree within 3 errors of both simulations
(about 20,000 repetitions for the reference) plus half a unit of the last digit of the reference.
The exit code is 1 if a row does not agree.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from papertrial.claims.best_of_test import BestOfTest, expected_maximum
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.reported_mean_test import ReportedMeanTest
from papertrial.claims.scores import Array, Scores
from papertrial.claims.sign_test import SignTest
from papertrial.claims.statistic import Statistic
from papertrial.claims.t_martingale import counts, log_greater, moments, t_statistic
from papertrial.claims.threshold import threshold
from papertrial.claims.two_sample_test import TwoSampleTest

FIRST, LAST, ALPHA = 5, 30, 0.05
THRESHOLD = 1 / ALPHA
REFERENCE = 20_000  # repetitions behind a figure to compare with
MEAN, MEDIAN, TWO_SAMPLES = MeanTest(), SignTest(), TwoSampleTest()


@dataclass(frozen=True)
class Row:
    """A measured value and its reference interval.

    `low` is -inf if there is only an upper bound; both ends are infinite if there is no reference.
    """

    what: str
    measured: float
    low: float
    high: float
    error: float
    digit: float = 0.1

    @property
    def good(self) -> bool:
        """Whether the measured value agrees with the reference within the errors."""
        slack = 3 * self.error + self.digit / 2
        return self.low - slack <= self.measured <= self.high + slack

    @property
    def reference(self) -> str:
        """The reference in words."""
        if self.low == self.high:
            return f"{self.low:g}"
        if self.high == math.inf:
            return "-"
        return f"<= {self.high:g}" if self.low == -math.inf else f"{self.low:g} to {self.high:g}"


def main() -> None:
    """Simulate, print a table, and exit with 1 if a value is outside its reference."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--repetitions", type=int, default=REFERENCE)
    given = options.parse_args()
    start, bad = time.perf_counter(), 0
    print(f"{'what':72}{'measured':>10}{'reference':>13}{'error':>8}")
    for section in (normal, mean_edges, reported, best_of, quantile, shapes, fixed, differences):
        for row in section(np.random.default_rng(20_261_120), given.repetitions):
            bad += not row.good
            tail = "" if row.low == -math.inf and row.high == math.inf else "ok"
            tail = tail if row.good else "OUTSIDE"
            print(f"{row.what:72}{row.measured:10.2f}{row.reference:>13}{row.error:8.2f}  {tail}")
    print(f"{given.repetitions} repetitions, {time.perf_counter() - start:.0f} s, {bad} outside")
    sys.exit(bool(bad))


def rate(
    what: str, hits: Array, low: float, high: float | None = None, *, digit: float = 0.1
) -> Row:
    """Return a row for a share of repetitions, in percent; without `high` it should be `low`."""
    high = low if high is None else high
    p = max(float(np.mean(hits)), 1 / hits.size)
    error = math.sqrt(p * (1 - p) * (1 / hits.size + (math.isfinite(high) / REFERENCE)))
    return Row(what, 100 * float(np.mean(hits)), low, high, 100 * error, digit)


def bounded(what: str, hits: Array, high: float) -> Row:
    """Return a row for a share with an upper bound."""
    return rate(what, hits, -math.inf, high)


def shown(what: str, hits: Array) -> Row:
    """Return a row for a share without a reference."""
    return rate(what, hits, -math.inf, math.inf)


def greater(x: Array, m: ArrayLike, statistic: Statistic = MEAN) -> Array:
    """Return the evidence [R, n] that the tested quantity is greater than m."""
    return statistic.greater(Scores(x), m)


def less(x: Array, m: ArrayLike, statistic: Statistic = MEAN) -> Array:
    """Return the evidence [R, n] that the tested quantity is less than m."""
    return statistic.less(Scores(x), m)


def crosses(e: Array, first: int = FIRST, last: int = LAST, at: float = THRESHOLD) -> Array:
    """Return which repetitions [R] reach the threshold from the `first` seed to the `last`."""
    return e[:, first - 1 : last].max(-1) >= at


def taken(above: Array, below: Array, *, same: bool = False, at: float = THRESHOLD) -> Array:
    """Return the seed after which each repetition [R] is REPRODUCED; LAST + 1 if it never is.

    Both sides must have reached the threshold; with `same`, both must be above it after that seed.
    """
    if not same:
        above, below = (np.maximum.accumulate(e[:, FIRST - 1 :], -1) for e in (above, below))
        return taken(
            np.pad(above, ((0, 0), (FIRST - 1, 0))),
            np.pad(below, ((0, 0), (FIRST - 1, 0))),
            same=True,
            at=at,
        )
    both = np.minimum(above, below) >= at
    both[:, : FIRST - 1] = False
    return np.where(both.any(-1), both.argmax(-1) + 1, LAST + 1)


def normal(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """Claims of about c: share decided by n = 30, median n, and false REPRODUCED at the edge."""
    for n, width in ((5, 2.29), (6, 1.70), (10, 1.06), (20, 0.69)):
        half = MeanTest().half_width(n, THRESHOLD)
        yield Row(f"half width of the interval, n = {n} (in s)", half, width, width, 0, 0.01)
    for ratio, decided, median in ((1, 99, 14), (1.5, 100, 8), (2, 100, 6), (3, 100, 5)):
        x = draw.standard_normal((count, LAST))
        above, below = greater(x, -ratio), less(x, ratio)
        n = taken(above, below)
        yield rate(f"delta/sigma {ratio}: decided by n = 30 (%)", n <= LAST, decided, digit=1)
        yield Row(f"delta/sigma {ratio}: median n", float(np.median(n)), median, median, 0, 0)
        edge = taken(greater(x, 0), less(x, 2 * ratio)) <= LAST
        where = f"delta/sigma {ratio}: false REPRODUCED on the edge (%)"
        yield bounded(where, edge, 2.3) if ratio == 3 else rate(where, edge, 2.3)


def mean_edges(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """One side at the edge of its null and inside it; a repeated t-test; coarse scores."""
    x = draw.standard_normal((count, LAST))
    yield rate("one side crosses at m (%)", crosses(greater(x, 0)), 2.3)
    yield rate("one side crosses .1 sigma inside (%)", crosses(greater(x, 0.1)), 1.1)
    mean, scatter = moments(x)
    n = counts(x)
    t = np.abs(t_statistic(mean, 0.0, n, scatter, n - 1, np.abs(x)))
    repeated = (t >= stats.t.ppf(0.975, np.maximum(n - 1, 1)))[:, 2:].any(-1)
    yield rate("a t-test repeated from 3 to 30, two-sided (%)", repeated, 26, digit=1)
    coin = np.where(x > 0, 1.0, -1.0)
    either = np.maximum(greater(coin, 0), less(coin, 0))
    yield rate("two equally likely scores, looks at 3 and 4 (%)", crosses(either, 3, 4), 12.6)
    yield shown("two equally likely scores, looks from 5 (%)", crosses(either))


def reported(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """Tests against a reported mean of a few runs: false alarms and power."""
    x = draw.standard_normal((count, LAST))
    for runs in (1, 3, 10):
        m = draw.standard_normal(count) / math.sqrt(runs)
        for side, function in (
            ("greater", greater),
            ("less", less),
        ):
            hits = crosses(function(x, m, ReportedMeanTest(runs)))
            yield rate(f"reported mean of {runs}: false alarm, {side} (%)", hits, 1.5, 1.7)
    one = draw.standard_normal(count)
    far = crosses(less(x, 4 + one, ReportedMeanTest(1)))
    yield rate("a single run of a process 4 SD away, told by n = 30 (%)", far, 89, digit=1)
    accused = crosses(less(x, one - 1)) | crosses(greater(x, one + 1))
    what = "a single run taken as the mean, delta = sigma: false NOT (%)"
    yield rate(what, accused, 15, digit=1)


def best_of(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """The best of k runs at each edge, and with s plugged in; a quarter of the repetitions."""
    x = draw.standard_normal((max(count // 4, 100), LAST))
    mean, scatter = moments(x)
    n = counts(x)
    for k in (3, 5, 10):
        m = expected_maximum(k)
        yield rate(
            f"best of {k}: greater at its edge (%)",
            crosses(greater(x, m, BestOfTest(k))),
            1.1,
            2.3,
        )
        yield rate(
            f"best of {k}: less at its edge (%)", crosses(less(x, m, BestOfTest(k))), 1.1, 2.3
        )
        shifted = mean - m + m * np.sqrt(scatter / np.maximum(n - 1, 1))
        t = t_statistic(shifted, 0.0, n, scatter, n - 1, np.abs(x))
        plugged = np.exp(np.minimum(log_greater(-t, n - 1, 1 / (1 + n)), 700))
        yield rate(f"best of {k}: s plugged in, less (%)", crosses(plugged), 10, 22, digit=1)


def quantile(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """The sign test: its error rate and its number of seeds."""
    x = draw.standard_normal((count, LAST))
    to_15 = crosses(greater(x, 0, MEDIAN), FIRST, 15)
    yield bounded("sign test crosses at the median, to 15 seeds (%)", to_15, 3.65)
    for ratio, median in ((1, 19), (1.5, 12), (2, 5), (3, 5)):
        n = taken(greater(x, -ratio, MEDIAN), less(x, ratio, MEDIAN))
        what = f"delta/sigma {ratio}: median n of the verdict by median"
        yield Row(what, float(np.median(n)), median, median, 0, 0)


def shapes(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """Scores that are not normal: the worse side of the test of the mean."""
    size = (count, LAST)
    ceiling = 30  # Beta(30, 1): an accuracy whose mean is .968 and whose mode is 1
    late = np.where(draw.random(size) < 0.1, -4.0, draw.standard_normal(size)) + 0.4
    for name, x, low, high in (
        ("exponential", draw.exponential(size=size) - 1, 15.5, 15.5),
        (
            "near a ceiling, Beta(30, 1)",
            draw.beta(ceiling, 1, size) - ceiling / (ceiling + 1),
            14,
            14,
        ),
        ("10 % stragglers at -4 sigma", late, 7.9, 7.9),
        ("uniform", draw.random(size) - 0.5, -math.inf, 5),
        ("Student t3", draw.standard_t(3, size), -math.inf, 5),
        ("binomial of 5,000, p = .9", draw.binomial(5000, 0.9, size) / 5000 - 0.9, -math.inf, 5),
        ("binomial of 5,000, p = .99", draw.binomial(5000, 0.99, size) / 5000 - 0.99, -math.inf, 5),
    ):
        worse = max(crosses(greater(x, 0)), crosses(less(x, 0)), key=np.mean)
        yield rate(
            f"{name}: one side crosses at the mean (%)",
            worse,
            low,
            high,
            digit=1 if low == 14 else 0.1,
        )


def fixed(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """Thresholds for a fixed maximum of seeds, and the gain in verdicts after 10 seeds."""
    for last, value, error in ((10, 7.49, 0.12), (30, 10.65, 0.25)):  # of 20,000 repetitions
        at = threshold(MEAN, ALPHA, horizon=last)
        yield Row(f"threshold for a maximum of {last}", at, value, value, error, 0.01)
        edge = crosses(greater(draw.standard_normal((count, LAST)), 0), FIRST, last, at)
        yield bounded(f"a maximum of {last}: one side crosses at m (%)", edge, 100 * ALPHA)
    at = threshold(MEAN, ALPHA, horizon=10)
    for ratio, anytime, calibrated in ((1, 23, 52), (1.5, 80, 95)):
        x = draw.standard_normal((count, LAST))
        sides = greater(x, -ratio), less(x, ratio)
        for name, needed, share in (("1/alpha", 20.0, anytime), ("fixed", at, calibrated)):
            what = f"delta/sigma {ratio}, {name}: decided by 10"
            n = taken(*sides, same=True, at=needed)
            yield rate(f"{what}, both at the same look (%)", n <= 10, share, digit=1)
            yield shown(f"{what}, each side latched (%)", taken(*sides, at=needed) <= 10)


def differences(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """Differences are paired; a test chosen by the correlation of the first 5 pairs would err."""
    for rho in (-0.5, -0.3, 0.0, 0.5):
        a, z = draw.standard_normal((2, count, LAST))
        b = rho * a + math.sqrt(1 - rho * rho) * z
        first = np.stack([a[:, :FIRST], b[:, :FIRST]])
        first = first - first.mean(-1, keepdims=True)
        paired = (first[0] * first[1]).sum(-1) > 0
        for name, sign in (("REPRODUCED", 1), ("NOT", -1)):
            as_pairs = crosses(greater(sign * (a - b), 0))
            as_arms = crosses(TWO_SAMPLES.greater(Scores.of_difference(sign * a, sign * b), 0))
            chosen = np.where(paired, as_pairs, as_arms)
            what = f"difference, rho {rho}: false {name} on the edge"
            yield bounded(f"{what}, always paired (%)", as_pairs, 100 * ALPHA)
            yield shown(f"{what}, always two samples (%)", as_arms)
            yield shown(f"{what}, by the first 5 (%)", chosen)
        width = math.sqrt(2 - 2 * rho)  # SD of a difference; the band is 1.5 of them on each side
        edge = 1.5 * width
        pairs = taken(greater(a - b, -edge), less(a - b, edge))
        sides = Scores.of_difference(a, b)
        arms = taken(TWO_SAMPLES.greater(sides, -edge), TWO_SAMPLES.less(sides, edge))
        for name, n in (
            ("always paired", pairs),
            ("by the first 5", np.where(paired, pairs, arms)),
        ):
            what = f"difference, rho {rho}: mean n at 1.5 SD, {name}"
            yield Row(what, float(n.mean()), -math.inf, math.inf, float(n.std() / math.sqrt(count)))


if __name__ == "__main__":
    main()
