"""E-values: pinned vectors, agreement with fixed-n tests, degenerate scores, crossing rates."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from scipy import integrate, stats
from statsmodels.stats.weightstats import ttost_ind

from papertrial.claims import evalues
from papertrial.claims.evalues import (
    expected_maximum,
    greater,
    greater_arms,
    greater_best_of,
    greater_quantile,
    greater_than_reported,
    less,
    less_arms,
    less_best_of,
    less_quantile,
    less_than_reported,
    log_of_effect,
    two_sided,
)

FIVE = [93.8, 94.1, 94.0, 94.2, 93.9]
OF_ONE_SAMPLE = {
    "two-sided": two_sided,
    "greater": greater,
    "less": less,
    "greater than reported": partial(greater_than_reported, runs=3),
    "less than reported": partial(less_than_reported, runs=3),
    "greater best of": partial(greater_best_of, k=5),
    "less best of": partial(less_best_of, k=5),
    "greater quantile": greater_quantile,
    "less quantile": partial(less_quantile, share=0.2),
}


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize(
    ("x", "m", "g", "g_plus"),
    [([1, 2, 3], 0, 2.342648, 4.444640), (FIVE, 93.5, 16.37599, 32.60027)],
)
def test_published_vectors(x: list[float], m: float, g: float, g_plus: float) -> None:
    assert two_sided(x, m)[-1] == pytest.approx(g, rel=1e-6)
    assert greater(x, m)[-1] == pytest.approx(g_plus, rel=1e-6)


def test_one_sided_evidence_averages_to_the_two_sided_one() -> None:
    # A normal prior is half a half-normal one on each side.
    x = normal(20, 30)
    both = (greater(x, 0.2) + less(x, 0.2)) / 2
    np.testing.assert_allclose(both[:, 1:], two_sided(x, 0.2)[:, 1:], rtol=1e-9)


def test_one_sided_evidence_is_the_mean_likelihood_ratio_over_its_prior() -> None:
    x = normal(7) + 0.8
    t = stats.ttest_1samp(x, 0.3).statistic

    def likelihood(effect: float) -> float:
        return float(stats.nct.pdf(t, 6, effect * math.sqrt(7)))

    mixed = integrate.quad(lambda z: 2 * stats.norm.pdf(z, scale=0.5) * likelihood(z), 0, 5)[0]
    assert greater(x, 0.3, prior=4.0)[-1] == pytest.approx(mixed / likelihood(0), rel=1e-6)


@pytest.mark.parametrize("name", OF_ONE_SAMPLE)
def test_an_entry_is_what_the_first_scores_alone_give(name: str) -> None:
    test, x = OF_ONE_SAMPLE[name], normal(2, 3, 9)
    m = np.array([[0.0, -0.5, 1.0], [0.3, 0.1, -2.0]])
    e = test(x, m)
    assert e.shape == x.shape
    assert (e[..., 0] == 1).all()
    for n in (2, 5, 8):
        np.testing.assert_allclose(test(x[..., :n], m), e[..., :n], rtol=1e-9)
    np.testing.assert_allclose(test(x[1, 2], -2.0), e[1, 2], rtol=1e-9)


def test_t_statistics_are_those_of_scipy_and_statsmodels() -> None:
    x, y = normal(12) + 0.4, normal(12, seed=1)
    _, mean, scatter = evalues.moments(x)
    ours = evalues.t_statistic(mean, 0.1, evalues.counts(x), scatter, evalues.counts(x) - 1)
    for n in (2, 7, 12):
        assert ours[n - 1] == pytest.approx(stats.ttest_1samp(x[:n], 0.1).statistic, rel=1e-12)
    lower = ttost_ind(x, y, -0.5, 2.0)[1]
    expected = np.exp(evalues.log_greater(lower[0], lower[2], 1 / (1 + 6)))
    assert greater_arms(x, y, -0.5)[-1] == pytest.approx(float(expected), rel=1e-9)
    assert less_arms(y, x, 0.5)[-1] == pytest.approx(float(expected), rel=1e-9)


def test_a_reported_mean_of_very_many_runs_has_no_noise() -> None:
    x = normal(15) + 1
    many = greater_than_reported(x, 0.2, 10**9, prior=1.0)
    np.testing.assert_allclose(many, greater(x, 0.2), rtol=1e-6)
    assert (greater_than_reported(x, 0.2, 1)[5:] < greater_than_reported(x, 0.2, 10)[5:]).all()


def test_best_of_without_a_shift_is_the_one_sided_test() -> None:
    x = normal(50, 30) + 0.3
    log_e = np.log(greater(x, 0.0))
    for n in (2, 5, 30):
        part = x[:, :n]
        k = part.sum(-1) / np.sqrt((part * part).sum(-1))
        np.testing.assert_allclose(log_of_effect(k, n, 0.0, 1.0), log_e[:, n - 1], atol=1e-9)
    np.testing.assert_allclose(greater_best_of(x, 0.0, 1), greater(x, 0.0), rtol=1e-9)


@pytest.mark.parametrize("n", [5, 12])
@pytest.mark.parametrize("shift", [-1.163, 0.846])
def test_best_of_is_a_likelihood_ratio_of_noncentral_t(n: int, shift: float) -> None:
    x = normal(n, seed=n) - 0.4
    t = stats.ttest_1samp(x, 0).statistic
    k = x.sum() / math.sqrt((x * x).sum())

    def likelihood(effect: float) -> float:
        return float(stats.nct.pdf(t, n - 1, effect * math.sqrt(n)))

    mixed = integrate.quad(lambda z: 2 * stats.norm.pdf(z) * likelihood(shift + z), 0, 8)[0]
    ours = math.exp(float(log_of_effect(k, n, shift, 1.0)))
    assert ours == pytest.approx(mixed / likelihood(shift), rel=1e-6)


def test_best_of_sides_mirror_each_other_about_the_shift() -> None:
    # What is evidence that mu + sigma e > m for x is evidence that mu - sigma e < m for -x.
    x = normal(4, 10)
    e = expected_maximum(3)
    k = x.sum(-1) / np.sqrt((x * x).sum(-1))
    np.testing.assert_allclose(
        less_best_of(-x, 0.0, 3)[:, -1], np.exp(log_of_effect(k, 10, e, 1.0)), rtol=1e-9
    )


def test_expected_maxima() -> None:
    assert expected_maximum(1) == 0
    assert expected_maximum(2) == pytest.approx(1 / math.sqrt(math.pi), rel=1e-9)
    assert [round(expected_maximum(k), 3) for k in (3, 5, 10)] == [0.846, 1.163, 1.539]
    draws = normal(4_000, 1_000).max(-1)
    assert expected_maximum(1_000) == pytest.approx(draws.mean(), abs=4 * draws.std() / 60)


def test_sign_test_values() -> None:
    x = np.arange(1.0, 8.0)
    assert greater_quantile(x, 0)[-1] == pytest.approx(31.875)
    assert greater_quantile(x, 0)[5] == pytest.approx(2 * 64 * (127 / 128) / 7)
    assert less_quantile(-x, 0)[-1] == pytest.approx(31.875)
    # Against a share of .2: the mean of p^2 (1-p) / (.2^2 .8) over p from .2 to 1.
    mixed = integrate.quad(lambda p: p * p * (1 - p) / (0.04 * 0.8) / 0.8, 0.2, 1)[0]
    assert greater_quantile([1, -1, 1], 0, share=0.2)[-1] == pytest.approx(mixed)


def test_a_score_at_the_median_counts_against_both_sides() -> None:
    x = [0.66, 0.66, 0.66, 0.66]
    edge = 0.6 + 0.06  # not 0.66: rounding must not decide
    assert edge != x[0]
    np.testing.assert_allclose(greater_quantile(x, edge), greater_quantile([-1.0] * 4, 0))
    np.testing.assert_allclose(less_quantile(x, edge), less_quantile([1.0] * 4, 0))


def test_the_sign_test_is_a_bet() -> None:
    # Its mean over all outcomes is 1 at the null's edge.
    for n, share in ((6, 0.5), (9, 0.2)):
        above = np.arange(n + 1)
        e = np.exp(evalues.log_sign_test(above, n, share))
        assert float(stats.binom.pmf(above, n, share) @ e) == pytest.approx(1, rel=1e-9)


def test_equal_scores() -> None:
    x = [0.5] * 6
    # An infinite t: r^(-(n-1)/2), n = 6, r = 1/7, twice, times the CDF at sqrt(n (n + 1 - 1)).
    limit = 2 * 7**2.5 * stats.t.cdf(6, 6)
    assert greater(x, 0.4)[-1] == pytest.approx(limit)
    assert less(x, 0.4)[-1] == pytest.approx(2 * 7**2.5 * stats.t.cdf(-6, 6), rel=1e-6)
    for test in OF_ONE_SAMPLE.values():
        assert (test(x, 0.5) <= 1 + 1e-12).all()  # no evidence where all are m itself
        assert np.isfinite(test(x, 0.4)).all()
    assert greater(x, 0.3 + 0.2)[-1] < 1
    assert greater([0.3] * 6, 0.1 + 0.2)[-1] < 1  # m is 0.30000000000000004


def test_a_spread_far_below_the_size_keeps_its_digits() -> None:
    x = np.array(FIVE)
    np.testing.assert_allclose(greater(x - 93 + 1e6, 1e6 + 0.5), greater(x - 93, 0.5), rtol=1e-6)
    assert (evalues.moments(x * 1e-9 + 1)[2] >= 0).all()


def test_evidence_is_never_infinite() -> None:
    x = np.ones(400) + 1e-9 * normal(400)
    assert greater(x, 0.0)[-1] == pytest.approx(math.exp(700))
    assert greater_best_of(x, 0.0, 5)[-1] == pytest.approx(math.exp(700))
    assert less(x, 0.0)[-1] >= 0
    assert greater_quantile(np.ones(2_000), 0.0)[-1] == pytest.approx(math.exp(700))


AT_ITS_EDGE = {
    "greater": lambda x, m: greater(x, 0.0),
    "less than reported": lambda x, m: less_than_reported(x, m, 1),
    "best of 5, greater": lambda x, m: greater_best_of(x, expected_maximum(5), 5),
    "best of 5, less": lambda x, m: less_best_of(x, expected_maximum(5), 5),
    "arms": lambda x, m: greater_arms(x, x[::-1], 0.0),
    "median": lambda x, m: greater_quantile(x, 0.0),
}


@pytest.mark.parametrize("name", AT_ITS_EDGE)
def test_false_alarms_stay_rare_however_often_one_looks(name: str) -> None:
    x = normal(2_000, 30, seed=7)
    e = AT_ITS_EDGE[name](x, normal(2_000, seed=8))
    crossed = float((e[:, 4:].max(-1) >= 20).mean())
    assert 0.005 < crossed <= 0.023 + 3 * math.sqrt(0.023 * 0.977 / 2_000)


def test_evidence_grows_where_the_claim_is_wrong() -> None:
    x = normal(1_000, 30, seed=9)
    told = (less_than_reported(x, normal(1_000, seed=10) + 4, 1)[:, 4:].max(-1) >= 20).mean()
    assert told == pytest.approx(0.89, abs=3 * math.sqrt(0.89 * 0.11 / 1_000))
