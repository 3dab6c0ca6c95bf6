"""The recipe's models, their rules, and the JSON Schema that says the same."""

from __future__ import annotations

import json
from functools import reduce
from importlib import resources
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from papertrial.data.sources import SOURCES as LOADABLE
from papertrial.recipe.load import shipped
from papertrial.recipe.schema import (
    METRICS,
    OWN_DATA,
    SOURCES,
    TASKS,
    Recipe,
    Slot,
    broken_rules,
    json_schema,
)
from papertrial.recipe.text import parse
from papertrial.tasks import TASKS as MADE

Tree = dict[str, Any]
SCHEMA = "recipes/recipe.schema.json"


def put(tree: Tree, key: str, value: Any) -> Tree:
    """Set `dotted.key`, making the sections on the way."""
    *path, last = key.split(".")
    reduce(lambda node, part: node.setdefault(part, {}), path, tree)[last] = value
    return tree


def accepts(tree: Tree) -> tuple[bool, bool]:
    """Whether the model and the JSON Schema accept a recipe."""
    try:
        Recipe.model_validate(tree)
    except ValidationError:
        typed = False
    else:
        typed = True
    return typed, jsonschema.Draft202012Validator(json_schema()).is_valid(tree)


CLAIM = {"metric": "r2", "value": 0.5}
RIGHT: list[tuple[str, Any]] = [
    ("name", "a.B_1-c"),
    ("name", "0"),
    ("epochs", 3),
    ("seed", 2**63 - 1),
    ("clip_norm", 1),
    ("clip_norm", None),
    ("precision", "bf16"),
    ("paper.notes", "x"),
    ("data.splits.validation", 0.1),
    ("data.splits.validation", 1),
    ("data.splits.test", 0.999),
    ("data.splits.seed", 2**32 - 1),
    ("data.splits", {"draw": "last"}),
    ("data.transform", ["a.B", {"use": "a.C", "args": [1], "x": None}]),
    ("evaluate", {"every": 5, "interval": "step", "batch_size": 1}),
    ("metrics", ["loss", "top1_accuracy", "top10_accuracy"]),
    ("scheduler", "a.B"),
    ("scheduler", {"use": "a.B", "interval": "step", "gamma": 0.1}),
    ("scheduler", None),
    ("claims", [{**CLAIM, "value": 1, "tolerance": 0, "n": 1, "kind": "best-of"}]),
    ("claims", [{**CLAIM, "split": "train", "printed": "1", "unverified": True}]),
]
WRONG: list[tuple[str, Any]] = [
    ("name", ""),
    ("name", "-a"),
    ("name", "a/b"),
    ("name", "a b"),
    ("name", 3),
    ("nam", "x"),
    ("task", "regresion"),
    ("epochs", 0),
    ("epochs", "3"),
    ("epochs", True),
    ("epochs", 2.5),
    ("seed", -1),
    ("seed", 2**63),
    ("clip_norm", 0),
    ("clip_norm", "1"),
    ("accumulate", 0),
    ("precision", "fp16"),
    ("log_every", 0),
    ("paper", None),
    ("paper.titel", "x"),
    ("data.source", "diabets"),
    ("data.batch_size", 0),
    ("data.shuffle", "yes"),
    ("data.shuffle", 1),
    ("data.splits.validation", 0),
    ("data.splits.validation", 1.5),
    ("data.splits.validation", -0.1),
    ("data.splits.validation", True),
    ("data.splits.validation", "0.1"),
    ("data.splits.draw", "first"),
    ("data.splits.seed", 2**32),
    ("data.transform", "a.B"),
    ("data.transform", [{"x": 1}]),
    ("data.transform", [3]),
    ("model", 3),
    ("model", {"use": ""}),
    ("model", {"use": 3}),
    ("model", {"in_features": 3}),
    ("model.args", 3),
    ("model.args", "abc"),
    ("evaluate.every", 0),
    ("evaluate.interval", "epochs"),
    ("metrics", "loss"),
    ("metrics", ["acuracy"]),
    ("metrics", ["top0_accuracy"]),
    ("metrics", ["my_loss"]),
    ("metrics", ["losses"]),
    ("scheduler", {"use": "a.B", "interval": "batch"}),
    ("scheduler", {"use": "a.B", "monitor": "los"}),
    ("claims", [{"metric": "r2"}]),
    ("claims", [{**CLAIM, "value": "0.5"}]),
    ("claims", [{**CLAIM, "tolerance": -1}]),
    ("claims", [{**CLAIM, "n": 0}]),
    ("claims", [{**CLAIM, "split": "dev"}]),
    ("claims", [{**CLAIM, "kind": "about"}]),
    ("claims", [{**CLAIM, "printed": 0.5}]),
    ("claims", {"metric": "r2", "value": 1}),
]


@pytest.mark.parametrize(("key", "value"), RIGHT)
def test_model_and_json_schema_accept(tree: Tree, key: str, value: Any) -> None:
    assert accepts(put(tree, key, value)) == (True, True)


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_model_and_json_schema_refuse(tree: Tree, key: str, value: Any) -> None:
    assert accepts(tree) == (True, True)
    assert accepts(put(tree, key, value)) == (False, False)


