"""The models of a recipe and the JSON Schema accept the same values."""

from __future__ import annotations

import json
from functools import reduce
from importlib import resources
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from papertrial.data.sources.open_source import SOURCES as LOADABLE
from papertrial.recipe.load import shipped_recipes
from papertrial.recipe.schema import Recipe, json_schema, not_training
from papertrial.recipe.slot import Slot
from papertrial.recipe.yaml_text import parse
from papertrial.tasks.make_task import TASKS as MADE
from papertrial.vocabulary import COUNTS, METRICS, OWN_DATA, SOURCES, TASKS

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


OWN = {"source": "image-folder", "path": "photos", "batch_size": 8}
TABLE = {"source": "table", "path": "a.csv", "batch_size": 8, "table": {"target": "y"}}
RIGHT: list[tuple[str, Any]] = [
    ("precision", "fp16"),
    ("average", {"use": "ema", "decay": 0.99, "every": 2, "start": 10}),
    ("average", {"use": "swa", "start": 1, "interval": "epoch"}),
    ("report", {"mean-of-last": 10}),
    ("data", {**OWN, "image": {"size": "varying"}}),
    ("data.drop_last", True),
    ("data.sampler", "balanced"),
    ("data.sampler", {"use": "torch.utils.data.WeightedRandomSampler", "weights": {"a": 1}}),
    ("data.transform", ["a.T", {"use": "a.T", "only": "training"}]),
    ("evaluate.augment.views", ["a.f", {"use": "a.g"}]),
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
    ("optimizer", {"use": "a.B", "groups": [{"match": "*.bias", "lr": 1}]}),
    (
        "optimizer.groups",
        [{"match": ["a", "b"], "layers": "a.C", "ndim": 0, "use": "a.D", "scheduler": "a.E"}],
    ),
    ("scheduler", "a.B"),
    ("scheduler", {"use": "a.B", "interval": "step", "gamma": 0.1}),
    ("scheduler", None),
    ("metrics", ["f1_micro", "precision_weighted", "recall_micro"]),
    ("data.source", "cifar10"),
    ("data.source", "imdb"),
    ("data.source", "./mine/data.py:load"),
    ("data", TABLE),
    ("data", {**TABLE, "path": "b.tsv", "table": {"target": "y", "delimiter": "\t"}}),
    ("data", {**TABLE, "table": {"target": "y", "features": ["a"], "categorical": ["a"]}}),
    ("data", {**TABLE, "table": {"target": "y", "features": None, "missing": "median"}}),
    ("data", {**TABLE, "source": "text-table", "table": {"target": "y", "text": "review"}}),
    ("data", {**OWN, "source": "text-folder"}),
    ("data", OWN),
    ("data", {**OWN, "image": {"size": [28, 32], "mode": "L", "corrupt": "skip"}}),
    ("data", {**OWN, "image": {"size": None, "mode": None}}),
    ("data.table", {"features": ["bmi"]}),
    ("data.limit", 2),
    ("data.limit", None),
    ("data.batch_size", "full"),
    ("early_stopping", None),
    ("steps", None),
    ("report", "last"),
    ("report_metric", "r2"),
    ("report_metric", "top3_accuracy"),
    ("init_from", "runs/digits-mlp/20260101T000000Z-abc"),
    ("init_from", None),
    ("evaluate.test", "at-end"),
    ("evaluate.test", "every-epoch"),
]
# Which need a validation part, or texts, beside them.
RIGHT_BESIDE: list[tuple[str, Any]] = [
    ("early_stopping", {}),
    ("early_stopping", {"monitor": "r2", "patience": 1, "min_delta": 0.01}),
    ("early_stopping.min_delta", 0),
    ("report", "best-on-validation"),
    ("data.text", {}),
    ("data.text.vocabulary", 1),
    ("data.text.vocabulary_file", "words.txt"),
    ("data.text.lower", False),
    ("data.text.min_frequency", 5),
    ("data.text.words", "basic-english"),
    ("data.text.words", {"use": "papertrial.tokenizers.whitespace"}),
    ("data.text.max_length", 200),
    ("data.text.max_length", None),
    ("data.text.vectors", "glove.6B.100d"),
    ("data.text.bucket", 50),
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
    ("precision", "fp64"),
    ("average", "ema"),
    ("average", {"use": "mean"}),
    ("average", {"use": "ema", "decay": 1}),
    ("average", {"use": "ema", "every": 0}),
    ("average", {"use": "ema", "start": -1}),
    ("report", {"mean-of-last": 1}),
    ("report", {"mean_of_last": 10}),
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
    ("optimizer.groups", [{"match": [3], "lr": 1}]),
    ("optimizer.groups", [{"ndim": -1, "lr": 1}]),
    ("optimizer.groups", [{"match": "a", "use": "a.D", "scheduler": {"interval": "step"}}]),
    ("optimizer.groups", {"match": "a"}),
    ("scheduler", {"use": "a.B", "interval": "batch"}),
    ("metrics", ["f1_binary"]),
    ("metrics", [{"f1": {"clas": "fraud"}}]),
    ("metrics", [{"rmse": "lat"}]),
    ("metrics", ["parameters"]),
    ("scheduler", {"use": "a.B", "monitor": "los"}),
    ("early_stopping.monitor", "los"),
    ("report_metric", "acuracy"),
    ("data.source", "image_folder"),
    ("data.source", "mine/data.py"),
    ("data.source", 3),
    ("data", {**TABLE, "path": 3}),
    ("data", {**TABLE, "table": {"target": 3}}),
    ("data", {**TABLE, "table": {"target": "y", "features": "a"}}),
    ("data", {**TABLE, "table": {"target": "y", "features": [1]}}),
    ("data", {**TABLE, "table": {"target": "y", "categorical": "a"}}),
    ("data", {**TABLE, "table": {"target": "y", "missing": "zero"}}),
    ("data", {**TABLE, "table": {"target": "y", "delimiter": 3}}),
    ("data", {**TABLE, "table": {"target": "y", "label": "y"}}),
    ("data", {**TABLE, "source": "text-table", "table": {"target": "y", "text": 3}}),
    ("data", {**OWN, "image": {"size": 28}}),
    ("data", {**OWN, "image": {"size": [28]}}),
    ("data", {**OWN, "image": {"size": [28, 28, 3]}}),
    ("data", {**OWN, "image": {"size": [28, 0]}}),
    ("data", {**OWN, "image": {"size": [28, 0.5]}}),
    ("data", {**OWN, "image": {"size": [True, 28]}}),
    ("data", {**OWN, "image": {"mode": "RGBA"}}),
    ("data", {**OWN, "image": {"corrupt": "ignore"}}),
    ("data", {**OWN, "images": {"mode": "L"}}),
    ("data.limit", 1),
    ("data.limit", "100"),
    ("data.limit", 0.5),
    ("data.batch_size", "ful"),
    ("data.batch_size", True),
    ("data.batch_size", 0.5),
    ("data.batch_size", None),
    ("data.text.vocabulary", 0),
    ("data.text.vocabulary", None),
    ("data.text.vocabulary_file", 3),
    ("data.text.lower", "yes"),
    ("data.text.min_frequency", 0),
    ("data.text.words", 3),
    ("data.text.max_length", 0),
    ("data.text.vectors", 100),
    ("data.text.bucket", 0),
    ("data.text.size", 100),
    ("early_stopping", True),
    ("early_stopping.patience", 0),
    ("early_stopping.min_delta", -0.1),
    ("early_stopping.mode", "min"),
    ("report", "best"),
    ("init_from", 3),
    ("evaluate.test", "never"),
    ("evaluate.augment", True),
    ("evaluate.augment.flop", True),
    ("evaluate.augment.shift", 0),
    ("evaluate.augment.views", "a.f"),
    ("data", {**OWN, "image": {"size": "any"}}),
    ("data.drop_last", "yes"),
    ("data.sampler", 3),
    ("data.sampler", {"weights": "balanced"}),
    ("data.transform", [{"use": "a.T", "only": "testing"}]),
]


