"""The test of the mean with a known SD."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from papertrial.claims.choose import choose
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.known_sd_test import KnownSdTest
from papertrial.claims.rule import GivenSd, Rule
from papertrial.claims.scores import Scores

X = np.array([93.8, 94.1, 94.0, 94.2, 93.9])


def test_published_values() -> None:
    assert KnownSdTest(0.15).greater(Scores(X), 93.9)[-1] == pytest.approx(1.882142, abs=1e-6)
    widths = [KnownSdTest(1.0).half_width(n, 20) for n in (2, 3, 5, 10, 15)]
    assert widths == pytest.approx([2.0713, 1.6338, 1.2402, 0.8782, 0.7246], abs=5e-5)


@pytest.mark.parametrize("runs", [None, 3])
def test_it_is_a_likelihood_ratio_of_normal_means(runs: int | None) -> None:
    n, c = len(X), 0.1
    size = n if runs is None else n * runs / (n + runs)
    test = KnownSdTest(0.15, c, runs)
    mean, error = X.mean() - 93.9, 0.15 / math.sqrt(size)
    prior = stats.halfnorm(scale=0.15 / math.sqrt(c))
    mixed = integrate.quad(lambda d: prior.pdf(d) * stats.norm.pdf(mean, d, error), 0, 5)[0]
    expected = mixed / stats.norm.pdf(mean, 0, error)
    assert test.greater(Scores(X), 93.9)[-1] == pytest.approx(expected, rel=1e-6)


def test_two_seeds_can_decide() -> None:
    e = KnownSdTest(0.1).greater(Scores(np.array([1.0, 1.0])), 0.7)
    assert e[0] == 1
    assert e[1] > 20


def test_an_interval_scales_with_the_sd() -> None:
    low, high = KnownSdTest(0.3).interval(Scores(X), 20)
    assert (high - low)[1:] == pytest.approx(
        [0.6 * KnownSdTest(1.0).half_width(n, 20) for n in range(2, 6)]
    )


def test_bounded_scores_of_any_shape_keep_the_level() -> None:
    # Scores of 0 or 1 are sub-Gaussian with parameter 1/2: the guarantee is not about normality.
    x = (np.random.default_rng(1).random((4_000, 15)) < 0.1).astype(float)
    e = KnownSdTest(0.5).less(Scores(x), 0.1)
    assert (e.max(-1) >= 20).mean() <= 0.05


def test_a_paper_with_a_larger_spread_is_rarely_accused() -> None:
    # Papers of 3 runs whose SD is 2 times the known one: 17.8 % would be accused with the known SD.
    draw, trials = np.random.default_rng(20_261_127), 2_000
    accused = 0
    for _ in range(trials):
        mean = draw.normal(0, 2, 3).mean()
        claim = JudgedClaim(
            "accuracy", "test", "mean", mean, 0.01, mean, mean, runs=3, reported_sd=2.0
        )
        rule = Rule((claim,), tuple(range(15)), sd=GivenSd(1.0, "known"), first_look=2)
        opposes = choose(claim, rule).opposes
        assert opposes is not None
        scores = Scores(draw.normal(0, 1, 15))
        low, high = claim.band
        strongest = np.maximum(opposes.less(scores, low), opposes.greater(scores, high))
        accused += bool(strongest[1:].max() >= 20)
    assert accused / trials <= 0.05
