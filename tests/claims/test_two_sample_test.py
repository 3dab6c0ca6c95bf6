"""The test of a difference between independent samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_ind

from papertrial.claims.scores import Scores
from papertrial.claims.t_martingale import log_greater
from papertrial.claims.two_sample_test import TwoSampleTest

TEST = TwoSampleTest()


def test_it_agrees_with_statsmodels_at_a_fixed_number_of_seeds() -> None:
    draw = np.random.default_rng(0)
    x, y = draw.standard_normal(12) + 0.4, draw.standard_normal(12)
    lower = ttost_ind(x, y, -0.5, 2.0)[1]
    expected = float(np.exp(log_greater(lower[0], lower[2], 1 / (1 + 6))))
    difference = Scores.of_difference(x, y)
    assert TEST.greater(difference, -0.5)[-1] == pytest.approx(expected, rel=1e-9)
    mirrored = Scores.of_difference(y, x)
    assert TEST.less(mirrored, 0.5)[-1] == pytest.approx(expected, rel=1e-9)


def test_bounds_are_where_the_evidence_reaches_the_threshold() -> None:
    draw = np.random.default_rng(1)
    x = Scores.of_difference(draw.standard_normal((5, 12)), draw.standard_normal((5, 12)) + 3)
    low, high = TEST.interval(x, 20)
    np.testing.assert_allclose(TEST.greater(x, low[:, -1])[:, -1], 20)
    np.testing.assert_allclose(TEST.less(x, high[:, -1])[:, -1], 20)


def test_false_alarms_stay_as_rare_as_stated() -> None:
    x = np.random.default_rng(7).standard_normal((2_000, 30))
    e = TEST.greater(Scores.of_difference(x, x[::-1]), 0.0)
    crossed = float((e[:, 4:].max(-1) >= 20).mean())
    assert 0.005 < crossed <= 0.023 + 3 * math.sqrt(0.023 * 0.977 / 2_000)


def test_it_needs_both_sides() -> None:
    with pytest.raises(AssertionError, match="both sides"):
        TEST.greater(Scores(np.zeros(5)), 0.0)
