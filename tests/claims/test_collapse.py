"""Which scores lie far from the rest, and what that says about the rate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from papertrial.claims.collapse import Collapse, explain_collapse, find_collapse
from papertrial.claims.judged_claim import JudgedClaim

FIVE = (93.8, 94.1, 94.0, 94.2, 93.9)  # median 94, median absolute deviation .1


def claim(tolerance: float = 0.0, metric: str = "accuracy", **changes: Any) -> JudgedClaim:
    given = {"kind": "mean", "low": 94.0, "high": 94.0, **changes}
    return JudgedClaim(metric, "test", value=94.0, tolerance=tolerance, **given)


def found(of: JudgedClaim, *scores: float) -> Collapse:
    result = find_collapse(of, scores)
    assert result is not None
    return result


def test_no_score_far_from_the_rest_still_bounds_the_rate() -> None:
    none = found(claim(), *FIVE * 3)
    assert none.indices == ()
    assert none.upper == pytest.approx(1 - 0.05 ** (1 / 15))
    text = explain_collapse(claim(), none, range(15), 0.1)
    assert "0 of 15 seeds collapsed" in text
    assert "up to 18.1 %" in text
    assert "equal" not in text
    equal = found(claim(), *[10.0] * 5)  # seeds that all predict one of ten classes
    assert "if every seed collapsed" in explain_collapse(claim(), equal, range(5), 0.0)


def test_a_score_is_far_from_five_robust_sds_on() -> None:
    one = found(claim(), *FIVE, 94.0, 93.0)
    assert one.median == 94.0
    assert one.far == pytest.approx(5 * 1.4826 * 0.1)
    assert one.indices == (6,)
    assert found(claim(), *FIVE, 94.0, 94.0 - 0.74).indices == ()
    assert found(claim(), *FIVE, 94.0, 94.0 - 0.75).indices == (6,)
    # Clopper and Pearson: 1 of 7.
    assert one.upper == pytest.approx(0.5207, abs=1e-4)


def test_what_is_within_the_tolerance_did_not_collapse() -> None:
    assert found(claim(1.1), *FIVE, 94.0, 93.0).indices == ()
    assert found(claim(0.9), *FIVE, 94.0, 93.0).indices == (6,)


def test_five_steps_of_a_coarse_metric_did_not_collapse() -> None:
    tied = (0.95,) * 6
    assert found(claim(step=0.01), *tied, 0.9).indices == ()
    assert found(claim(step=0.01), *tied, 0.89).indices == (6,)


def test_the_metric_says_which_side_is_worse() -> None:
    assert found(claim(), *FIVE, 95.5).indices == ()
    assert found(claim(metric="loss"), *FIVE, 95.5).indices == (5,)
    assert found(claim(metric="loss"), *FIVE, 92.5).indices == ()
    either = claim(kind="difference")
    assert found(either, *FIVE, *FIVE, 95.5, 92.5).indices == (10, 11)
    for of, word in ((claim(), "below"), (claim(metric="loss"), "above"), (either, "away from")):
        text = explain_collapse(of, Collapse((1,), 6, 0.58, 94.0, 0.7), range(6), 0.1)
        assert f"{word} the median, 94.00" in text


def test_equal_scores_are_compared_with_the_tolerance_or_the_mean_deviation() -> None:
    tied = (0.95,) * 6
    assert found(claim(), *tied).indices == ()
    assert found(claim(0.01), *tied, 0.945).indices == ()
    assert found(claim(0.01), *tied, 0.1).indices == (6,)
    without = found(claim(), *tied, 0.1)
    assert without.far == pytest.approx(5 * 1.2533 * 0.85 / 7)
    assert without.indices == (6,)


def test_fewer_than_five_scores_say_nothing() -> None:
    assert find_collapse(claim(), FIVE[:4]) is None
    assert find_collapse(claim(), ()) is None


def test_the_seeds_are_named() -> None:
    two = found(claim(), *FIVE, *FIVE, 10.0, 12.0)
    text = explain_collapse(claim(), two, range(20, 32), 0.1)
    assert "seeds 30, 31" in text
    assert "2 of 12 seeds" in text
    assert "median, 93.95, by more than 1.1." in text
    one = found(claim(), *FIVE, 10.0)
    assert "seed 7:" in explain_collapse(claim(), one, range(2, 8), 0.1)


@pytest.mark.parametrize(("n", "rate"), [(5, 0.0613), (10, 0.0202), (15, 0.0132)])
def test_how_often_normal_scores_have_one(n: int, rate: float) -> None:
    x = np.random.default_rng(1).standard_normal((4_000, n))
    share = sum(bool(found(claim(), *row).indices) for row in x) / len(x)
    assert share == pytest.approx(rate, abs=4 * math.sqrt(rate / len(x)))
