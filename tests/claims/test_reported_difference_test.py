"""The test against a reported difference, paired or not."""

from __future__ import annotations

import math

import numpy as np

from papertrial.claims.reported_difference_test import ReportedDifferenceTest
from papertrial.claims.reported_mean_test import ReportedMeanTest
from papertrial.claims.scores import Scores

RUNS = 3
TEST = ReportedDifferenceTest(RUNS)


def correlated(rho: float, *shape: int) -> Scores:
    ours, other = np.random.default_rng(0).standard_normal((2, *shape))
    return Scores.of_difference(ours, rho * ours + math.sqrt(1 - rho * rho) * other)


def test_it_has_no_more_evidence_than_either_reading() -> None:
    for rho in (0.9, -0.9):
        scores = correlated(rho, 200, 12)
        paired = ReportedMeanTest(RUNS).greater(scores, -2.0)
        ours = TEST.greater(scores, -2.0)
        assert (ours <= paired).all()
        # Pairing tells more where the sides are correlated, and less where they oppose each other.
        assert (
            (ours[:, 11] < paired[:, 11]).mean() > 0.9
            if rho > 0
            else ((ours[:, 11] == paired[:, 11]).mean() > 0.9)
        )


def test_a_difference_of_independent_sides_is_not_refuted_by_our_pairing() -> None:
    trials = 2_000
    scores = correlated(0.9, trials, 15)
    m = np.random.default_rng(1).standard_normal(trials) * math.sqrt(2 / RUNS)  # never paired

    def alarms(test: ReportedMeanTest | ReportedDifferenceTest) -> float:
        sides = test.greater(scores, m), test.less(scores, m)
        return max(float((e[:, 4:].max(-1) >= 20).mean()) for e in sides)

    assert alarms(TEST) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)
    assert alarms(ReportedMeanTest(RUNS)) > 0.1


def test_differences_alone_are_read_as_paired() -> None:
    scores = Scores(correlated(0.0, 4, 9).values)
    paired = ReportedMeanTest(RUNS)
    np.testing.assert_array_equal(TEST.greater(scores, 0.3), paired.greater(scores, 0.3))
    np.testing.assert_array_equal(TEST.less(scores, 0.3), paired.less(scores, 0.3))
    np.testing.assert_array_equal(TEST.interval(scores, 20), paired.interval(scores, 20))
