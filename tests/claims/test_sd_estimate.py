"""The estimate of the SD between seeds."""

from __future__ import annotations

import numpy as np
import pytest

from papertrial.claims.mean_test import MeanTest
from papertrial.claims.scores import Scores
from papertrial.claims.sd_estimate import FROM_SCORES, SdEstimate

TIED = Scores(np.full(6, 0.95))


def test_it_is_the_sd_of_the_scores_if_nothing_else_is_known() -> None:
    scatter, nu = np.array([0.0, 2.0]), np.array([0.0, 1.0])
    assert FROM_SCORES.scatter(scatter, nu).tolist() == [0.0, 2.0]


def test_each_part() -> None:
    scatter, nu = np.array([0.0, 2.0]), np.array([0.0, 2.0])
    assert SdEstimate(step=0.6).scatter(scatter, nu).tolist() == pytest.approx([0, 2.06])
    assert SdEstimate(least=2.0).scatter(scatter, nu).tolist() == [0, 8]
    assert SdEstimate(least=0.5).scatter(scatter, nu).tolist() == [0, 2]
    assert SdEstimate(pooled=2.0, freedom=3).scatter(scatter, nu).tolist() == [12, 14]


def test_six_equal_scores_on_a_coarse_test_set_do_not_refute() -> None:
    # Six scores of .95 against .952 +- .001: 100 samples cannot show a difference of .001.
    assert MeanTest().less(TIED, 0.951)[-1] > 20
    assert MeanTest(sd=SdEstimate(step=0.01)).less(TIED, 0.951)[-1] < 2


@pytest.mark.parametrize("chance", [0.05, 0.1, 0.2, 0.3])
def test_steps_keep_the_level_where_most_scores_tie(chance: float) -> None:
    # One more right of 100 samples with this chance; without the step 77 to 18 % of trials err.
    x = 0.9 + 0.01 * (np.random.default_rng(2).random((4_000, 15)) < chance)
    edge = 0.9 + 0.01 * chance
    sides = [
        getattr(MeanTest(sd=sd), side)(Scores(x), edge)[:, 4:].max(-1) >= 20
        for sd in (FROM_SCORES, SdEstimate(step=0.01))
        for side in ("less", "greater")
    ]
    rates = [float(crossed.mean()) for crossed in sides]
    assert max(rates[:2]) > 0.15
    assert max(rates[2:]) <= 0.035


def test_pooling_a_papers_sd_adds_its_degrees_of_freedom() -> None:
    scores = Scores(np.random.default_rng(3).standard_normal(5))
    alone, pooled = MeanTest(), MeanTest(sd=SdEstimate(pooled=1.0, freedom=9))
    (low, high), (near, far) = alone.interval(scores, 20), pooled.interval(scores, 20)
    assert far[-1] - near[-1] < high[-1] - low[-1]
