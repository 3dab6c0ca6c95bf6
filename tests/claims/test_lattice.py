"""The step in which scores move, found from the scores."""

from __future__ import annotations

import numpy as np
import pytest

from papertrial.claims.lattice import common_step


@pytest.mark.parametrize("samples", [10, 100, 360, 899, 10_000])
def test_accuracies_move_by_one_sample(samples: int) -> None:
    right = np.random.default_rng(samples).binomial(samples, 0.9, 30)
    right[:2] = samples - 1, samples - 2  # so that the step is that of one sample
    assert common_step(right / samples) == pytest.approx(1 / samples)


def test_a_step_may_be_a_multiple_of_the_real_one() -> None:
    assert common_step([0.90, 0.94, 0.92]) == pytest.approx(0.02)
    assert common_step([0.90, 0.91] * 5) == pytest.approx(0.01)
    assert common_step([93.0, 95.0, 98.0]) == pytest.approx(1)


def test_scores_that_do_not_move_in_steps_have_none() -> None:
    assert common_step([0.5, 0.5]) == 0
    assert common_step([]) == 0
    for seed in range(50):
        assert common_step(np.random.default_rng(seed).standard_normal(10)) == 0


def test_rounded_scores_have_the_step_of_their_last_digit() -> None:
    scores = np.random.default_rng(1).normal(0.93, 0.004, 30).round(4)
    assert common_step(scores) == pytest.approx(1e-4)
