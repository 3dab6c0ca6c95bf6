"""The test against a reported mean that has noise."""

from __future__ import annotations

import math

import numpy as np

from papertrial.claims.mean_test import MeanTest
from papertrial.claims.reported_mean_test import ReportedMeanTest
from papertrial.claims.scores import Array, Scores


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def test_a_reported_mean_of_very_many_runs_has_no_noise() -> None:
    x = Scores(normal(15) + 1)
    many = ReportedMeanTest(10**9, prior=1.0).greater(x, 0.2)
    np.testing.assert_allclose(many, MeanTest().greater(x, 0.2), rtol=1e-6)


def test_fewer_runs_are_less_evidence() -> None:
    x = Scores(normal(15) + 1)
    one, ten = (ReportedMeanTest(runs).greater(x, 0.2)[5:] for runs in (1, 10))
    assert (one < ten).all()


def test_bounds_are_where_the_evidence_reaches_the_threshold() -> None:
    test, x = ReportedMeanTest(3), Scores(normal(5, 12))
    low, high = test.interval(x, 20)
    np.testing.assert_allclose(test.greater(x, low[:, -1])[:, -1], 20)
    np.testing.assert_allclose(test.less(x, high[:, -1])[:, -1], 20)


def test_false_alarms_stay_as_rare_as_stated() -> None:
    m = normal(2_000, seed=8)
    e = ReportedMeanTest(1).less(Scores(normal(2_000, 30, seed=7)), m)
    crossed = float((e[:, 4:].max(-1) >= 20).mean())
    assert 0.005 < crossed <= 0.023 + 3 * math.sqrt(0.023 * 0.977 / 2_000)


def test_a_single_run_far_away_is_noticed() -> None:
    m = normal(1_000, seed=10) + 4
    e = ReportedMeanTest(1).less(Scores(normal(1_000, 30, seed=9)), m)
    noticed = float((e[:, 4:].max(-1) >= 20).mean())
    assert abs(noticed - 0.89) < 3 * math.sqrt(0.89 * 0.11 / 1_000)
