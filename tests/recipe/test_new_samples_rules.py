"""Claims that cannot be about new samples are refused, with the reason and the way out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from papertrial.errors import InvalidRecipeError, Problem
from papertrial.recipe.load import load_recipe

Tree = dict[str, Any]

OTHER = {"set": {"model.hidden": [8]}}
CLAIM = {
    "metric": "accuracy", "value": 0.9, "tolerance": 0.02, "kind": "expected",
    "about": "new-samples",
}  # fmt: skip
WITHOUT = {"value": None, "tolerance": None, "kind": "better", "versus": OTHER}


def load(changes: Tree, recipe: Tree | None = None) -> Tree | list[Problem]:
    claim = {key: value for key, value in {**CLAIM, **changes}.items() if value is not None}
    try:
        loaded = load_recipe("digits-mlp", [f"claims=[{flow(claim)}]", *overrides(recipe or {})])
    except InvalidRecipeError as error:
        return list(error.problems)
    return loaded.claims[0].model_dump()


def flow(claim: Tree) -> str:
    return json.dumps(claim)


def overrides(recipe: Tree) -> list[str]:
    return [f"{key}={value}" for key, value in recipe.items()]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kind": "at-least", "tolerance": None},
        {"kind": "at-most", "tolerance": None},
        {"metric": "top2_accuracy"},
        {"kind": "difference", "side": "at-least", "tolerance": None, "versus": OTHER},
        WITHOUT,
    ],
)
def test_numbers_without_noise_may_be_about_new_samples(changes: Tree) -> None:
    recipe = {"metrics": "[loss, accuracy, top2_accuracy]"}
    claim = load(changes, recipe)
    assert isinstance(claim, dict), claim
    assert claim["about"] == "new-samples"


@pytest.mark.parametrize(
    ("changes", "recipe", "reason", "way_out"),
    [
        ({"metric": "f1"}, {}, "only for accuracy and topN_accuracy", "got metric: f1; remove it"),
        ({"metric": "loss"}, {}, "only for accuracy and topN_accuracy", "got metric: loss"),
        ({"kind": "mean", "n": 5}, {}, "got kind: mean", "use kind: expected, at-least or at-most"),
        ({"kind": "single-run"}, {}, "got kind: single-run", "otherwise omit about"),
        ({"kind": "best-of", "n": 3}, {}, "got kind: best-of", "otherwise omit about"),
        (
            {"kind": "difference", "n": 5, "versus": OTHER}, {}, "got kind: difference",
            "kind: better",
        ),
        (
            {"kind": "difference", "n": 5, "side": "at-least", "versus": OTHER}, {},
            "got kind: difference", "without n",
        ),
        (
            {"best_epoch_on_test": True}, {"evaluate.test": "every-epoch"},
            "the epoch is chosen on these samples", "remove one of the two",
        ),
        ({"split": "train"}, {}, "whose samples the model may have learned", "split: test"),
        (
            {"split": "validation"}, {},
            "may have been chosen or stopped on", "split: test",
        ),
        ({}, {"report": "best-on-test"}, "chooses the epoch on the same samples", "report: last"),
        ({}, {"verify.statistic": "median"}, "only for verify.statistic: mean", "use mean"),
    ],
)  # fmt: skip
def test_other_claims_are_refused(changes: Tree, recipe: Tree, reason: str, way_out: str) -> None:
    problems = load(changes, recipe)
    assert isinstance(problems, list), problems
    found = [one for one in problems if one.where == "claims.0.about"]
    assert len(found) == 1, problems
    assert reason in found[0].message
    assert way_out in found[0].message


def test_a_count_is_refused() -> None:
    problems = load({"metric": "parameters", "kind": "exact", "value": 4810, "tolerance": None})
    assert isinstance(problems, list), problems
    assert [one.where for one in problems] == ["claims.0.about"]
    assert "got metric: parameters; remove it" in problems[0].message


def test_an_unknown_word_is_refused() -> None:
    problems = load({"about": "new data"})
    assert isinstance(problems, list), problems
    assert [one.where for one in problems] == ["claims.0.about"]


def test_the_same_number_may_be_claimed_for_both() -> None:
    both = [CLAIM, {**CLAIM, "about": "test-set"}]
    recipe = load_recipe("digits-mlp", [f"claims=[{', '.join(map(flow, both))}]"])
    assert [claim.about for claim in recipe.claims] == ["new-samples", "test-set"]