@pytest.mark.parametrize(("key", "value"), RIGHT)
def test_model_and_json_schema_accept(tree: Tree, key: str, value: Any) -> None:
    assert accepts(put(tree, key, value)) == (True, True)


@pytest.mark.parametrize(("key", "value"), RIGHT_BESIDE)
def test_model_and_json_schema_accept_beside_a_validation_part_of_texts(
    tree: Tree, key: str, value: Any
) -> None:
    tree |= {"task": "text-classification"}
    put(tree, "data.splits.validation", 0.1)
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


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_json_schema_accepts_the_shipped_recipe(name: str) -> None:
    jsonschema.validate(parse(shipped_recipes()[name]).tree, shipped_schema())


def test_json_schema_is_the_shipped_file_and_a_valid_schema() -> None:
    assert json_schema() == shipped_schema()
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_an_editor_can_complete_metrics_sources_tasks_and_optional_parts() -> None:
    schema = shipped_schema()
    known = schema["else"]["then"]["properties"]
    claim = known["claims"]["items"]["properties"]
    assert claim["metric"]["anyOf"][0]["enum"] == [*METRICS, *COUNTS]
    assert known["report_metric"]["anyOf"][0]["enum"] == list(METRICS)
    training = schema["$defs"]["Recipe"]
    listed = training["properties"]["metrics"]["items"]["oneOf"]
    assert listed[0]["anyOf"][0]["anyOf"][0]["enum"] == list(METRICS)
    source = schema["$defs"]["Data"]["properties"]["source"]["oneOf"]
    assert source[0]["anyOf"][0]["enum"] == [*SOURCES, *OWN_DATA]
    assert training["properties"]["task"]["enum"] == list(TASKS)
    assert set(training["required"]) == {"name", "task", "data", "model", "loss", "optimizer"}


