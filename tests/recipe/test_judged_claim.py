"""A recipe's claim in the form that is judged."""

from __future__ import annotations

from typing import Any

import pytest

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import GivenSd
from papertrial.recipe.claims import Claim
from papertrial.recipe.judged_claim import reported_sd, to_given_sd, to_judged_claim
from papertrial.recipe.load import load_recipe
from papertrial.recipe.verify import SpreadBetweenSeeds

Tree = dict[str, Any]
ACCURACY = {"metric": "accuracy", "value": 0.9, "tolerance": 0.01, "kind": "expected"}
NO_NUMBER = {"kind": "better", "value": 0.0, "tolerance": 0.0, "low": 0.0, "high": 0.0}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, {}),
        (
            {"kind": "mean", "n": 3, "split": "validation"},
            {"kind": "mean", "runs": 3, "split": "validation"},
        ),
        ({"kind": "mean", "n": "unknown"}, {"kind": "mean", "runs": 1}),
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
                "n": 5,
                "versus": {"recipe": "a"},
            },
            {
                "kind": "difference",
                "value": 0.02,
                "low": 0.02,
                "high": 0.02,
                "side": "at-most",
                "runs": 5,
            },
        ),
        (
            {"kind": "better", "value": None, "tolerance": None, "versus": {"recipe": "a"}},
            {**NO_NUMBER, "side": "at-least"},
        ),
        (
            {
                "metric": "loss",
                "kind": "better",
                "value": None,
                "tolerance": None,
                "versus": {"recipe": "a"},
                "pairing": "none",
            },
            {**NO_NUMBER, "metric": "loss", "side": "at-most", "paired": False},
        ),
        ({"plus_minus": {"value": 0.002, "is": "sd"}}, {"reported_sd": 0.002}),
        ({"best_epoch_on_test": True}, {"best_epoch_on_test": True}),
    ],
)
def test_a_claim_is_converted_to_the_unit_of_its_metric(changes: Tree, fields: Tree) -> None:
    expected: Tree = {
        "metric": "accuracy", "split": "test", "kind": "expected", "value": 0.9, "tolerance": 0.01,
        "low": 0.9, "high": 0.9, "runs": None, "side": "about", "best_epoch_on_test": False,
    }  # fmt: skip
    claim = to_judged_claim(
        Claim.model_validate({**ACCURACY, **changes}), load_recipe("digits-mlp")
    )
    assert claim == JudgedClaim(**{**expected, **fields})


@pytest.mark.parametrize(
    ("changes", "sd"),
    [
        ({}, None),
        ({"plus_minus": {"value": 0.002}}, None),
        ({"plus_minus": {"value": 0, "is": "sd"}}, None),
        ({"plus_minus": {"value": "0.2 points", "is": "sd"}}, 0.002),
        ({"plus_minus": {"value": 0.002, "is": "se"}}, 0.004),
        ({"plus_minus": {"value": 0.002, "is": "se"}, "kind": "single-run", "n": None}, 0.002),
        # scipy: t.ppf(.975, 3) = 3.182446
        ({"plus_minus": {"value": 0.002, "is": "ci"}}, 0.002 / 3.182446 * 2),
        ({"plus_minus": {"value": 0.002, "is": "ci", "level": 0.9}}, 0.002 / 2.353363 * 2),
        ({"plus_minus": {"value": 0.002, "is": "ci"}, "kind": "single-run", "n": None}, None),
        ({"plus_minus": {"value": 0.002, "is": "se"}, "n": "unknown"}, None),
    ],
)
def test_the_sd_behind_a_plus_minus(changes: Tree, sd: float | None) -> None:
    claim = Claim.model_validate({**ACCURACY, "kind": "mean", "n": 4, **changes})
    found = reported_sd(claim)
    assert found == (None if sd is None else pytest.approx(sd, rel=1e-6))


def test_the_sd_of_a_rule_is_in_the_unit_of_the_metric() -> None:
    claims = [Claim.model_validate(ACCURACY)]
    spread = SpreadBetweenSeeds.model_validate({"value": "0.13 points", "is": "paper", "n": 4})
    assert to_given_sd(spread, claims) == GivenSd(0.0013, "paper", 4)
    assert to_given_sd(None, claims) is None
    assert to_given_sd(spread, []) is None  # no seed decides
