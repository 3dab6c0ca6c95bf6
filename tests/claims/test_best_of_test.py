"""The test of the best of k runs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from papertrial.claims.best_of_test import BestOfTest, expected_maximum, log_of_effect
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.scores import Array, Scores


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def test_expected_maxima() -> None:
    assert expected_maximum(1) == 0
    assert expected_maximum(2) == pytest.approx(1 / math.sqrt(math.pi), rel=1e-9)
    assert [round(expected_maximum(k), 3) for k in (3, 5, 10)] == [0.846, 1.163, 1.539]
    draws = normal(4_000, 1_000).max(-1)
    assert expected_maximum(1_000) == pytest.approx(draws.mean(), abs=4 * draws.std() / 60)


def test_without_a_shift_it_is_the_test_of_the_mean() -> None:
    x = normal(50, 30) + 0.3
    log_e = np.log(MeanTest().greater(Scores(x), 0.0))
    for n in (2, 5, 30):
        part = x[:, :n]
        k = part.sum(-1) / np.sqrt((part * part).sum(-1))
        np.testing.assert_allclose(log_of_effect(k, n, 0.0, 1.0), log_e[:, n - 1], atol=1e-9)
    best_of_one = BestOfTest(1).greater(Scores(x), 0.0)
    np.testing.assert_allclose(best_of_one, MeanTest().greater(Scores(x), 0.0), rtol=1e-9)


@pytest.mark.parametrize("n", [5, 12])
@pytest.mark.parametrize("shift", [-1.163, 0.846])
def test_it_is_a_likelihood_ratio_of_noncentral_t(n: int, shift: float) -> None:
    x = normal(n, seed=n) - 0.4
    t = stats.ttest_1samp(x, 0).statistic
    k = x.sum() / math.sqrt((x * x).sum())

    def likelihood(effect: float) -> float:
        return float(stats.nct.pdf(t, n - 1, effect * math.sqrt(n)))

    mixed = integrate.quad(lambda z: 2 * stats.norm.pdf(z) * likelihood(shift + z), 0, 8)[0]
    ours = math.exp(float(log_of_effect(k, n, shift, 1.0)))
    assert ours == pytest.approx(mixed / likelihood(shift), rel=1e-6)


def test_sides_mirror_each_other_about_the_shift() -> None:
    # What is evidence that mu + sigma e > m for x is evidence that mu - sigma e < m for -x.
    x = normal(4, 10)
    k = x.sum(-1) / np.sqrt((x * x).sum(-1))
    less = BestOfTest(3).less(Scores(-x), 0.0)[:, -1]
    np.testing.assert_allclose(
        less, np.exp(log_of_effect(k, 10, expected_maximum(3), 1.0)), rtol=1e-9
    )


def test_one_trial_and_many_give_the_same() -> None:
    x, test = normal(3, 9), BestOfTest(5)
    many = test.greater(Scores(x), 0.2)
    for row, e in zip(x, many, strict=True):
        np.testing.assert_allclose(test.greater(Scores(row), 0.2), e, rtol=1e-9)


def test_bounds_are_where_the_evidence_reaches_the_threshold() -> None:
    test, x = BestOfTest(3, 0.5), normal(5, 12) * 0.01 + 0.65
    low, high = test.interval(Scores(x), 20)
    for n in (8, 12):
        part = Scores(x[:, :n])
        np.testing.assert_allclose(test.greater(part, low[:, n - 1])[:, -1], 20, rtol=1e-6)
        np.testing.assert_allclose(test.less(part, high[:, n - 1])[:, -1], 20, rtol=1e-6)
    assert (low[:, :2] == -math.inf).all()
    assert (high[:, :2] == math.inf).all()


def test_evidence_is_never_infinite() -> None:
    x = Scores(np.ones(400) + 1e-9 * normal(400))
    assert BestOfTest(5).greater(x, 0.0)[-1] == pytest.approx(math.exp(700))


def test_false_alarms_stay_as_rare_as_stated() -> None:
    test, x = BestOfTest(5), Scores(normal(2_000, 30, seed=7))
    for side in (test.greater, test.less):
        crossed = float((side(x, expected_maximum(5))[:, 4:].max(-1) >= 20).mean())
        assert 0.005 < crossed <= 0.023 + 3 * math.sqrt(0.023 * 0.977 / 2_000)
