"""Evidence from t statistics: moments, agreement with scipy and statsmodels, critical values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats
from statsmodels.stats.weightstats import ttost_ind

from papertrial.claims.scores import Array
from papertrial.claims.t_martingale import (
    LARGEST,
    counts,
    critical_t,
    e_values,
    explained,
    log_greater,
    log_two_sided,
    moments,
    t_statistic,
)

FIVE = [93.8, 94.1, 94.0, 94.2, 93.9]


def t_of(x: Array, m: float) -> Array:
    mean, scatter = moments(x)
    return t_statistic(mean, m, counts(x), scatter, counts(x) - 1, np.abs(x))


@pytest.mark.parametrize(
    ("x", "m", "g", "g_plus"),
    [([1, 2, 3], 0, 2.342648, 4.444640), (FIVE, 93.5, 16.37599, 32.60027)],
)
def test_published_vectors(x: list[float], m: float, g: float, g_plus: float) -> None:
    n = len(x)
    t = t_of(np.array(x, dtype=np.float64), m)[-1]
    assert np.exp(log_two_sided(t, n - 1, 1 / (1 + n))) == pytest.approx(g, rel=1e-6)
    assert np.exp(log_greater(t, n - 1, 1 / (1 + n))) == pytest.approx(g_plus, rel=1e-6)


def test_one_sided_evidence_averages_to_the_two_sided_one() -> None:
    # A normal prior is half a half-normal prior on each side.
    t, nu, r = np.linspace(-9, 9, 50), np.arange(1.0, 51.0), 0.2
    both = (np.exp(log_greater(t, nu, r)) + np.exp(log_greater(-t, nu, r))) / 2
    np.testing.assert_allclose(both, np.exp(log_two_sided(t, nu, r)), rtol=1e-9)


def test_one_sided_evidence_is_the_mean_likelihood_ratio_over_its_prior() -> None:
    x = np.random.default_rng(0).standard_normal(7) + 0.8
    t = stats.ttest_1samp(x, 0.3).statistic

    def likelihood(effect: float) -> float:
        return float(stats.nct.pdf(t, 6, effect * math.sqrt(7)))

    mixed = integrate.quad(lambda z: 2 * stats.norm.pdf(z, scale=0.5) * likelihood(z), 0, 5)[0]
    ours = np.exp(log_greater(t, 6, 4 / (4 + 7)))
    assert ours == pytest.approx(mixed / likelihood(0), rel=1e-6)


def test_t_statistics_are_those_of_scipy_and_statsmodels() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 12)) + 0.4
    ours = t_of(x, 0.1)
    for n in (2, 7, 12):
        assert ours[n - 1] == pytest.approx(stats.ttest_1samp(x[:n], 0.1).statistic, rel=1e-12)
    (mean_x, scatter_x), (mean_y, scatter_y), n = moments(x), moments(y), counts(x)
    pooled = t_statistic(mean_x - mean_y, -0.5, n / 2, scatter_x + scatter_y, 2 * n - 2, np.abs(x))
    lower = ttost_ind(x, y, -0.5, 2.0)[1]
    assert lower[2] == 22
    assert pooled[-1] == pytest.approx(lower[0], rel=1e-12)


def test_moments_are_those_of_numpy() -> None:
    x = np.random.default_rng(1).standard_normal((3, 9)) + 5
    mean, scatter = moments(x)
    for n in (1, 2, 9):
        np.testing.assert_allclose(mean[:, n - 1], x[:, :n].mean(-1))
        np.testing.assert_allclose(scatter[:, n - 1], x[:, :n].var(-1) * n, atol=1e-12)
    assert moments(np.full(6, 0.1))[1].tolist() == [0.0] * 6  # equal scores have no scatter
    tiny = np.random.default_rng(2).standard_normal(50) * 1e-9 + 1
    assert (moments(tiny)[1] >= 0).all()


def test_equal_scores_have_an_infinite_t_or_none() -> None:
    x = np.full(6, 0.3)
    assert t_of(x, 0.2)[1:].tolist() == [math.inf] * 5
    assert t_of(x, 0.4)[1:].tolist() == [-math.inf] * 5
    assert t_of(x, 0.1 + 0.2).tolist() == [0.0] * 6  # 0.30000000000000004 is a tie
    assert explained(math.inf, 4) == 1
    assert log_greater(math.inf, 5, 1 / 7) == pytest.approx(
        math.log(2 * 7**2.5 * stats.t.cdf(6, 6))  # r^(-(n-1)/2) for n = 6, and the CDF's factor
    )


def test_evidence_is_never_infinite_and_a_single_score_is_none() -> None:
    e = e_values(np.array([5.0, 1.0, 1e9, -math.inf]))
    assert e.tolist() == [1.0, pytest.approx(math.e), math.exp(LARGEST), 0.0]


def test_the_critical_t_is_where_evidence_reaches_the_threshold() -> None:
    for n in range(5, 31):
        t = critical_t(n - 1, 1 / (1 + n), 20.0)
        assert np.exp(log_greater(t, n - 1, 1 / (1 + n))) == pytest.approx(20, rel=1e-9)
        assert t > stats.t.ppf(0.95, n - 1)  # looking again costs something
    assert critical_t(0, 0.5, 20.0) == math.inf
    assert critical_t(2, 0.25, 20.0) == math.inf  # three scores are never enough
