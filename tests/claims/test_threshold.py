"""Thresholds for a fixed maximum of seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from papertrial.claims.best_of_test import BestOfTest, expected_maximum
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.reported_mean_test import ReportedMeanTest
from papertrial.claims.scores import Array, Scores
from papertrial.claims.sign_test import SignTest
from papertrial.claims.statistic import Statistic
from papertrial.claims.threshold import threshold
from papertrial.claims.two_sample_test import TwoSampleTest
from papertrial.errors import ClaimError

MEAN = MeanTest()


def test_without_a_horizon_it_is_one_over_alpha() -> None:
    assert threshold(MEAN, 0.05, horizon=None) == 20
    assert threshold(BestOfTest(3), 0.01, horizon=None) == 100


def test_thresholds_of_the_test_of_the_mean() -> None:
    # The reference's 7.49 and 10.65 took some 20,000 repetitions: errors of .12 and .25.
    assert threshold(MEAN, 0.05, horizon=10) == pytest.approx(7.49, abs=0.25)
    assert threshold(MEAN, 0.05, horizon=30) == pytest.approx(10.65, abs=0.6)


def test_the_same_number_every_time_and_for_every_first_look() -> None:
    first = threshold(MEAN, 0.05, horizon=10)
    threshold.cache_clear()
    assert threshold(MEAN, 0.05, horizon=10, first_look=6) == first


def crossed(e: Array, at: float) -> float:
    return float((e[:, 4:].max(-1) >= at).mean())


@pytest.mark.parametrize(
    ("statistic", "m"),
    [
        (MEAN, 0.0),
        (ReportedMeanTest(1), None),
        (BestOfTest(5), expected_maximum(5)),
        (SignTest(), 0.0),
        (SignTest(3), SignTest(3).standard_value),
        (TwoSampleTest(), 0.0),
    ],
)
def test_each_test_keeps_its_error(statistic: Statistic, m: float | None) -> None:
    at = threshold(statistic, 0.05, horizon=12)
    draw, count = np.random.default_rng(11), 3_000
    x, y = draw.standard_normal((2, count, 12))
    scores = Scores.of_difference(x, y) if isinstance(statistic, TwoSampleTest) else Scores(x)
    edge = draw.standard_normal(count) if m is None else m  # that of a single run has noise
    assert 1 < at <= 20
    for side in (statistic.greater, statistic.less):
        e = side(scores, edge)
        assert crossed(e, at) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / count)
        # The gain: more than the anytime threshold allows.
        assert crossed(e, at) >= crossed(e, 20)


def test_evidence_that_takes_few_values_is_counted_exactly() -> None:
    # At alpha .05 and 10 seeds it takes 5 of 5, e = 20.2; the next smaller value errs too often.
    at = threshold(SignTest(), 0.05, horizon=10)
    assert SignTest().greater(Scores(np.ones(5)), 0)[-1] >= at
    assert at == 20


def test_a_horizon_before_the_first_look_is_refused() -> None:
    with pytest.raises(ClaimError, match="first look, 5 seeds; got 4"):
        threshold(MEAN, 0.05, horizon=4)
