"""A ruling's numbers, and one verdict for several claims."""

from __future__ import annotations

import math

import pytest

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.ruling import Ruling, holds_within, is_inside

OPEN = "UNDECIDED"


def ruling(*scores: float) -> Ruling:
    return Ruling(OPEN, None, scores, 0.0, 1.0, 0.05, (), 1.0, held=True)


def test_mean_median_and_sd() -> None:
    assert (ruling(1.0, 2.0, 6.0).mean, ruling(1.0, 2.0, 6.0).median) == (3.0, 2.0)
    assert ruling(1.0, 2.0, 6.0).sd == pytest.approx(math.sqrt(7))
    assert ruling(0.1, 0.1, 0.1).sd == 0.0
    assert math.isnan(ruling().mean)
    assert math.isnan(ruling().median)
    assert math.isnan(ruling(1.0).sd)


def test_the_band_includes_its_edges_whatever_rounding_does() -> None:
    claim = JudgedClaim("accuracy", "test", "mean", 0.8, 0.1, 0.8, 0.8)
    assert claim.band[0] > 0.7  # 0.7000000000000001
    assert is_inside(claim, 0.7)
    assert not is_inside(claim, 0.6999)


@pytest.mark.parametrize(
    ("side", "expected"), [("about", 0.3), ("at-least", 0.2), ("at-most", 0.3)]
)
def test_the_smallest_tolerance_that_holds(side: str, expected: float) -> None:
    claim = JudgedClaim("accuracy", "test", "mean", 0.5, 0.0, 0.5, 0.5, side=side)
    assert holds_within(claim, 0.3, 0.8) == pytest.approx(expected)
    assert holds_within(claim, 0.5, 0.5) == 0.0
    assert holds_within(claim, -math.inf, math.inf) == math.inf
    assert holds_within(claim, 0.6, 0.5) == math.inf  # no value agrees with all looks
