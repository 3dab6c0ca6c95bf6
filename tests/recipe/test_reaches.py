"""Targets that a curve reaches: the grid that a recipe evaluates, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from papertrial.claims.reach import Reach
from papertrial.errors import InvalidRecipeError
from papertrial.recipe.claim_words import describe
from papertrial.recipe.judged_claim import to_judged_claim
from papertrial.recipe.load import load_recipe
from papertrial.recipe.reaches import MOST_POINTS, evaluated_points
from papertrial.recipe.schema import Recipe

Tree = dict[str, Any]
CLAIM = {"metric": "loss", "split": "validation", "kind": "reaches", "value": 3.28}
EVERY = {"interval": "step", "every": 40}


def recipe(claim: Tree, **changes: Any) -> Tree:
    tree = {
        "name": "rules",
        "task": "image-classification",
        "data": {
            "source": "digits", "splits": {"test": 0.2, "validation": 0.2}, "batch_size": 64,
        },
        "model": {"use": "torch.nn.Linear", "in_features": 64, "out_features": 10},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.Adam", "lr": 0.01},
        "steps": 100,
        "evaluate": EVERY,
        "claims": [{**CLAIM, "by": {"step": 80}, **claim}],
        **changes,
    }  # fmt: skip
    return {key: value for key, value in tree.items() if value is not None}


def loaded(claim: Tree, **changes: Any) -> Recipe:
    return load_recipe(recipe(claim, **changes))


EPOCHS = {"steps": None, "epochs": 5}
PER_EPOCH = {**EPOCHS, "evaluate": {"every": 2}}
TEST = {"split": "test"}


@pytest.mark.parametrize(
    ("claim", "changes", "reach"),
    [
        ({}, {}, Reach(80, "step", (40, 80, 100))),
        ({"by": {"step": 100}}, {}, Reach(100, "step", (40, 80, 100))),
        ({"reading": "each-seed"}, {}, Reach(80, "step", (40, 80, 100), "each-seed")),
        ({"by": {"epoch": 4}}, PER_EPOCH, Reach(4, "epoch", (2, 4, 5))),
        ({"by": {"epoch": 2}}, {**EPOCHS, "evaluate": {}}, Reach(2, "epoch", (1, 2, 3, 4, 5))),
        (
            {**TEST, "by": {"epoch": 3}},
            {**EPOCHS, "evaluate": {"test": "every-epoch", **EVERY}},
            Reach(3, "epoch", (1, 2, 3, 4, 5)),
        ),
        (
            TEST,
            {"evaluate": {"test": "every-interval", **EVERY}},
            Reach(80, "step", (40, 80, 100)),
        ),
        ({**TEST, "by": {"step": 100}}, {}, Reach(100, "step", (100,))),
    ],
)
def test_the_registered_points_are_those_that_the_recipe_evaluates(
    claim: Tree, changes: Tree, reach: Reach
) -> None:
    found = loaded(claim, **changes)
    judged = to_judged_claim(found.claims[0], found)
    assert judged.reach == reach
    assert (judged.kind, judged.side, judged.band) == ("reaches", "at-most", (-float("inf"), 3.28))
    assert judged.scores_per_seed == len(reach.points)


def test_a_metric_of_which_more_is_better_must_stay_above() -> None:
    found = loaded({"metric": "accuracy", "value": "90 %"})
    assert to_judged_claim(found.claims[0], found).band == (0.9, float("inf"))


REFUSED: list[tuple[Tree, Tree, str, str]] = [
    # A grid that the recipe does not evaluate.
    ({"by": {"step": 70}}, {}, "by", "every 40, up to step 100; use step: 40 or 80, or change"),
    ({"by": {"step": 30}}, {}, "by", "use step: 40"),
    ({"by": {"step": 120}}, {}, "by", "use step: 100"),
    ({"by": {"epoch": 3}}, PER_EPOCH, "by", "use epoch: 2 or 4, or change evaluate.every"),
    (TEST, {}, "by", "at the end only, step 100; set evaluate.test: every-interval"),
    ({"by": {"epoch": 2}}, {}, "by", "is in epochs, but the length of the training is in steps"),
    ({}, EPOCHS, "by", "use by: {epoch: ...}, or give the length in steps"),
    ({}, {"evaluate": {}}, "by", "after every epoch; use by: {epoch: ...}, or set evaluate: "),
    (
        TEST,
        {"evaluate": {"test": "every-epoch"}},
        "by",
        "set evaluate: {interval: step, every: ..., test: every-interval}",
    ),
    (
        {"by": {"epoch": 2}},
        {**EPOCHS, "evaluate": EVERY},
        "by",
        "after every 40 steps; use by: {step: ...}",
    ),
    (
        {"by": {"step": 4}},
        {"steps": MOST_POINTS + 1, "evaluate": {"interval": "step"}},
        "by",
        "1,001 points, of which at most 1,000 are allowed; increase evaluate.every",
    ),
    ({"split": "train"}, {}, "split", "only at the end, got train"),
    ({}, {"early_stopping": {}}, "kind", "remove early_stopping"),
    # Keys that do not fit a target, or are missing.
    ({"by": None}, {}, "by", "by: {step: 5960} or by: {epoch: 3}"),
    ({"by": {}}, {}, "by", "give step or epoch"),
    ({"by": {"step": 80, "epoch": 1}}, {}, "by", "give step or epoch"),
    ({"by": {"step": 0}}, {}, "by.step", "1"),
    ({"reading": "mean"}, {}, "reading", "each-step"),
    ({"value": None}, {}, "value", "is missing"),
    ({"tolerance": 0.1}, {}, "tolerance", "does not apply to a target"),
    ({"relative_tolerance": 0.1}, {}, "relative_tolerance", "does not apply to a target"),
    ({"n": 5}, {}, "n", "does not apply to a target"),
    ({"n": "unknown"}, {}, "n", "does not apply to a target"),
    ({"printed": "3.28"}, {}, "printed", "does not apply to a target"),
    ({"plus_minus": {"value": 0.1}}, {}, "plus_minus", "does not apply to a target"),
    ({"baseline": 3.5}, {}, "baseline", "does not apply to a target"),
    ({**TEST, "best_epoch_on_test": True}, {}, "best_epoch_on_test", "does not apply to a target"),
    (
        {**TEST, "metric": "accuracy", "value": 0.9, "about": "new-samples"},
        {"evaluate": {**EVERY, "test": "every-interval"}},
        "about",
        "use kind: at-least or at-most",
    ),
    ({"side": "at-most"}, {}, "side", "only for kind: difference"),
    ({"versus": {"set": {"steps": 40}}}, {}, "versus", "only for kind: difference"),
    ({"kind": "at-most"}, {}, "by", "only for kind: reaches, got kind: at-most"),
    ({"kind": "at-most", "reading": "each-step"}, {}, "reading", "only for kind: reaches"),
]


@pytest.mark.parametrize(("claim", "changes", "key", "words"), REFUSED)
def test_refused(claim: Tree, changes: Tree, key: str, words: str) -> None:
    with pytest.raises(InvalidRecipeError) as caught:
        loaded(claim, **changes)
    where = f"claims.0.{key}"
    found = [problem.message for problem in caught.value.problems if problem.where == where]
    assert any(words in message for message in found), caught.value.problems


@pytest.mark.parametrize(
    ("claim", "sd", "words"),
    [
        ({"reading": "each-seed"}, {"value": 0.01, "is": "known"}, "reading: each-seed counts"),
        ({}, {"value": 0.01, "is": "paper", "n": 5}, "the SD of a paper is that of one step"),
    ],
)
def test_an_sd_that_a_target_has_no_use_for_is_refused(claim: Tree, sd: Tree, words: str) -> None:
    with pytest.raises(InvalidRecipeError) as caught:
        loaded(claim, verify={"sd": sd})
    (problem,) = caught.value.problems
    assert problem.where == "verify.sd"
    assert words in problem.message
    loaded({}, verify={"sd": {"value": 0.01, "is": "bound"}})


def test_a_change_of_the_grid_is_checked_and_a_change_of_the_training_is_not_judged() -> None:
    tree = recipe({})
    with pytest.raises(InvalidRecipeError, match=r"use step: 60 or 90"):
        load_recipe(tree, ["evaluate.every=30"])
    claim = load_recipe(tree, ["steps=50"]).claims[0]
    assert claim.not_judged is not None


def test_two_targets_with_the_same_value_are_two_claims() -> None:
    one = {**CLAIM, "by": {"step": 80}}
    for other in ({"by": {"step": 40}}, {"reading": "each-seed"}):
        assert len(loaded({}, claims=[one, {**one, **other}]).claims) == 2
    with pytest.raises(InvalidRecipeError, match="keep one"):
        loaded({}, claims=[one, one])


def test_points_of_another_split_follow_its_own_grid() -> None:
    tree = recipe({}, **PER_EPOCH, claims=[])
    tree["evaluate"] = {"every": 2, "test": "every-epoch"}
    assert evaluated_points(tree, "loss", "validation", "epoch") == (2, 4, 5)
    assert evaluated_points(tree, "loss", "test", "epoch") == (1, 2, 3, 4, 5)


def test_a_target_in_words() -> None:
    words = "validation loss reaches 3.28 by step 80"
    assert describe(loaded({}).claims[0]) == words
    each = describe(loaded({"reading": "each-seed"}).claims[0])
    assert each == f"{words} in at least half of the seeds"
