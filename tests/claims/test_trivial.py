"""Tolerances that are too wide against the spread between seeds, or finer than a step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import Rule
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.claims.trivial import WIDE, too_fine, too_wide


def claim(tolerance: float, **changes: Any) -> JudgedClaim:
    given: dict[str, Any] = {"kind": "expected", "low": 0.9, "high": 0.9, **changes}
    return JudgedClaim("accuracy", "test", value=0.9, tolerance=tolerance, **given)


def test_five_sds_are_too_wide() -> None:
    assert too_wide(claim(0.049), 0.01, "of ours") == ""
    said = too_wide(claim(0.05), 0.01, "of ours")
    assert "0.05 is 5 times" in said
    assert "of ours, 0.010" in said


@pytest.mark.parametrize("sd", [0.0, math.nan])
def test_an_unknown_sd_says_nothing(sd: float) -> None:
    assert too_wide(claim(0.05), sd, "of ours") == ""
    assert too_wide(claim(0.0), 0.01, "of ours") == ""


def test_with_such_a_tolerance_the_first_look_decides() -> None:
    draw, trials = np.random.default_rng(1), 400
    rule = Rule((claim(WIDE),), tuple(range(5)))
    rates = []
    for off in (0.0, 2.0):
        held = 0
        for _ in range(trials):
            x = 0.9 + off + draw.standard_normal(5)
            ended = [SeedOutcome(i, "finished", ((float(v),),), f"w{i}") for i, v in enumerate(x)]
            held += judge(rule, ended)[0].verdict == "REPRODUCED"
        rates.append(held / trials)
    assert rates[0] == pytest.approx(0.995, abs=0.012)
    assert rates[1] == pytest.approx(0.83, abs=0.06)


def test_a_tolerance_finer_than_a_step() -> None:
    assert too_fine(claim(0.01, step=0.01)) == ""
    assert too_fine(claim(0.0, step=0.01)) == ""  # another warning is about that
    assert too_fine(claim(0.005)) == ""  # no steps
    assert too_fine(claim(0.005, step=0.01, kind="at-least", side="at-least")) == ""
    said = too_fine(claim(0.005, step=0.01))
    assert "0.005" in said
    assert "100 samples" in said
