"""Rules over several keys: each broken rule has its key and the fix."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from papertrial.errors import InvalidRecipeError
from papertrial.recipe.load import load_recipe
from papertrial.recipe.rules import broken_rules
from papertrial.recipe.schema import Recipe

Tree = dict[str, Any]

TABLE = {"source": "table", "path": "a.csv", "table": {"target": "y"}}
NO_VALIDATION = "set data.splits.validation"
OWN = "(image-folder, image-table, text-folder, table, text-table, dataset-folder, or a function); "
SETS = "dataset-folder or hf:NAME@COMMIT, got "
# (keys of the recipe, keys of its data, where, part of the message with the value or the fix)
BROKEN: list[tuple[Tree, Tree, str, str]] = [
    ({"steps": 5}, {}, "steps", "(got 1 and 5)"),
    ({"clip_norm": 1e-320}, {}, "clip_norm", "1.17549e-38, "),
    (
        {"epochs": None},
        {},
        "epochs",
        "epochs or steps, got neither",
    ),
    (
        {},
        {"splits": {"test": 0.1, "stratify": True, "draw": "last"}},
        "data.splits.stratify",
        "needs draw: random, got draw: last",
    ),
    (
        {},
        {"source": "image-folder"},
        "data.path",
        "source: image-folder requires it",
    ),
    ({}, {"source": "text-folder"}, "data.path", "source: text-folder requires it"),
    ({}, {**TABLE, "path": None}, "data.path", "source: table requires it"),
    ({}, {**TABLE, "path": ""}, "data.path", "source: table requires it"),
    ({}, {**TABLE, "table": {}}, "data.table.target", "source: table requires it"),
    (
        {},
        {**TABLE, "source": "text-table"},
        "data.table.text",
        "source: text-table requires it",
    ),
    (
        {},
        {"path": "a.csv"},
        "data.path",
        f"{OWN}diabetes is read from the data folder (--data)",
    ),
    (
        {},
        {"table": {"target": "bmi"}},
        "data.table.target",
        f"only for source: table or text-table or image-table or {SETS}diabetes",
    ),
    (
        {},
        {**TABLE, "table": {"target": "y", "text": "a"}},
        "data.table.text",
        f"only for source: text-table or {SETS}table",
    ),
    (
        {},
        {"table": {"categorical": ["sex"]}},
        "data.table.categorical",
        f"only for source: table or {SETS}diabetes",
    ),
    (
        {},
        {"table": {"missing": "mean"}},
        "data.table.missing",
        f"only for source: table or {SETS}diabetes",
    ),
    (
        {},
        {"table": {"delimiter": ";"}},
        "data.table.delimiter",
        "only for source: table or text-table or image-table, got diabetes",
    ),
    (
        {},
        {"image": {}},
        "data.image",
        "only for source: image-folder or image-table, got source: diabetes",
    ),
    (
        {},
        {"table": {"encoding": "cp1252"}},
        "data.table.encoding",
        "only for source: table or text-table or image-table, got diabetes",
    ),
    (
        {},
        {**TABLE, "table": {"target": "y", "exclude": ["a"], "features": ["b"]}},
        "data.table.exclude",
        "does not go with data.table.features",
    ),
    (
        {},
        {**TABLE, "table": {"target": "y", "names": ["a", "y"]}},
        "data.table.names",
        "set data.table.header: false",
    ),
    (
        {},
        {**TABLE, "table": {"target": "y", "decimal": ",", "thousands": ","}},
        "data.table.thousands",
        "must differ from data.table.decimal",
    ),
    (
        {},
        {**TABLE, "table": {"target": "y", "codes": ["a"], "dates": {"a": ["year"]}}},
        "data.table.dates",
        "lists 'a', which data.table.codes lists too",
    ),
    ({}, {"text": {}}, "data.text", "only for texts, got task: regression"),
    ({"scheduler": {"use": "a.B", "monitor": "mse"}}, {}, "scheduler.monitor", NO_VALIDATION),
    ({"early_stopping": {"patience": 2}}, {}, "early_stopping.monitor", NO_VALIDATION),
    ({"early_stopping": {}}, {}, "early_stopping.monitor", NO_VALIDATION),
    (
        {"early_stopping": {"monitor": "mse"}},
        {"splits": {"test": 0.1}},
        "early_stopping.monitor",
        NO_VALIDATION,
    ),
    ({"report": "best-on-validation"}, {}, "report", NO_VALIDATION),
    (
        {"scheduler": {"use": "a.B", "monitor": "f1_per_class"}},
        {"splits": {"validation": 0.1}},
        "scheduler.monitor",
        "single number, got 'f1_per_class'",
    ),
    (
        {"early_stopping": {"monitor": "confusion_matrix"}},
        {"splits": {"validation": 0.1}},
        "early_stopping.monitor",
        "single number, got 'confusion_matrix'",
    ),
    (
        {"report_metric": "recall_per_class"},
        {},
        "report_metric",
        "single number, got 'recall_per_class'",
    ),
    (
        {"report": "best-on-test"},
        {},
        "report",
        "set evaluate.test: every-epoch, or",
    ),
    (
        {"report": "best-on-test", "evaluate": {"test": "at-end"}},
        {"splits": {"validation": 0.1}},
        "report",
        "set evaluate.test: every-epoch, or",
    ),
    ({}, {"source": "etth1"}, "task", "must be prediction for source: etth1, got regression"),
    ({}, {"window": {}}, "data.window", "only for source: tiny-shakespeare or etth1, got diabetes"),
    (
        {"task": "prediction", "metrics": ["loss"]},
        {"source": "tiny-shakespeare", "window": {"horizon": 2}},
        "data.window.horizon",
        "only for source: etth1",
    ),
    ({"evaluate": {"train": False}}, {}, "evaluate.train", "got task: regression; remove it"),
]


def changed(tree: Tree, changes: Tree, data: Tree) -> Tree:
    return {**tree, **changes, "data": {**tree["data"], **data}}


@pytest.mark.parametrize(("changes", "data", "where", "words"), BROKEN)
def test_a_broken_rule_has_its_key_and_the_fix(
    tree: Tree, changes: Tree, data: Tree, where: str, words: str
) -> None:
    broken = changed(tree, changes, data)
    ((key, message),) = broken_rules(broken)
    assert key == where
    assert words in message
    with pytest.raises(ValidationError) as caught:  # also if a Recipe is built in Python
        Recipe.model_validate(broken)
    assert f"{where}: {message}" in str(caught.value)


@pytest.mark.parametrize(("changes", "data", "where", "words"), BROKEN)
def test_a_broken_rule_is_one_problem_of_the_recipe(
    tree: Tree, changes: Tree, data: Tree, where: str, words: str
) -> None:
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe(changed(tree, changes, data), check=False)
    (problem,) = caught.value.problems
    assert problem.where == where
    assert words in problem.message


HELD: list[tuple[Tree, Tree]] = [
    ({}, {}),
    ({"epochs": None, "steps": 3}, {}),
    ({}, {"splits": {"validation": 5, "stratify": True}}),
    ({}, {"splits": {"validation": 5, "draw": "last"}}),
    ({}, TABLE),
    ({}, {**TABLE, "table": {"target": "y", "categorical": ["a"], "missing": "drop"}}),
    ({}, {**TABLE, "source": "text-table", "table": {"target": "y", "text": "a"}}),
    ({}, {"source": "image-folder", "path": "a", "image": {"size": [8, 8]}}),
    ({}, {"source": "./a.py:load"}),
    ({}, {"table": {"features": ["bmi"], "categorical": [], "missing": "error"}}),
    ({}, {"source": "./a.py:load", "table": {"features": ["bmi"]}}),
    ({"task": "text-classification"}, {"source": "imdb", "text": {"vocabulary": 10}}),
    ({"scheduler": {"use": "a.B", "monitor": "mse"}}, {"splits": {"validation": 0.1}}),
    ({"early_stopping": {}}, {"splits": {"validation": 0.1}}),
    ({"early_stopping": {"monitor": "top3_accuracy"}}, {"splits": {"validation": 0.1}}),
    ({"report": "best-on-validation"}, {"splits": {"validation": 0.1}}),
    ({"report": "best-on-test", "evaluate": {"test": "every-epoch"}}, {}),
    ({"evaluate": {"test": "every-epoch"}}, {}),
    (
        {"task": "prediction", "metrics": ["loss"], "early_stopping": {}},
        {"source": "etth1", "window": {"length": 24, "horizon": 6}},
    ),
]


@pytest.mark.parametrize(("changes", "data"), HELD)
def test_valid_values_break_no_rule(tree: Tree, changes: Tree, data: Tree) -> None:
    kept = changed(tree, changes, data)
    assert broken_rules(kept) == []
    Recipe.model_validate(kept)


@pytest.mark.parametrize(
    "data",
    [
        {"source": "image-folder", "path": "photos"},
        {"source": "text-folder", "path": "reviews"},
        TABLE,
        {"source": "./mine.py:load"},
    ],
)
def test_your_own_data_can_come_with_a_validation_part(tree: Tree, data: Tree) -> None:
    monitored: Tree = {"early_stopping": {}, "report": "best-on-validation"}
    monitored["scheduler"] = {"use": "a.B", "monitor": "loss"}
    assert broken_rules(changed(tree, monitored, data)) == []


def test_each_part_that_needs_validation_is_reported(tree: Tree) -> None:
    monitored: Tree = {"early_stopping": {}, "report": "best-on-validation"}
    monitored["scheduler"] = {"use": "a.B", "monitor": "loss"}
    found = broken_rules({**tree, **monitored})
    assert [where for where, _ in found] == [
        "scheduler.monitor", "early_stopping.monitor", "report",
    ]  # fmt: skip
    assert all(NO_VALIDATION in message for _, message in found)


@pytest.mark.parametrize(
    "broken",
    [
        {"data": 3},
        {"data": {"splits": []}},
        {"scheduler": "a.B"},
        {"data": {"source": 3}},
        {"data": {"source": ["table"]}, "task": "regression"},
        {"data": {"source": "table", "path": "a", "table": 3}},
        {"data": {"source": "digits", "table": [], "text": None}, "task": "image-classification"},
        {"early_stopping": None, "report": 3, "evaluate": "every-epoch"},
        {"report_metric": 3, "scheduler": {"monitor": None}},
    ],
)
def test_the_rules_accept_a_tree_of_any_shape(broken: Tree) -> None:
    assert broken_rules({"epochs": 1, **broken}) == []
