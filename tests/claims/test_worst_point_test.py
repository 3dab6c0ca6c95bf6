"""A test at each point of a curve, as one test of the worst of them."""

from __future__ import annotations

import numpy as np
import pytest

from papertrial.claims.mean_test import MeanTest
from papertrial.claims.scores import Array, Scores
from papertrial.claims.worst_point_test import WorstPointTest

LOSSES = np.array([3.274, 3.276, 3.279, 3.272, 3.275, 3.277])
TARGET = 3.28
BELOW = WorstPointTest(MeanTest(), "at-most")
ABOVE = WorstPointTest(MeanTest(), "at-least")


def test_published_vectors() -> None:
    e = BELOW.less(Scores(LOSSES), TARGET)
    assert e[4:] == pytest.approx([13.511817, 25.162757], abs=1e-6)


def test_the_least_evidence_of_all_points_supports_and_the_declared_point_alone_opposes() -> None:
    worse = LOSSES + 0.002  # at a later point
    curve = Scores(LOSSES, later=np.array([LOSSES - 0.01, worse]))
    np.testing.assert_array_equal(BELOW.less(curve, TARGET), MeanTest().less(Scores(worse), TARGET))
    np.testing.assert_array_equal(
        BELOW.greater(curve, TARGET), MeanTest().greater(Scores(LOSSES), TARGET)
    )
    low, high = BELOW.interval(curve, 20.0)
    assert low[-1] == MeanTest().interval(Scores(LOSSES), 20.0)[0][-1]
    assert high[-1] == MeanTest().interval(Scores(worse), 20.0)[1][-1]


def test_a_curve_that_must_stay_above_is_the_mirror_image() -> None:
    curve = Scores(LOSSES, later=(LOSSES + 0.002)[None])
    for m in (3.27, 3.28):
        np.testing.assert_array_equal(BELOW.less(curve, m), ABOVE.greater(curve.negated, -m))
        np.testing.assert_array_equal(BELOW.greater(curve, m), ABOVE.less(curve.negated, -m))


def curves(draw: np.random.Generator, trials: int, points: int, seeds: int) -> Array:
    """Curves [G, trials, S] of standard normal scores, of which half the variance is shared."""
    shared, own = (
        draw.standard_normal((trials, seeds)),
        draw.standard_normal((points, trials, seeds)),
    )
    return np.asarray((shared + own) / np.sqrt(2))


def crossed(e: Array) -> Array:
    return np.asarray((e[..., 4:] >= 20.0).any(-1))


def test_a_point_that_is_not_below_the_target_is_rarely_confirmed() -> None:
    trials, points = 4_000, 10
    scores = curves(np.random.default_rng(1), trials, points, 15)
    edge = np.zeros(trials)
    # All points but the last are far below: it is the first of the sequence and may not be passed.
    far = scores.copy()
    far[:-1] -= 10
    for part in (scores, far):
        e = BELOW.less(Scores(part[0], later=part[1:]), edge)
        assert crossed(e).mean() <= 0.0200
    last = crossed(MeanTest().less(Scores(scores), edge))
    assert last[-1].mean() == pytest.approx(0.018, abs=0.006)
    assert last.any(0).mean() > 0.10  # any step that crosses, taken naively
    # Nor is the declared point wrongly refuted, however many points there are.
    assert crossed(BELOW.greater(Scores(scores[0], later=scores[1:]), edge)).mean() <= 0.025
