"""A rule: its defaults, and the numbers that it refuses."""

from __future__ import annotations

import pytest

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import FIRST_LOOK, Rule
from papertrial.errors import ClaimError

CLAIM = JudgedClaim("accuracy", "test", "mean", 0.5, 0.1, 0.5, 0.5)


def test_what_is_fixed_where_nothing_is_said() -> None:
    rule = Rule((CLAIM,), tuple(range(15)))
    assert (rule.alpha, rule.statistic, rule.prior, rule.horizon) == (0.05, "mean", 1.0, "anytime")
    assert (rule.first_look, rule.max_diverged) == (FIRST_LOOK, 0.2) == (5, 0.2)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seeds": (0, 1, 2, 3)}, "at least 5 seeds are needed, got 4"),
        ({"seeds": (7, 1, 7, 3, 1, 9)}, "got 1, 7 more than once"),
        ({"alpha": 0.0}, "0 < alpha < 0.5 must hold, got 0.0"),
        ({"alpha": 0.5}, "got 0.5"),
        ({"alpha": float("nan")}, "got nan"),
        ({"max_diverged": 1.0}, "0 <= max_diverged < 1 must hold, got 1.0"),
        ({"max_diverged": -0.1}, "got -0.1"),
        ({"prior": 0.0}, "prior > 0 must hold, got 0.0"),
    ],
)
def test_a_rule_that_does_not_hold_together(changes, told) -> None:
    with pytest.raises(ClaimError, match=told.replace("(", r"\(")):
        Rule(**{"claims": (CLAIM,), "seeds": tuple(range(15)), **changes})


def test_the_share_of_failed_seeds_is_not_lost_to_rounding() -> None:
    many = Rule((CLAIM,), tuple(range(100)), max_diverged=0.58)
    assert 0.58 * 50 < 29
    assert many.allows_failures(29, 50)
    assert not many.allows_failures(30, 50)
    assert not Rule((CLAIM,), tuple(range(15)), max_diverged=0.0).allows_failures(1, 15)