def test_the_vocabulary_is_what_the_engine_has() -> None:
    assert {*SOURCES, *OWN_DATA} == set(LOADABLE)
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


def test_a_slot_can_be_its_import_path() -> None:
    short, full = Slot.model_validate("a.B"), Slot.model_validate({"use": "a.B", "args": []})
    assert short == full
    assert (short.use, short.args, short.kwargs) == ("a.B", (), {})


def test_interval_and_monitor_are_not_arguments_of_a_scheduler(tree: Tree) -> None:
    put(tree, "scheduler", {"use": "a.B", "interval": "step", "monitor": "mse", "factor": 0.5})
    scheduler = Recipe.model_validate(put(tree, "data.splits.validation", 0.1)).scheduler
    assert scheduler is not None
    assert scheduler.kwargs == {"factor": 0.5}


DEFAULTS: list[tuple[str, Any]] = [
    ("data.image.size", None),
    ("data.image.corrupt", "error"),
    ("data.table.features", None),
    ("data.table.categorical", ()),
    ("data.table.missing", "error"),
    ("data.text.vocabulary", 25_000),
    ("data.text.lower", True),
    ("data.text.min_frequency", 1),
    ("data.text.words", None),
    ("data.text.max_length", None),
    ("early_stopping.monitor", "loss"),
    ("early_stopping.patience", 3),
    ("early_stopping.min_delta", 0.0),
    ("evaluate.test", "at-end"),
    ("report", "last"),
    ("data.limit", None),
    ("deviations", ()),
    ("verify.max_seeds", 15),
    ("verify.seeds", None),
    ("verify.alpha", 0.05),
    ("verify.statistic", "mean"),
    ("verify.prior", 1.0),
    ("verify.horizon", "anytime"),
    ("verify.max_diverged", 0.2),
]


@pytest.mark.parametrize(("key", "value"), DEFAULTS)
def test_the_default_of_a_key_is(tree: Tree, key: str, value: Any) -> None:
    put(tree, "data.splits.validation", 0.1)
    section = key.rpartition(".")[0]
    if section == "data.image":
        tree["data"] = dict(OWN)
    if section == "data.text":
        tree["task"] = "text-classification"
    if section not in ("", "data", "evaluate"):
        put(tree, section, {})
    assert reduce(getattr, key.split("."), Recipe.model_validate(tree)) == value


@pytest.mark.parametrize(("given", "kept"), [([28, 32], (28, 32)), ((1, 1), (1, 1)), (None, None)])
def test_a_size_is_kept_as_height_and_width(tree: Tree, given: Any, kept: Any) -> None:
    image = Recipe.model_validate({**tree, "data": {**OWN, "image": {"size": given}}}).data.image
    assert image is not None
    assert image.size == kept


@pytest.mark.parametrize(("given", "kind"), [("full", str), (8, int)])
def test_a_batch_size_stays_a_number_or_full(tree: Tree, given: Any, kind: type) -> None:
    kept = Recipe.model_validate(put(tree, "data.batch_size", given)).data.batch_size
    assert kept == given
    assert type(kept) is kind


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, False),
        ({"report_metric": "mse"}, False),
        ({"early_stopping": {}}, True),
        ({"report": "best-on-validation"}, True),
        ({"scheduler": {"use": "a.B", "monitor": "mse"}}, True),
        ({"scheduler": {"use": "a.B"}}, False),
        ({"report": "best-on-test", "evaluate": {"test": "every-epoch"}}, True),
    ],
)
def test_evaluate_counts_for_training_only_if_it_is_monitored(
    tree: Tree, changes: Tree, counts: bool
) -> None:
    recipe = Recipe.model_validate(put({**tree, **changes}, "data.splits.validation", 0.1))
    never = {"name", "paper", "seed", "claims", "metrics", "log_every", "verify", "deviations"}
    assert not_training(recipe) == (never if counts else never | {"evaluate"})
