"""What counts as a reported number."""

from __future__ import annotations

import math
from typing import Any

import pytest

from papertrial.claims.judged_claim import JudgedClaim


def claim(kind: str = "mean", **changes: Any) -> JudgedClaim:
    given = {"value": 0.55, "tolerance": 0.02, "low": 0.55, "high": 0.55, **changes}
    return JudgedClaim("accuracy", "test", kind, **given)


def test_the_band_is_the_printed_interval_made_wider_not_shifted() -> None:
    assert claim().band == pytest.approx((0.53, 0.57))
    assert claim(low=0.55, high=0.56).band == pytest.approx((0.53, 0.58))  # "55 %" cut off
    assert claim(low=0.545, high=0.555, tolerance=0.0).band == (0.545, 0.555)


def test_a_bound_has_one_open_side() -> None:
    assert claim(side="at-least").band == (pytest.approx(0.53), math.inf)
    assert claim(side="at-most").band == (-math.inf, pytest.approx(0.57))


@pytest.mark.parametrize(
    ("kind", "runs", "reference", "best_of"),
    [
        ("mean", None, None, None),  # the expected score itself
        ("mean", 3, 3, None),
        ("single-run", 1, 1, None),
        ("difference", 3, 3, None),
        ("difference", None, None, None),
        ("best-of", 5, None, 5),
        ("at-least", 3, None, None),  # a bound is a bound, whatever it was found from
        ("at-most", 3, None, None),
    ],
)
def test_whose_noise_is_in_the_number(kind, runs, reference, best_of) -> None:
    assert claim(kind, runs=runs).reference == reference
    assert claim(kind, runs=runs).best_of == best_of
