"""How a seed ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.seed_outcome import SeedOutcome, SeedState

MEAN = JudgedClaim("accuracy", "test", "mean", 0.9, 0.01, 0.9, 0.9)
DIFFERENCE = replace(MEAN, kind="difference", value=0.01)


@pytest.mark.parametrize(
    ("state", "scores", "fits"),
    [
        ("finished", ((0.9,), (0.9, 0.89)), True),
        ("finished", ((0.9, 0.8), (0.9,)), False),
        ("finished", ((0.9,),), False),
        ("finished", (), False),
        ("diverged", (), True),
        ("crashed", ((0.9,), (0.9, 0.89)), False),
    ],
)
def test_scores_fit_the_claims(
    state: SeedState, scores: tuple[tuple[float, ...], ...], fits: bool
) -> None:
    assert SeedOutcome(1, state, scores).fits([MEAN, DIFFERENCE]) is fits
