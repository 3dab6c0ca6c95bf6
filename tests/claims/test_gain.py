"""The evidence for a gain: the t-martingale of the paired differences, at the last seed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

from papertrial.claims.gain import PRIOR, decide, weigh_gain
from papertrial.errors import ClaimError

BASELINE = [0.90, 0.91, 0.92, 0.90, 0.93, 0.91]
CANDIDATE = [0.93, 0.93, 0.94, 0.94, 0.95, 0.93]


def formula(x: list[float], m: float) -> float:
    """Return Gplus of Wang & Ramdas, written again."""
    n, nu = len(x), len(x) - 1
    t = (np.mean(x) - m) / (np.std(x, ddof=1) / math.sqrt(n))
    r = PRIOR / (PRIOR + n)
    two = math.sqrt(r) * ((1 + t**2 / nu) / (1 + r * t**2 / nu)) ** ((nu + 1) / 2)
    q = (1 - r) * t**2 / nu / (1 + r * t**2 / nu)
    return float(2 * two * special.stdtr(nu + 1, math.copysign(math.sqrt((nu + 1) * q), t)))


@pytest.mark.parametrize("at_least_by", [0.0, 0.01, 0.04])
def test_the_e_value_is_that_of_the_formula_after_the_last_seed(at_least_by: float) -> None:
    found = weigh_gain(
        BASELINE, CANDIDATE, lower_is_better=False, at_least_by=at_least_by, level=0.001
    )
    x = [ours - theirs for ours, theirs in zip(CANDIDATE, BASELINE, strict=True)]
    assert found.e_value == pytest.approx(formula(x, at_least_by))
    assert found.e_against == pytest.approx(formula([-one for one in x], -at_least_by))
    assert found.mean == pytest.approx(np.mean(x))
    assert (found.low > at_least_by) == (found.e_value >= 1000)


def test_the_value_may_be_less_than_the_largest_one_so_far() -> None:
    base = [0.0] * 12
    lucky = [1.0, 1.1, 0.9, 1.0, 1.05, 0.95, 1.0, -1.0, -1.0, -1.0, -1.0, -1.0]
    kept = {"lower_is_better": False, "at_least_by": 0.0, "level": 0.01}
    early = weigh_gain(base[:7], lucky[:7], **kept)  # type: ignore[arg-type]
    late = weigh_gain(base, lucky, **kept)  # type: ignore[arg-type]
    assert early.e_value > 100
    assert late.e_value < 1


def test_lower_is_better_turns_the_sides_around() -> None:
    kept = {"at_least_by": 0.01, "level": 0.001}
    higher = weigh_gain(BASELINE, CANDIDATE, lower_is_better=False, **kept)
    lower = weigh_gain(CANDIDATE, BASELINE, lower_is_better=True, **kept)
    assert (lower.mean, lower.e_value) == pytest.approx((higher.mean, higher.e_value))
    opposite = weigh_gain(BASELINE, CANDIDATE, lower_is_better=True, **kept)
    assert opposite.mean < 0
    assert opposite.e_against > 20
    assert opposite.e_value < 1


def test_a_metric_that_moves_in_steps_needs_more() -> None:
    base, better = [0.90] * 6, [0.91] * 6  # equal differences say nothing about the SD
    kept = {"lower_is_better": False, "at_least_by": 0.0, "level": 0.01}
    exact = weigh_gain(base, better, **kept)  # type: ignore[arg-type]
    coarse = weigh_gain(base, better, step=0.01, **kept)  # type: ignore[arg-type]
    assert math.isfinite(exact.e_value)
    assert coarse.e_value < exact.e_value / 3


def test_the_seeds_that_are_missing_are_enough_if_the_gain_stays() -> None:
    kept = {"lower_is_better": False, "at_least_by": 0.0, "level": 0.05 / 200}
    draw = np.random.default_rng(1)
    x = draw.standard_normal(200)
    x = (x - x[:8].mean()) / x[:8].std(ddof=1) * 0.5 + 0.6
    few = weigh_gain([0.0] * 8, list(x[:8]), **kept)  # type: ignore[arg-type]
    assert few.more_seeds is not None
    assert few.more_seeds > 0
    # The same mean and SD on that many seeds reach the level, and with one seed less they do not.
    for n, reached in ((8 + few.more_seeds, True), (7 + few.more_seeds, False)):
        y = draw.standard_normal(n)
        y = (y - y.mean()) / y.std(ddof=1) * 0.5 + 0.6
        found = weigh_gain([0.0] * n, list(y), **kept)  # type: ignore[arg-type]
        assert (found.e_value >= 1 / kept["level"]) is reached
        assert (found.more_seeds == 0) is reached
    worse = weigh_gain([0.0] * 8, [-0.1, 0.1] * 4, **kept)  # type: ignore[arg-type]
    assert worse.more_seeds is None


@pytest.mark.parametrize(
    ("e_value", "e_against", "wanted"),
    [(4000, 0, "ACCEPTED"), (3999, 0, "UNDECIDED"), (0.1, 20, "REJECTED"), (0.1, 19, "UNDECIDED")],
)
def test_a_decision_needs_evidence(e_value: float, e_against: float, wanted: str) -> None:
    assert decide(e_value, e_against, 0.05 / 200, 0.05) == wanted


@pytest.mark.parametrize(("n", "at_least_by"), [(4, 0.0), (5, -0.1), (5, math.inf)])
def test_too_few_seeds_and_impossible_gains_are_refused(n: int, at_least_by: float) -> None:
    with pytest.raises(ClaimError):
        weigh_gain(
            BASELINE[:n], CANDIDATE[:n], lower_is_better=False, at_least_by=at_least_by, level=0.01
        )
