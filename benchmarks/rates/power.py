"""How many seeds a decision takes if the claim is right, by tolerance and rule."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from papertrial.claims.known_sd_test import KnownSdTest
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.scores import Array
from papertrial.claims.sd_estimate import SdEstimate
from papertrial.claims.sign_test import SignTest
from papertrial.claims.statistic import Statistic
from papertrial.claims.threshold import threshold
from rates.row import NONE, Reference, Row, average, exactly, median, near, share
from rates.trials import ALPHA, FIRST, LONG, MAXIMUM, MEAN, THRESHOLD, Decisions, decide

TOLERANCES = (0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
PAPER_RUNS = 5
PAPER = f"SD pooled with {PAPER_RUNS} runs of a paper"
Given = dict[float, tuple[float, float]]  # share and seeds by tolerance

T_BASED: Given = {1.0: (63, 12.5), 1.5: (98.7, 8.4), 2.0: (100, 6.5)}
FIXED: Given = {1.0: (83, 10.5), 1.5: (99.8, 6.8), 2.0: (100, 5.5)}
KNOWN: Given = {1.0: (79, 11.4), 1.5: (99.8, 6.0), 2.0: (100, 3.8)}
POOLED: Given = {1.0: (67, 12.2), 1.5: (99.2, 7.4), 2.0: (100, 5.2)}


def by_rule(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """At most 15 seeds; every rule judges the same scores.

    The reference's fixed horizon reaches 83 % with the threshold that papertrial uses, calibrated
    on looks from 2. Its rates for the pooled SD are those of a paper with 5 runs and looks from 2,
    while papertrial looks from 5 on: both are shown.
    """
    at = threshold(MEAN, ALPHA, horizon=MAXIMUM)
    x = draw.standard_normal((count, MAXIMUM))
    # The paper's SD differs between repetitions: in its units it is 1, and a test holds for all.
    paper = np.sqrt(draw.chisquare(PAPER_RUNS - 1, count) / (PAPER_RUNS - 1))
    pooled = MeanTest(sd=SdEstimate(pooled=1.0, freedom=PAPER_RUNS - 1))
    for tolerance in TOLERANCES:

        def rows(
            rule: str,
            given: Given,
            statistic: Statistic,
            unit: Array | float = 1.0,
            first: int = FIRST,
            at: float = THRESHOLD,
            tolerance: float = tolerance,
        ) -> Iterator[Row]:
            edge = tolerance / np.asarray(unit)
            y = x / (unit[:, None] if isinstance(unit, np.ndarray) else unit)
            found = decide(y, -edge, edge, supports=statistic, first=first, at=at)
            yield from power(rule, tolerance, found, given)

        yield from rows("SD from the scores, anytime", T_BASED, MEAN)
        yield from rows("SD from the scores, fixed 15", FIXED, MEAN, at=at)
        yield from rows("SD known", KNOWN, KnownSdTest(1.0), first=2)
        yield from rows("SD bounded, bound 1.5 SD", {}, KnownSdTest(1.5), first=2)
        yield from rows(PAPER, {}, pooled, unit=paper)
        yield from rows(f"{PAPER}, looks from 2", POOLED, pooled, unit=paper, first=2)
        yield from rows("median, anytime", {2.0: (math.nan, 6.6), 3.0: (math.nan, 5.1)}, SignTest())


def power(rule: str, tolerance: float, found: Decisions, given: Given) -> Iterator[Row]:
    """Return the share that is decided rightly, and the mean number of seeds."""
    decided, seeds = given.get(tolerance, (math.nan, math.nan))
    where = f"tolerance {tolerance:g} SD"
    whole = 1.0 if decided in (63, 67, 79, 83, 100) else 0.1
    yield share(rule, f"{where}: REPRODUCED", found.reproduced, _near(decided, whole))
    reference = _near(seeds, 0.1)
    drawn = None if "looks from" in rule else tolerance
    yield average(rule, f"{where}: mean seeds", found.seeds, reference, tolerance=drawn)


def first_edition(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """Normal scores, a claim that is exactly right, looks from 5 to 30 seeds."""
    for n, width in ((5, 2.29), (6, 1.70), (10, 1.06), (20, 0.69)):
        half = MEAN.half_width(n, THRESHOLD)
        what = f"half-width of the interval, n = {n}, in s"
        yield Row("the interval", what, half, reference=exactly(width, 0.01))
    widths = ((2, 2.0713), (3, 1.6338), (5, 1.2402), (10, 0.8782), (15, 0.7246))
    for n, width in widths:
        half = KnownSdTest(1.0).half_width(n, THRESHOLD)
        what = f"half-width for a known SD, n = {n}, in SD"
        yield Row("the interval", what, half, reference=exactly(width, 0.0001))
    x = draw.standard_normal((count, LONG))
    for tolerance, decided, by_mean, by_median in (
        (1.0, 99, exactly(14, 0), NONE),
        (1.5, 100, exactly(8, 0), NONE),
        (2.0, 100, exactly(6, 0), exactly(5, 0)),
        (3.0, 100, exactly(5, 0), exactly(5, 0)),
    ):
        where = f"tolerance {tolerance:g} SD"
        found = decide(x, -tolerance, tolerance, last=LONG)
        rule = "mean, at most 30 seeds"
        yield share(rule, f"{where}: REPRODUCED", found.reproduced, near(decided, digit=1))
        yield median(rule, f"{where}: median seeds", found.seeds, by_mean)
        found = decide(x, -tolerance, tolerance, supports=SignTest(), last=LONG)
        rule = "median, at most 30 seeds"
        yield median(rule, f"{where}: median seeds", found.seeds, by_median)


def _near(value: float, digit: float) -> Reference:
    return Reference() if math.isnan(value) else near(value, digit=digit)
