"""Splits whose keys do not go together, and claims that folds do not give, are refused."""

from __future__ import annotations

from typing import Any

import pytest

from papertrial.errors import InvalidRecipeError
from papertrial.recipe.claim_warnings import claim_warnings
from papertrial.recipe.digest import training_hash
from papertrial.recipe.load import load_recipe, to_tree
from papertrial.recipe.schema import Recipe
from papertrial.runs.fold_recipes import fold_recipes, split_seed

TABLE: dict[str, Any] = {
    "name": "cv",
    "task": "table-classification",
    "data": {
        "source": "table", "path": "t.csv", "table": {"target": "kind"}, "batch_size": 8,
        "splits": {"folds": 5},
    },
    "model": {"use": "torch.nn.LazyLinear", "out_features": 2},
    "loss": "torch.nn.CrossEntropyLoss",
    "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
    "epochs": 1,
}  # fmt: skip
CLAIM: dict[str, Any] = {"metric": "accuracy", "value": 0.7, "tolerance": 0.05, "n": 1}


def recipe(splits: dict[str, Any], *claims: dict[str, Any], **data: Any) -> Recipe:
    tree = {**TABLE, "data": {**TABLE["data"], "splits": splits, **data}, "claims": list(claims)}
    loaded = load_recipe(tree, check=False)
    assert isinstance(loaded, Recipe)
    return loaded


def problems(splits: dict[str, Any], *claims: dict[str, Any], **data: Any) -> dict[str, str]:
    with pytest.raises(InvalidRecipeError) as caught:
        recipe(splits, *claims, **data)
    return {one.where: one.message for one in caught.value.problems}


@pytest.mark.parametrize(
    ("splits", "where", "fix"),
    [
        ({"folds": 5, "test": 0.2}, "data.splits.test", "remove one"),
        ({"folds": 1}, "data.splits.folds", "2"),
        ({"repeats": 2}, "data.splits.repeats", "needs data.splits.folds"),
        ({"fold": 0}, "data.splits.fold", "needs data.splits.folds"),
        ({"folds": 5, "repeats": 2, "fold": 10}, "data.splits.fold", "from 0 to 9, got 10"),
        ({"folds": 5, "repeats": 2, "draw": "last"}, "data.splits.repeats", "needs draw: random"),
        ({"folds": 5, "stratify": True, "draw": "last"}, "data.splits.stratify", "draw: random"),
        ({"test": 0.2, "draw": "in-order"}, "data.splits.draw", "only for folds"),
        ({"test": 0.2, "group": "id", "stratify": True}, "data.splits.stratify", "remove one"),
        ({"folds": 5, "group": "id", "draw": "last"}, "data.splits.group", "needs draw: random"),
        ({"group": "id"}, "data.splits.group", "add one, or remove it"),
        ({"folds": 5, "group": "kind"}, "data.splits.group", "is the target"),
        ({"seed": "each"}, "data.splits.seed", "add one, or remove it"),
        ({"folds": 5, "seed": "all"}, "data.splits.seed", "or each"),
        ({"folds": 5, "seed": -1}, "data.splits.seed", "or each"),
    ],
)
def test_keys_that_do_not_go_together(splits: dict[str, Any], where: str, fix: str) -> None:
    found = problems(splits)
    assert list(found) == [where]
    assert fix in found[where]


def test_a_group_suits_the_source() -> None:
    folder = {"source": "image-folder", "path": "photos", "table": None}
    splits = {"folds": 5, "group": "p(\\d+"}
    assert "regular expression" in problems(splits, **folder)["data.splits.group"]
    named = {"source": "digits", "path": None, "table": None}
    assert "only for your own data" in problems(splits, **named)["data.splits.group"]
    own = {"source": "./d.py:load", "path": None, "table": None}
    assert "must be groups" in problems(splits, **own)["data.splits.group"]


@pytest.mark.parametrize(
    ("splits", "changes", "key"),
    [
        ({"test": 0.2}, {"folds": 10}, "folds"),
        ({"folds": 5}, {"folds": 10}, "folds"),
        ({"folds": 5}, {"best_epoch_on_test": True}, "best_epoch_on_test"),
        ({"folds": 5}, {"about": "new-samples", "kind": "expected", "n": None}, "about"),
        (
            {"test": 0.2, "seed": "each"},
            {"about": "new-samples", "kind": "expected", "n": None},
            "about",
        ),
        (
            {"folds": 5},
            {"kind": "reaches", "by": {"epoch": 1}, "tolerance": None, "n": None},
            "kind",
        ),
        ({"folds": 5}, {"metric": "samples", "kind": "exact", "value": 9, "tolerance": None,
                        "n": None}, "metric"),
    ],
)  # fmt: skip
def test_claims_that_folds_do_not_give_are_refused(
    splits: dict[str, Any], changes: dict[str, Any], key: str
) -> None:
    claim = {k: v for k, v in {**CLAIM, **changes}.items() if v is not None}
    assert f"claims.0.{key}" in problems(splits, claim)


def test_the_spread_and_the_number_of_folds_are_not_those_of_runs() -> None:
    claim = {**CLAIM, "n": 5, "plus_minus": {"value": 0.09, "is": "sd"}, "folds": 5}
    told = claim_warnings(recipe({"folds": 5}, claim))
    assert ["n: 5" in told[0], "plus-minus" in told[1], len(told)] == [True, True, 2]
    assert claim_warnings(recipe({"folds": 5}, {**CLAIM, "folds": 5})) == []


def test_notes_that_speak_of_folds_beside_one_split_are_a_warning() -> None:
    noted = {**CLAIM, "notes": "mean of 10 folds"}
    told = claim_warnings(recipe({"test": 0.2}, noted))
    assert len(told) == 1
    assert "data.splits.folds" in told[0]
    assert claim_warnings(recipe({"folds": 10}, noted)) == []


def test_each_fold_has_a_recipe_and_a_seed_of_its_own() -> None:
    whole = recipe({"folds": 3, "repeats": 2}, CLAIM)
    folds = fold_recipes(whole)
    assert [one.data.splits.fold for one in folds] == list(range(6))
    assert len({one.seed for one in folds} | {whole.seed}) == 7
    assert len({training_hash(one) for one in folds} | {training_hash(whole)}) == 7
    assert all(fold_recipes(one) == [] and one.claims == () for one in folds)
    again = load_recipe(to_tree(folds[4]), check=False)
    assert again == folds[4]


def test_a_split_seed_may_follow_the_training_seed() -> None:
    whole = recipe({"folds": 3, "seed": "each"})
    other = whole.model_copy(update={"seed": 7})
    assert (split_seed(whole), split_seed(other)) == (0, 7)
    assert {one.data.splits.seed for one in fold_recipes(other)} == {7}
    assert split_seed(other.model_copy(update={"seed": 2**32 + 5})) == 5
