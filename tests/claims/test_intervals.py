"""Running intersections, prediction of one more run, and the bound on failures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.api import OLS
from statsmodels.stats.proportion import proportion_confint

from papertrial.claims import intervals

INF = math.inf


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def test_running_intersection() -> None:
    low, high = intervals.running([[0, 5, 1, 3, 2]], [[9, 6, 8, 7, 9]], 3)
    assert low.tolist() == [[-INF, -INF, 1, 3, 3]]
    assert high.tolist() == [[INF, INF, 8, 7, 7]]


def test_running_leaves_what_it_was_given() -> None:
    low = np.zeros(6)
    intervals.running(low, low, 5)
    assert (low == 0).all()


def test_prediction_is_that_of_a_regression_on_a_constant() -> None:
    x = normal(8) * 0.01 + 0.65
    frame = OLS(x, np.ones(8)).fit().get_prediction([[1.0]]).summary_frame(alpha=0.1)
    low, high = intervals.prediction(x, level=0.9)
    assert float(low) == pytest.approx(frame["obs_ci_lower"].iloc[0], rel=1e-9)
    assert float(high) == pytest.approx(frame["obs_ci_upper"].iloc[0], rel=1e-9)
    many = normal(4_000, 6, seed=6)
    low, high = intervals.prediction(many[:, :5])
    covered = ((low <= many[:, 5]) & (many[:, 5] <= high)).mean()
    assert covered == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 4_000))


def test_divergence_bound_is_clopper_and_pearsons() -> None:
    assert intervals.divergence_bound(0, 6) == pytest.approx(1 - 0.05 ** (1 / 6))
    assert round(intervals.divergence_bound(0, 6), 3) == 0.393
    for bad, of in ((1, 7), (3, 15)):
        upper = proportion_confint(bad, of, alpha=0.1, method="beta")[1]
        assert intervals.divergence_bound(bad, of) == pytest.approx(upper, rel=1e-9)
    assert intervals.divergence_bound(4, 4) == 1
    assert intervals.divergence_bound(0, 0) == 1
