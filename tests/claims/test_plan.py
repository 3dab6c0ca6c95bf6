"""What a plan promises is what the e-values then do."""

from __future__ import annotations

import time

import numpy as np
import pytest

from papertrial.claims.best_of_test import BestOfTest, expected_maximum
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.plan import RATIOS, _looks, plan, seeds_needed, typical_spreads
from papertrial.claims.reported_mean_test import ReportedMeanTest
from papertrial.claims.rule import Rule
from papertrial.claims.scores import Scores
from papertrial.claims.two_sample_test import TwoSampleTest
from papertrial.errors import ClaimError


def claim(kind: str = "mean", **changes: object) -> JudgedClaim:
    given = {"value": 0.65, "tolerance": 0.01, "low": 0.65, "high": 0.65, **changes}
    return JudgedClaim("accuracy", "test", kind, **given)


def rule(of: JudgedClaim, count: int = 30, **changes: object) -> Rule:
    return Rule((of,), tuple(range(count)), **changes)


def test_seeds_of_a_claim_about_the_mean() -> None:
    start = time.process_time()
    rows = plan(claim(), rule(claim()), (1, 1.5, 2, 3))
    assert time.process_time() - start < 3
    assert [row.median for row in rows] == [14, 8, 6, 5]
    assert rows[0].decided == pytest.approx(0.985, abs=0.008)
    assert rows[1].decided == pytest.approx(1, abs=0.002)
    assert [row.spread for row in rows] == pytest.approx([0.01, 0.01 / 1.5, 0.005, 0.01 / 3])
    assert all(row.median <= row.most for row in rows)


def test_by_median() -> None:
    rows = plan(claim(), rule(claim(), statistic="median"), (1, 1.5, 2, 3))
    assert [row.median for row in rows] == [19, 12, 5, 5]


def test_more_than_the_maximum() -> None:
    row = plan(claim(), rule(claim(), 5), (1,))[0]
    assert (row.median, row.most) == (None, None)
    assert row.decided < 0.1


@pytest.mark.parametrize("kind", ["mean", "best-of", "single-run"])
def test_what_it_detects_is_told_in_four_cases_of_five(kind: str) -> None:
    runs = {"mean": None, "best-of": 3, "single-run": 1}[kind]
    given = claim(kind, runs=runs)
    row = plan(given, rule(given, 10), (2,))[0]
    assert row.detects is not None
    x = np.random.default_rng(5).standard_normal((2_000, 10)) * row.spread
    away = x + 0.65 - row.detects  # what is estimated lies below the reported number
    low = given.band[0]
    if kind == "mean":
        e = MeanTest().less(Scores(away), low)
    elif kind == "single-run":
        e = ReportedMeanTest(1).less(Scores(away), low)
    else:
        e = BestOfTest(3).less(Scores(away - row.spread * expected_maximum(3)), low)
    told = (e[:, 4:].max(-1) >= 20).mean()
    assert told >= 0.8 - 0.03
    if kind != "best-of":  # whose other side needs more
        assert told <= 0.8 + 0.03


def test_a_single_run_is_told_apart_later_than_an_expected_score() -> None:
    single, mean = claim("single-run", runs=1), claim()
    rows = plan(single, rule(single), (1,)) + plan(mean, rule(mean), (1,))
    assert rows[0].detects > 1.5 * rows[1].detects
    assert rows[0].decided == rows[1].decided
    by_median = plan(single, rule(single, statistic="median"), (1,))[0]
    assert by_median.detects is None  # nothing tells the median from a single run


def test_one_side_and_printed_digits() -> None:
    least = claim("at-least", side="at-least")
    rows = plan(least, rule(least), (1,)) + plan(claim(), rule(claim()), (1,))
    assert rows[0].median < rows[1].median
    cut_off = claim(low=0.65, high=0.66)  # half a band of .015
    assert plan(cut_off, rule(cut_off), (3,))[0].spread == pytest.approx(0.005)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_a_high_maximum_takes_seconds(statistic: str) -> None:
    given = claim("single-run", runs=1)
    start = time.process_time()
    (row,) = plan(given, rule(given, 10_000, statistic=statistic), (0.1,))
    assert time.process_time() - start < 20
    needed = seeds_needed(MeanTest(), 0.1, 1.0, 20)
    assert row.decided == pytest.approx(1, abs=0.02)
    assert row.median is not None
    if statistic == "mean":  # at looks 2 % apart, and later where scores happen to lie aside
        assert needed < row.median < 1.6 * needed


