"""Scores of finished seeds as arrays."""

from __future__ import annotations

import numpy as np

from papertrial.claims.scores import Scores


def test_scores_of_one_claim() -> None:
    scores = Scores.of_claim([(0.5,), (0.25,)])
    assert scores.values.tolist() == [0.5, 0.25]
    assert scores.sides is None
    assert Scores.of_claim([]).values.shape == (0,)


def test_a_difference_keeps_both_sides() -> None:
    scores = Scores.of_claim([(0.75, 0.5), (0.5, 0.75), (1.0, 1.0)])
    assert scores.values.tolist() == [0.25, -0.25, 0.0]
    assert scores.sides is not None
    ours, theirs = scores.sides
    np.testing.assert_array_equal(ours - theirs, scores.values)
    assert theirs.tolist() == [0.5, 0.75, 1.0]
