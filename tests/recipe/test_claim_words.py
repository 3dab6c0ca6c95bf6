"""Descriptions of claims in words."""

from __future__ import annotations

from typing import Any

import pytest

from papertrial.recipe.claim_words import describe, versus_of
from papertrial.recipe.claims import Claim

Tree = dict[str, Any]
ACCURACY = {"metric": "accuracy", "value": 0.9, "tolerance": 0.01, "kind": "expected"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "test accuracy 0.9, the expected score; tolerance 0.01"),
        ({"kind": "mean", "n": 3}, "test accuracy 0.9, the mean of 3 runs; tolerance 0.01"),
        (
            {"kind": "single-run", "printed": "90 %", "tolerance": "1 point"},
            "test accuracy 0.9 (printed: 90 %), a single run; tolerance 0.01",
        ),
        ({"printed": "0.9"}, "test accuracy 0.9, the expected score; tolerance 0.01"),
        ({"kind": "best-of", "n": 5}, "test accuracy 0.9, the best of 5 runs; tolerance 0.01"),
        (
            {"kind": "mean", "n": "unknown"},
            "test accuracy 0.9, the mean of an unknown number of runs; tolerance 0.01",
        ),
        ({"kind": "at-least", "tolerance": None}, "test accuracy at least 0.9; tolerance 0"),
        (
            {"kind": "better", "value": None, "tolerance": None, "versus": {"recipe": "small"}},
            "test accuracy better on our side, ours minus small",
        ),
        (
            {
                "kind": "better",
                "value": None,
                "tolerance": None,
                "versus": {"recipe": "small"},
                "pairing": "none",
                "best_epoch_on_test": True,
            },
            "test accuracy better on our side, ours minus small, not paired, "
            "the best epoch on the test split",
        ),
        (
            {"best_epoch_on_test": True},
            "test accuracy 0.9, the expected score, the best epoch on the test split; "
            "tolerance 0.01",
        ),
        (
            {"kind": "difference", "value": 0.02, "versus": {"set": {"epochs": 2}}, "n": 3},
            "difference in test accuracy, ours minus this recipe with epochs=2, 0.02, "
            "means of 3 runs; tolerance 0.01",
        ),
        (
            {"metric": "parameters", "value": 9034, "tolerance": None, "kind": "exact"},
            "parameters 9,034",
        ),
    ],
)
def test_a_claim_in_words(changes: Tree, words: str) -> None:
    assert describe(Claim.model_validate({**ACCURACY, **changes})) == words


@pytest.mark.parametrize(
    ("versus", "words"),
    [
        (None, ""),
        ({"recipe": "other"}, "ours minus other"),
        ({"recipe": "other", "set": {"seed": 3}}, "ours minus other with seed=3"),
        ({"set": {"epochs": 2, "seed": 3}}, "ours minus this recipe with epochs=2, seed=3"),
    ],
)
def test_the_sides_of_a_difference_in_words(versus: Tree | None, words: str) -> None:
    assert versus_of(Claim.model_validate({**ACCURACY, "versus": versus})) == words
