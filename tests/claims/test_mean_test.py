"""The test of the mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from papertrial.claims import intervals
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.scores import Array, Scores

FIVE = [93.8, 94.1, 94.0, 94.2, 93.9]
MEAN = MeanTest()
INF = math.inf


def scores(x: object) -> Scores:
    return Scores(np.asarray(x, dtype=np.float64))


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize(("x", "m", "g_plus"), [([1, 2, 3], 0, 4.444640), (FIVE, 93.5, 32.60027)])
def test_published_vectors(x: list[float], m: float, g_plus: float) -> None:
    assert MEAN.greater(scores(x), m)[-1] == pytest.approx(g_plus, rel=1e-6)


def test_sides_mirror_each_other() -> None:
    x = normal(3, 9)
    np.testing.assert_array_equal(MEAN.less(scores(x), 0.2), MEAN.greater(scores(-x), -0.2))


def test_equal_scores() -> None:
    x = scores([0.5] * 6)
    # An infinite t: r^(-(n-1)/2), n = 6, r = 1/7, twice, times the CDF at sqrt(n (n + 1 - 1)).
    assert MEAN.greater(x, 0.4)[-1] == pytest.approx(2 * 7**2.5 * stats.t.cdf(6, 6))
    expected = 2 * 7**2.5 * stats.t.cdf(-6, 6)
    assert MEAN.less(x, 0.4)[-1] == pytest.approx(expected, rel=1e-6)
    low, high = MEAN.interval(x, 20)
    assert low.tolist() == [-INF] * 3 + [0.5] * 3
    assert high.tolist() == [INF] * 3 + [0.5] * 3


def test_a_spread_far_below_the_size_keeps_its_digits() -> None:
    x = np.array(FIVE) - 93
    far = MEAN.greater(scores(x + 1e6), 1e6 + 0.5)
    np.testing.assert_allclose(far, MEAN.greater(scores(x), 0.5), rtol=1e-6)


def test_evidence_is_never_infinite() -> None:
    x = scores(np.ones(400) + 1e-9 * normal(400))
    assert MEAN.greater(x, 0.0)[-1] == pytest.approx(math.exp(700))
    assert MEAN.less(x, 0.0)[-1] >= 0


def test_half_widths() -> None:
    widths = [MeanTest().half_width(n, 20) for n in (5, 6, 10, 20)]
    assert [round(width, 2) for width in widths] == [2.29, 1.70, 1.06, 0.69]
    assert MeanTest().half_width(3, 20) == INF
    # For very many scores: 2 sqrt(r) exp(t^2 / 2) = 20.
    large = math.sqrt(2 * math.log(10 * math.sqrt(10**6 + 1)) / 10**6)
    assert MeanTest().half_width(10**6, 20) == pytest.approx(large, rel=1e-4)


def test_bounds_are_where_the_evidence_reaches_the_threshold() -> None:
    test, x = MeanTest(0.5), normal(5, 12) * 0.01 + 0.65
    low, high = test.interval(scores(x), 20)
    for n in (8, 12):
        part = scores(x[:, :n])
        np.testing.assert_allclose(test.greater(part, low[:, n - 1])[:, -1], 20, rtol=1e-6)
        np.testing.assert_allclose(test.less(part, high[:, n - 1])[:, -1], 20, rtol=1e-6)
    assert (low[:, :2] == -INF).all()
    assert (high[:, :2] == INF).all()


def test_reproduced_exactly_when_the_interval_lies_inside_the_band() -> None:
    draw = np.random.default_rng(3)
    x = scores(normal(200, 15, seed=4))
    centre, half = draw.uniform(-2, 2, 200), draw.uniform(0.3, 3.5, 200)
    low, high = intervals.running(*MEAN.interval(x, 20), 5)
    inside = (low >= (centre - half)[:, None]) & (high <= (centre + half)[:, None])
    apart = (high < (centre - half)[:, None]) | (low > (centre + half)[:, None])

    def crossed(e: Array) -> Array:
        e[:, :4] = 0
        return np.maximum.accumulate(e, -1) >= 20

    below, above = centre - half, centre + half
    reproduced = crossed(MEAN.greater(x, below)) & crossed(MEAN.less(x, above))
    assert (inside == reproduced).all()
    not_reproduced = crossed(MEAN.less(x, below)) | crossed(MEAN.greater(x, above))
    assert (apart == not_reproduced).all()
    # Both kinds are among the cases.
    assert 30 < inside[:, -1].sum() < 170
    assert apart[:, -1].sum() > 5


def test_reproduced_lies_inside_what_two_one_sided_t_tests_call_equivalent() -> None:
    x = normal(100, 10, seed=5) * 0.5
    evidence = np.minimum(MEAN.greater(scores(x), -0.8), MEAN.less(scores(x), 0.8))
    both = evidence[:, -1] >= 20
    p = np.array([DescrStatsW(row).ttost_mean(-0.8, 0.8)[0] for row in x])
    assert 20 < both.sum() < 100
    assert (p[both] <= 0.05).all()


def test_false_alarms_stay_as_rare_as_stated() -> None:
    e = MEAN.greater(scores(normal(2_000, 30, seed=7)), 0.0)
    crossed = float((e[:, 4:].max(-1) >= 20).mean())
    assert 0.005 < crossed <= 0.023 + 3 * math.sqrt(0.023 * 0.977 / 2_000)
