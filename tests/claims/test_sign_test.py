"""The sign test."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from papertrial.claims.scores import Scores
from papertrial.claims.sign_test import SignTest, log_sign_test

MEDIAN = SignTest()


def scores(x: object) -> Scores:
    return Scores(np.asarray(x, dtype=np.float64))


def test_values() -> None:
    x = np.arange(1.0, 8.0)
    e = MEDIAN.greater(scores(x), 0)
    assert e[4] == pytest.approx(20.175)  # 5 of 5
    assert e[5] == pytest.approx(38.778571, abs=1e-6)  # 6 of 6
    assert e[6] == pytest.approx(0.55 * 31.875 + 0.45 * 2**7)
    assert MEDIAN.less(scores(-x), 0)[-1] == pytest.approx(e[6])
    assert np.exp(log_sign_test(13, 15, 0.5)) == pytest.approx(21.410387, abs=1e-6)
    # Against a share of .2: the mean of p^2 (1-p) / (.2^2 .8) over p from .2 to 1.
    mixed = integrate.quad(lambda p: p * p * (1 - p) / (0.04 * 0.8) / 0.8, 0.2, 1)[0]
    assert np.exp(log_sign_test(2, 3, 0.2)) == pytest.approx(0.55 * mixed)


def test_the_median_of_the_best_of_k() -> None:
    three = SignTest(3)
    assert MEDIAN.share == 0.5
    assert three.share == pytest.approx(1 - 0.5 ** (1 / 3))
    best = np.random.default_rng(0).standard_normal((20_000, 3)).max(-1)
    assert three.standard_value == pytest.approx(float(np.median(best)), abs=0.03)
    two = [1.0, -1.0, 1.0]
    expected = float(np.exp(log_sign_test(2, 3, three.share)))
    assert three.greater(scores(two), 0)[-1] == pytest.approx(expected)
    # The other side counts scores below the edge, against a share of .79.
    expected = float(np.exp(log_sign_test(1, 3, 1 - three.share)))
    assert three.less(scores(two), 0)[-1] == pytest.approx(expected)


def test_a_score_at_the_median_counts_against_both_sides() -> None:
    x = [0.66, 0.66, 0.66, 0.66]
    edge = 0.6 + 0.06  # not 0.66: rounding must not decide
    assert edge != x[0]
    np.testing.assert_allclose(
        MEDIAN.greater(scores(x), edge), MEDIAN.greater(scores([-1.0] * 4), 0)
    )
    np.testing.assert_allclose(MEDIAN.less(scores(x), edge), MEDIAN.less(scores([1.0] * 4), 0))


def test_it_is_a_bet() -> None:
    # Its mean over all outcomes is 1 at the edge of the null.
    for n, share in ((6, 0.5), (9, 0.2)):
        above = np.arange(n + 1)
        e = np.exp(log_sign_test(above, n, share))
        assert float(stats.binom.pmf(above, n, share) @ e) == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("best_of", [1, 3])
def test_bounds_are_scores(best_of: int) -> None:
    test, x = SignTest(best_of), np.random.default_rng(0).standard_normal((4, 30))
    low, high = test.interval(scores(x), 20)
    assert np.isin(low[:, -1], x).all()
    for step, rejected in ((0, False), (-1e-6, True)):
        assert ((test.greater(scores(x), low[:, -1] + step)[:, -1] >= 20) == rejected).all()
        assert ((test.less(scores(x), high[:, -1] - step)[:, -1] >= 20) == rejected).all()


def test_bounds_of_few_scores() -> None:
    early = MEDIAN.interval(scores(np.arange(6.0)), 20)
    assert early[0].tolist() == [-math.inf] * 4 + [0, 0]  # five scores decide, on each side
    assert early[1].tolist() == [math.inf] * 4 + [4, 5]
    assert MEDIAN.interval(scores([3, 1, 2, 5, 4, 7, 6]), 20)[0][-1] == 1


def test_evidence_is_never_infinite() -> None:
    assert MEDIAN.greater(scores(np.ones(2_000)), 0.0)[-1] == pytest.approx(math.exp(700))


def test_false_alarms_stay_as_rare_as_stated() -> None:
    x = np.random.default_rng(7).standard_normal((2_000, 30))
    crossed = float((MEDIAN.greater(scores(x), 0.0)[:, 4:].max(-1) >= 20).mean())
    assert 0.005 < crossed <= 0.024 + 3 * math.sqrt(0.024 * 0.976 / 2_000)
