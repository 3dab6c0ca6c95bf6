"""Scores of finished seeds as arrays."""

from __future__ import annotations

import numpy as np

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.reach import Reach, Reading
from papertrial.claims.scores import Scores

ONE = JudgedClaim("accuracy", "test", "expected", 0.5, 0.1, 0.5, 0.5)
TWO = JudgedClaim("accuracy", "test", "better", 0.0, 0.0, 0.0, 0.0, side="at-least")


def curve(reading: Reading) -> JudgedClaim:
    reach = Reach(20, "step", (10, 20, 30, 40), reading)
    return JudgedClaim("loss", "test", "reaches", 1, 0, 1, 1, side="at-most", reach=reach)


def test_scores_of_one_claim() -> None:
    scores = Scores.of_claim(ONE, [(0.5,), (0.25,)])
    assert scores.values.tolist() == [0.5, 0.25]
    assert scores.sides is None
    assert Scores.of_claim(ONE, []).values.shape == (0,)


def test_a_difference_keeps_both_sides() -> None:
    scores = Scores.of_claim(TWO, [(0.75, 0.5), (0.5, 0.75), (1.0, 1.0)])
    assert scores.values.tolist() == [0.25, -0.25, 0.0]
    assert scores.sides is not None
    ours, theirs = scores.sides
    np.testing.assert_array_equal(ours - theirs, scores.values)
    assert theirs.tolist() == [0.5, 0.75, 1.0]


def test_a_curve_has_the_scores_at_the_declared_point_and_at_the_later_ones() -> None:
    rows = [(4.0, 3.0, 2.0, 1.0), (4.5, 0.5, 0.75, 0.25)]
    scores = Scores.of_claim(curve("each-step"), rows)
    assert scores.values.tolist() == [3.0, 0.5]
    assert [one.values.tolist() for one in scores.points] == [[3, 0.5], [2, 0.75], [1, 0.25]]
    assert [one.values.tolist() for one in scores.negated.points][1] == [-2, -0.75]
    assert [curve("each-step").score_of(row) for row in rows] == [3.0, 0.5]
    assert len(Scores.of_claim(ONE, [(0.5,)]).points) == 1


def test_with_each_seed_a_curve_has_its_worst_score_from_the_declared_point_on() -> None:
    rows = [(4.0, 3.0, 2.0, 1.0), (4.5, 0.5, 0.75, 0.25)]
    scores = Scores.of_claim(curve("each-seed"), rows)
    assert (scores.values.tolist(), scores.later) == ([3.0, 0.75], None)