def test_looks_are_all_numbers_of_seeds_at_first() -> None:
    assert [*_looks(500)] == [*range(1, 501)]
    looks = _looks(10_000)
    assert [*looks[:500]] == [*range(1, 501)]
    assert looks[-1] == 10_000
    assert 1 < (looks[500:] / looks[499:-1]).max() < 1.022
    assert (np.diff(looks) > 0).all()


def test_a_fixed_horizon_and_a_threshold_of_ones_own() -> None:
    anytime = plan(claim(), rule(claim(), 10), (1,))[0].decided
    fixed = plan(claim(), rule(claim(), 10, horizon="fixed"), (1,))[0].decided
    own = plan(claim(), rule(claim(), 10), (1,), threshold=40)[0].decided
    assert own < anytime == pytest.approx(0.25, abs=0.02)
    assert fixed == pytest.approx(0.55, abs=0.02)


def test_two_samples_are_planned_as_two_samples() -> None:
    paired, unpaired = claim("difference"), claim("difference", paired=False)
    (alone,) = plan(paired, rule(paired, 15), (2,))
    (row,) = plan(unpaired, rule(unpaired, 15), (2,))
    # Twice the degrees of freedom, and the same SD of the difference: scarcely another number.
    assert row.mean == pytest.approx(alone.mean, abs=1.5)
    assert row.mean < alone.mean
    draw = np.random.default_rng(7)
    ours, theirs = draw.standard_normal((2, 4_000, 15)) * row.spread / np.sqrt(2)
    scores = Scores.of_difference(0.65 + ours, theirs)
    low, high = unpaired.band
    test = TwoSampleTest()
    inside = (np.maximum.accumulate(test.greater(scores, low), -1) >= 20) & (
        np.maximum.accumulate(test.less(scores, high), -1) >= 20
    )
    inside[:, :4] = False
    taken = np.where(inside.any(-1), inside.argmax(-1) + 1, 15)
    assert taken.mean() == pytest.approx(row.mean, abs=0.15)


def test_typical_spreads() -> None:
    assert typical_spreads(claim()) == pytest.approx([0.01 / ratio for ratio in RATIOS])
    assert typical_spreads(claim(tolerance=0.0)) == []
    assert typical_spreads(claim(tolerance=0.0, low=0.64, high=0.66))[1] == pytest.approx(0.01)
    assert typical_spreads(claim("at-least", side="at-least", tolerance=0.0, low=0.64)) == []


def test_without_tolerance_spreads_must_be_named() -> None:
    none = claim("at-least", side="at-least", tolerance=0)
    with pytest.raises(ClaimError, match=r"test accuracy.*tolerance"):
        plan(none, rule(none))
    (row,) = plan(none, rule(none), spreads=[0.01])
    assert (row.ratio, row.spread) == (0, 0.01)
    assert row.decided < 0.04  # the true mean is on the edge
    with pytest.raises(ClaimError, match="must be positive"):
        plan(claim(), rule(claim()), (0,))


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.3, 1e-3])
def test_seeds_needed_is_the_first_number_that_is_enough(ratio: float) -> None:
    n = seeds_needed(MeanTest(), ratio, 1.0, 20)
    assert MeanTest().half_width(n, 20) <= ratio
    assert MeanTest().half_width(n - 1, 20) > ratio


def test_seeds_needed_in_numbers() -> None:
    assert [seeds_needed(MeanTest(), r, 1.0, 20) for r in (2.3, 1, 0.1)] == [5, 11, 1174]
    assert seeds_needed(MeanTest(), 1e-3, 1.0, 20) > 20_000_000
    with pytest.raises(ClaimError, match="must be positive, got 0"):
        seeds_needed(MeanTest(), 0, 1.0, 20)
