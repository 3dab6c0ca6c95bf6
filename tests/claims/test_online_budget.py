"""The error budget of a series: shares that sum to 1, levels as e-LOND has them."""

from __future__ import annotations

import math

import pytest

from papertrial.claims.online_budget import OnlineBudget
from papertrial.errors import ClaimError


@pytest.mark.parametrize("ideas", [1, 7, 100])
def test_the_shares_of_all_ideas_sum_to_one(ideas: int) -> None:
    budget, most = OnlineBudget(0.05, ideas), 20_000
    shares = [budget.share(t) for t in range(1, most + 1)]
    assert shares == sorted(shares, reverse=True)
    assert math.fsum(shares[:ideas]) == pytest.approx(0.5)
    # The rest, N/2 times the sum of 1/(t (t - 1)) over t > most, telescopes.
    assert math.fsum(shares) + ideas / (2 * most) == pytest.approx(1)
    for opened in (0, 1, ideas, ideas + 1, most):
        left = 0.05 * (1 - math.fsum(shares[:opened]))
        assert budget.left(opened) == pytest.approx(left, abs=1e-12)


def test_levels_are_those_of_e_lond() -> None:
    budget = OnlineBudget(0.05, 100)
    assert budget.level(1, 0) == pytest.approx(0.05 / 200)
    assert budget.level(100, 3) == pytest.approx(4 * 0.05 / 200)
    assert budget.level(101, 0) == pytest.approx(0.05 * 100 / (2 * 101 * 100))
    assert budget.level(1, 10_000) == 0.05  # never above alpha


@pytest.mark.parametrize(("alpha", "ideas"), [(0.0, 1), (0.5, 1), (math.nan, 1), (0.05, 0)])
def test_a_budget_out_of_range_is_refused(alpha: float, ideas: int) -> None:
    with pytest.raises(ClaimError):
        OnlineBudget(alpha, ideas)