@pytest.mark.parametrize("key", ["name", "task", "data", "model", "loss", "optimizer"])
def test_model_and_json_schema_need(tree: Tree, key: str) -> None:
    del tree[key]
    assert accepts(tree) == (False, False)


@pytest.mark.parametrize(("key", "value"), [("name", "a\n"), ("metrics", ["loss\n"])])
def test_a_name_does_not_end_in_a_newline(tree: Tree, key: str, value: Any) -> None:
    with pytest.raises(ValidationError):  # by the model: "$" of Python's jsonschema is laxer
        Recipe.model_validate(put(tree, key, value))


def shipped_schema() -> Any:
    return json.loads((resources.files("papertrial") / SCHEMA).read_text("utf-8"))


@pytest.mark.parametrize("name", sorted(shipped()))
def test_json_schema_accepts_the_shipped_recipe(name: str) -> None:
    jsonschema.validate(parse(shipped()[name]).tree, shipped_schema())


def test_json_schema_is_the_shipped_file_and_a_valid_schema() -> None:
    assert json_schema() == shipped_schema()
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_an_editor_can_complete_metrics_sources_tasks_and_optional_parts() -> None:
    schema = shipped_schema()
    assert schema["$defs"]["Claim"]["properties"]["metric"]["anyOf"][0]["enum"] == list(METRICS)
    source = schema["$defs"]["Data"]["properties"]["source"]["anyOf"]
    assert source[0]["enum"] == [*SOURCES, *OWN_DATA]
    assert schema["properties"]["task"]["enum"] == list(TASKS)
    assert set(schema["required"]) == {"name", "task", "data", "model", "loss", "optimizer"}


def test_the_vocabulary_is_what_the_engine_has() -> None:
    assert set(SOURCES) == set(LOADABLE)
    assert set(TASKS) == set(MADE)


@pytest.mark.parametrize(("value", "kind"), [(1, int), (300, int), (0.25, float)])
def test_a_portion_stays_a_number_of_rows_or_a_fraction(
    tree: Tree, value: float, kind: type
) -> None:
    portion = Recipe.model_validate(put(tree, "data.splits.test", value)).data.splits.test
    assert portion == value
    assert type(portion) is kind


def test_a_recipe_is_frozen_down_to_the_arguments_of_its_slots(tree: Tree) -> None:
    tree["model"]["hidden"] = [64]
    recipe = Recipe.model_validate(tree)
    for section, key in [(recipe, "seed"), (recipe.data, "shuffle"), (recipe.model, "use")]:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(section, key, getattr(section, key))
    recipe.model.kwargs["hidden"].append(32)
    recipe.model.kwargs["x"] = 1
    assert recipe.model.kwargs == {"in_features": 10, "out_features": 1, "hidden": [64]}


def test_a_text_stands_for_use() -> None:
    short, full = Slot.model_validate("a.B"), Slot.model_validate({"use": "a.B", "args": []})
    assert short == full
    assert (short.use, short.args, short.kwargs) == ("a.B", (), {})


def test_the_schedulers_own_keys_are_no_arguments(tree: Tree) -> None:
    put(tree, "scheduler", {"use": "a.B", "interval": "step", "monitor": "mse", "factor": 0.5})
    scheduler = Recipe.model_validate(put(tree, "data.splits.validation", 0.1)).scheduler
    assert scheduler is not None
    assert scheduler.kwargs == {"factor": 0.5}


BROKEN: list[tuple[Tree, str, str]] = [
    ({"steps": 5}, "steps", "give epochs or steps, not both (got 1 and 5)"),
    (
        {"epochs": None},
        "epochs",
        "give the length of the training as epochs or steps; got neither",
    ),
    (
        {"data": {"splits": {"test": 0.1, "stratify": True, "draw": "last"}}},
        "data.splits.stratify",
        "a stratified draw is random; got draw: last",
    ),
    (
        {"scheduler": {"use": "a.B", "monitor": "mse"}},
        "scheduler.monitor",
        "needs a validation part; set data.splits.validation",
    ),
]


@pytest.mark.parametrize(("changes", "where", "message"), BROKEN)
def test_a_rule_over_several_keys(tree: Tree, changes: Tree, where: str, message: str) -> None:
    data = tree["data"] | changes.pop("data", {})
    tree |= {**changes, "data": data}
    assert broken_rules(tree) == [(where, message)]
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate(tree)
    assert f"{where}: {message}" in str(caught.value)


@pytest.mark.parametrize("splits", [{"validation": 0.1}, {"validation": 5, "stratify": True}])
def test_the_rules_hold_where_a_validation_part_is_set(tree: Tree, splits: Tree) -> None:
    tree["scheduler"] = {"use": "a.B", "monitor": "mse"}
    tree["data"]["splits"] = splits
    assert broken_rules(tree) == []


@pytest.mark.parametrize("broken", [{"data": 3}, {"data": {"splits": []}}, {"scheduler": "a.B"}])
def test_the_rules_bear_a_tree_of_any_shape(broken: Tree) -> None:
    assert broken_rules({"epochs": 1, **broken}) == []
