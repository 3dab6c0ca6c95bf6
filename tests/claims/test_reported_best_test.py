"""The test of a reported best of k runs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from papertrial.claims.reported_best_test import ReportedBestTest, log_against_best
from papertrial.claims.reported_mean_test import ReportedMeanTest
from papertrial.claims.scores import Scores

X = Scores(np.array([93.8, 94.1, 94.0, 94.2, 93.9]))


@pytest.mark.parametrize(
    ("m", "greater", "less"), [(93.5, 505.713511, 0.057115), (95.0, 0.128725, 13.812326)]
)
def test_published_values(m: float, greater: float, less: float) -> None:
    test = ReportedBestTest(5)
    assert test.greater(X, m)[-1] == pytest.approx(greater, abs=1e-6)
    assert test.less(X, m)[-1] == pytest.approx(less, abs=1e-6)


def test_the_best_of_one_run_is_that_run() -> None:
    scores = Scores(np.random.default_rng(0).standard_normal((3, 15)) + 0.5)
    best, mean = ReportedBestTest(1), ReportedMeanTest(1)
    np.testing.assert_allclose(best.greater(scores, 0.0), mean.greater(scores, 0.0), rtol=1e-8)
    np.testing.assert_allclose(best.less(scores, 0.0), mean.less(scores, 0.0), rtol=1e-8)


@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_sums_are_the_integrals(n: int, sign: int) -> None:
    a, k, c = 0.3, 3, 0.1

    def density(v: float) -> float:
        return float(k * stats.norm.pdf(v) * stats.norm.cdf(v) ** (k - 1))

    def above(w: float, v: float) -> float:
        b = w * a + v
        gain = 2 * np.sqrt(c / (c + n)) * np.exp(-n * c * b * b / (2 * (n + c)))
        gain *= stats.norm.cdf(sign * n * b / np.sqrt(n + c))
        return float(density(v) * w ** (n - 1) * np.exp(-w * w / 2) * gain)

    def same(w: float, v: float) -> float:
        b = w * a + v
        return float(density(v) * w ** (n - 1) * np.exp(-w * w / 2 - n * b * b / 2))

    over = integrate.dblquad(above, -8, 8, 0, 12, epsabs=1e-11)[0]
    under = integrate.dblquad(same, -8, 8, 0, 12, epsabs=1e-11)[0]
    effect = np.sqrt(n) * a / np.sqrt(1 + n * a * a)
    found = np.exp(float(log_against_best(effect, n, k, c, sign)))
    assert found == pytest.approx(over / under, rel=1e-5)


def test_equal_scores_give_finite_evidence() -> None:
    same = Scores(np.full(6, 0.95))
    assert 1e3 < ReportedBestTest(5).greater(same, 0.9)[-1] < np.inf
    assert 0 < ReportedBestTest(5).less(same, 0.9)[-1] < 1
