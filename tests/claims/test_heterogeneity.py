"""The evidence that laboratories differ: its vector, its limits, its rates in short."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from papertrial.claims.heterogeneity import Heterogeneity, heterogeneity

A = [93.8, 94.1, 94.0, 94.2, 93.9]
B = [94.3, 94.5, 94.1, 94.4, 94.2]


def test_the_vector() -> None:
    assert heterogeneity([A, B]) == pytest.approx(5.600003, abs=1e-6)


def direct(labs: list[list[float]], prior: float) -> float:
    """The ratio of the densities of the scores, by their covariance, with flat priors."""
    x = np.concatenate(labs)
    n, one = x.size, np.ones(x.size)

    def log_density(v: np.ndarray) -> float:
        inverse = np.linalg.inv(v)
        weight = one @ inverse @ one
        center = one @ inverse @ x / weight
        rest = (x - center) @ inverse @ (x - center)
        return float(-(np.linalg.slogdet(v)[1] + np.log(weight) + (n - 1) * np.log(rest)) / 2)

    same = np.concatenate([[i] * len(lab) for i, lab in enumerate(labs)])
    effects = (same[:, None] == same[None, :]) / prior
    return float(np.exp(log_density(np.eye(n) + effects) - log_density(np.eye(n))))


@pytest.mark.parametrize("prior", [1.0, 0.3])
def test_unequal_numbers_of_seeds_by_the_definition(prior: float) -> None:
    labs = [A, B[:3], [93.0, 95.0, 94.5, 94.4, 94.1, 94.6, 93.9]]
    assert heterogeneity(labs, prior=prior) == pytest.approx(direct(labs, prior), rel=1e-9)


def test_it_does_not_depend_on_the_unit_or_the_order() -> None:
    e = heterogeneity([A, B])
    shifted = [[(x - 90) / 100 for x in lab] for lab in (B, A)]
    assert heterogeneity(shifted) == pytest.approx(e, rel=1e-9)


def test_laboratories_without_scores_do_not_count() -> None:
    assert heterogeneity([A, [], B]) == heterogeneity([A, B])
    assert heterogeneity([A, []]) == heterogeneity([A]) == heterogeneity([]) == 1.0


def test_one_score_each_is_no_evidence() -> None:
    assert heterogeneity([[1.0], [2.0], [4.0]]) == pytest.approx(1.0)


def test_equal_scores() -> None:
    third = 0.1 + 0.2  # which is not 0.3
    assert heterogeneity([[0.3] * 5, [third] * 5]) == pytest.approx(6**-0.5)
    apart = heterogeneity([[0.3] * 5, [0.4] * 5])
    assert apart == pytest.approx(6**-0.5 * 6**4.5)
    one_step = heterogeneity([[0.3] * 5, [0.4] * 5], step=0.1)
    assert one_step < apart / 10  # rounding may explain a part


def test_it_grows_with_the_distance_and_has_the_words_of_its_side() -> None:
    found = [heterogeneity([A, [x + d for x in A]]) for d in (0.0, 0.3, 1.0)]
    assert found == sorted(found)
    assert Heterogeneity(found[2], 20).text.startswith("the laboratories differ")
    assert Heterogeneity(found[0], 20).text.startswith("no proof that the laboratories differ")


def test_equal_laboratories_are_rarely_said_to_differ() -> None:
    draw = np.random.default_rng(3)
    x = draw.standard_normal((4_000, 4, 5))
    found = np.array([heterogeneity(list(one)) >= 20 for one in x])
    assert found.mean() < 0.02  # .5 % of 20,000
    effects = draw.standard_normal((1_000, 4, 1))
    found = np.array([heterogeneity(list(one)) >= 20 for one in x[:1_000] + effects])
    assert stats.binomtest(int(found.sum()), 1_000, 0.401).pvalue > 1e-3  # 40.1 % of 20,000
