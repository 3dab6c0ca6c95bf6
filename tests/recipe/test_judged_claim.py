"""A recipe's claim in the form that is judged."""

from __future__ import annotations

from typing import Any

import pytest

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.recipe.claims import Claim
from papertrial.recipe.judged_claim import to_judged_claim

Tree = dict[str, Any]
ACCURACY = {"metric": "accuracy", "value": 0.9, "tolerance": 0.01, "kind": "expected"}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, {}),
        ({"n": 3, "split": "validation"}, {"runs": 3, "split": "validation"}),
        ({"kind": "single-run", "tolerance": "1 point"}, {"kind": "single-run", "runs": 1}),
        ({"kind": "best-of", "n": 5}, {"kind": "best-of", "runs": 5}),
        ({"value": "90 %", "printed": "90 %"}, {"low": 0.895, "high": 0.905}),
        (
            {"kind": "at-least", "tolerance": None},
            {"kind": "at-least", "side": "at-least", "tolerance": 0.0},
        ),
        (
            {
                "kind": "difference",
                "value": "2 points",
                "side": "at-most",
                "versus": {"recipe": "a"},
            },
            {"kind": "difference", "value": 0.02, "low": 0.02, "high": 0.02, "side": "at-most"},
        ),
        ({"best_epoch_on_test": True}, {"best_epoch_on_test": True}),
    ],
)
def test_a_claim_is_converted_to_the_unit_of_its_metric(changes: Tree, fields: Tree) -> None:
    expected: Tree = {
        "metric": "accuracy", "split": "test", "kind": "mean", "value": 0.9, "tolerance": 0.01,
        "low": 0.9, "high": 0.9, "runs": None, "side": "about", "best_epoch_on_test": False,
    }  # fmt: skip
    claim = to_judged_claim(Claim.model_validate({**ACCURACY, **changes}))
    assert claim == JudgedClaim(**{**expected, **fields})
