"""Intervals agree with the tests that they invert, and fixed-n parts with statsmodels."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from scipy import stats
from statsmodels.api import OLS
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from papertrial.claims import evalues, intervals

INF = math.inf


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def test_half_widths() -> None:
    widths = [intervals.half_width(n, threshold=20) for n in (5, 6, 10, 20)]
    assert [round(width, 2) for width in widths] == [2.29, 1.70, 1.06, 0.69]
    assert intervals.half_width(3, threshold=20) == INF
    # Of very many scores: 2 sqrt(r) exp(t^2 / 2) = 20.
    large = math.sqrt(2 * math.log(10 * math.sqrt(10**6 + 1)) / 10**6)
    assert intervals.half_width(10**6, threshold=20) == pytest.approx(large, rel=1e-4)


@pytest.mark.parametrize("best_of", [None, 3])
def test_bounds_are_where_the_evidence_reaches_the_threshold(best_of: int | None) -> None:
    x = normal(5, 12) * 0.01 + 0.65
    low, high = intervals.interval(x, threshold=20, prior=0.5, best_of=best_of)
    for n in (8, 12):
        part, below, above = x[:, :n], low[:, n - 1], high[:, n - 1]
        if best_of is None:
            up, down = evalues.greater(part, below, prior=0.5), evalues.less(part, above, prior=0.5)
        else:
            up = evalues.greater_best_of(part, below, best_of, prior=0.5)
            down = evalues.less_best_of(part, above, best_of, prior=0.5)
        np.testing.assert_allclose(up[:, -1], 20, rtol=1e-6)
        np.testing.assert_allclose(down[:, -1], 20, rtol=1e-6)
    assert (low[:, :2] == -INF).all()
    assert (high[:, :2] == INF).all()


def test_bounds_of_the_other_tests() -> None:
    x, y = normal(5, 12), normal(5, 12, seed=1) + 3
    low, high = intervals.interval_reported(x, 3, threshold=20)
    np.testing.assert_allclose(evalues.greater_than_reported(x, low[:, -1], 3)[:, -1], 20)
    np.testing.assert_allclose(evalues.less_than_reported(x, high[:, -1], 3)[:, -1], 20)
    low, high = intervals.interval_arms(x, y, threshold=20)
    np.testing.assert_allclose(evalues.greater_arms(x, y, low[:, -1])[:, -1], 20)
    np.testing.assert_allclose(evalues.less_arms(x, y, high[:, -1])[:, -1], 20)


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_a_quantiles_bounds_are_scores(share: float) -> None:
    x = normal(4, 30)
    low, high = intervals.interval_quantile(x, threshold=20, share=share)
    assert np.isin(low[:, -1], x).all()
    for step, rejected in ((0, False), (-1e-6, True)):
        e = evalues.greater_quantile(x, low[:, -1] + step, share=share)[:, -1]
        assert ((e >= 20) == rejected).all()
        e = evalues.less_quantile(x, high[:, -1] - step, share=share)[:, -1]
        assert ((e >= 20) == rejected).all()
    early = intervals.interval_quantile(x[0, :6], threshold=20)
    assert [*early[0], *early[1]] == [-INF] * 6 + [INF] * 6
    assert intervals.interval_quantile([3.0, 1, 2, 5, 4, 7, 6], threshold=20)[0][-1] == 1


def test_reproduced_exactly_when_the_interval_lies_inside_the_band() -> None:
    draw = np.random.default_rng(3)
    x = normal(200, 15, seed=4)
    centre, half = draw.uniform(-2, 2, 200), draw.uniform(0.3, 3.5, 200)
    low, high = intervals.running(*intervals.interval(x, threshold=20), 5)
    inside = (low >= (centre - half)[:, None]) & (high <= (centre + half)[:, None])
    apart = (high < (centre - half)[:, None]) | (low > (centre + half)[:, None])

    def crossed(e: np.ndarray) -> np.ndarray:
        e[:, :4] = 0
        return np.maximum.accumulate(e, -1) >= 20

    below, above = centre - half, centre + half
    reproduced = crossed(evalues.greater(x, below)) & crossed(evalues.less(x, above))
    assert (inside == reproduced).all()
    not_reproduced = crossed(evalues.less(x, below)) | crossed(evalues.greater(x, above))
    assert (apart == not_reproduced).all()
    # Both kinds were among the cases.
    assert 30 < inside[:, -1].sum() < 170
    assert apart[:, -1].sum() > 5


def test_reproduced_lies_inside_what_two_one_sided_t_tests_call_equivalent() -> None:
    for n in range(5, 31):
        t = intervals.critical_t(n - 1, 1 / (1 + n), 20.0)
        assert t > stats.t.ppf(0.95, n - 1)  # more is asked for, as one may look again
    x = normal(100, 10, seed=5) * 0.5
    both = np.minimum(evalues.greater(x, -0.8), evalues.less(x, 0.8))[:, -1] >= 20
    p = np.array([DescrStatsW(row).ttost_mean(-0.8, 0.8)[0] for row in x])
    assert 20 < both.sum() < 100
    assert (p[both] <= 0.05).all()


def test_equal_scores_have_an_interval_of_no_width() -> None:
    low, high = intervals.interval([0.5] * 6, threshold=20)
    assert list(low) == [-INF] * 3 + [0.5] * 3
    assert list(high) == [INF] * 3 + [0.5] * 3


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


def test_looks_are_some_of_the_prefixes() -> None:
    x = np.random.default_rng(3).standard_normal((4, 30))
    looks = np.array([1.0, 2, 7, 30])
    for function in (
        partial(intervals.interval, threshold=20),
        partial(intervals.interval, threshold=20, best_of=3),
        partial(intervals.interval_reported, runs=2, threshold=20),
        partial(intervals.interval_quantile, threshold=20, share=0.3),
    ):
        some, every = function(x, looks=looks), function(x)
        for side, whole in zip(some, every, strict=True):
            assert np.array_equal(side, whole[:, [0, 1, 6, 29]])
