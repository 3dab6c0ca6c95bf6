"""Rules over several keys: each with the key that it is told of and its whole message."""

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
NO_VALIDATION = "needs a validation part; set data.splits.validation"
OWN = "is for a source of one's own (image-folder, text-folder, table, text-table)"
# (keys of the recipe, keys of its data, where, message)
BROKEN: list[tuple[Tree, Tree, str, str]] = [
    ({"steps": 5}, {}, "steps", "give epochs or steps, not both (got 1 and 5)"),
    (
        {"epochs": None},
        {},
        "epochs",
        "give the length of the training as epochs or steps; got neither",
    ),
    (
        {},
        {"splits": {"test": 0.1, "stratify": True, "draw": "last"}},
        "data.splits.stratify",
        "a stratified draw is random; got draw: last",
    ),
    (
        {},
        {"source": "image-folder"},
        "data.path",
        "source: image-folder needs it; it is missing",
    ),
    ({}, {"source": "text-folder"}, "data.path", "source: text-folder needs it; it is missing"),
    ({}, {**TABLE, "path": None}, "data.path", "source: table needs it; it is missing"),
    ({}, {**TABLE, "path": ""}, "data.path", "source: table needs it; it is missing"),
    ({}, {**TABLE, "table": {}}, "data.table.target", "source: table needs it; it is missing"),
    (
        {},
        {**TABLE, "source": "text-table"},
        "data.table.text",
        "source: text-table needs it; it is missing",
    ),
    (
        {},
        {"path": "a.csv"},
        "data.path",
        f"{OWN}; diabetes is found in the data folder (--data)",
    ),
    (
        {},
        {"source": "./a.py:load", "path": "a.csv"},
        "data.path",
        f"{OWN}; a function of one's own opens its files itself",
    ),
    (
        {},
        {"table": {"target": "bmi"}},
        "data.table.target",
        "is for source: table or text-table, got diabetes",
    ),
    (
        {},
        {**TABLE, "table": {"target": "y", "text": "a"}},
        "data.table.text",
        "is for source: text-table, got table",
    ),
    (
        {},
        {"table": {"categorical": ["sex"]}},
        "data.table.categorical",
        "is for source: table, got diabetes",
    ),
    (
        {},
        {"table": {"missing": "mean"}},
        "data.table.missing",
        "is for source: table, got diabetes",
    ),
    (
        {},
        {"table": {"delimiter": ";"}},
        "data.table.delimiter",
        "is for source: table or text-table, got diabetes",
    ),
    ({}, {"image": {}}, "data.image", "is for source: image-folder, got source: diabetes"),
    ({}, {"text": {}}, "data.text", "is for texts, got task: regression"),
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
        "a scheduler takes a metric that is one number, got 'f1_per_class'",
    ),
    (
        {"early_stopping": {"monitor": "confusion_matrix"}},
        {"splits": {"validation": 0.1}},
        "early_stopping.monitor",
        "early_stopping takes a metric that is one number, got 'confusion_matrix'",
    ),
    (
        {"report_metric": "recall_per_class"},
        {},
        "report_metric",
        "report_metric takes a metric that is one number, got 'recall_per_class'",
    ),
    (
        {"report": "best-on-test"},
        {},
        "report",
        "best-on-test chooses by the test curve; say so with evaluate.test: every-epoch, or choose "
        "by a validation part with best-on-validation",
    ),
    (
        {"report": "best-on-test", "evaluate": {"test": "at-end"}},
        {"splits": {"validation": 0.1}},
        "report",
        "best-on-test chooses by the test curve; say so with evaluate.test: every-epoch, or choose "
        "by a validation part with best-on-validation",
    ),
]


def changed(tree: Tree, changes: Tree, data: Tree) -> Tree:
    return {**tree, **changes, "data": {**tree["data"], **data}}


@pytest.mark.parametrize(("changes", "data", "where", "message"), BROKEN)
def test_a_rule_is_told_by_its_key_whole(
    tree: Tree, changes: Tree, data: Tree, where: str, message: str
) -> None:
    broken = changed(tree, changes, data)
    assert broken_rules(broken) == [(where, message)]
    with pytest.raises(ValidationError) as caught:  # also where Python makes a Recipe
        Recipe.model_validate(broken)
    assert f"{where}: {message}" in str(caught.value)


@pytest.mark.parametrize(("changes", "data", "where", "message"), BROKEN)
def test_a_broken_rule_is_one_problem_of_the_recipe(
    tree: Tree, changes: Tree, data: Tree, where: str, message: str
) -> None:
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe(changed(tree, changes, data), check=False)
    assert [(p.where, p.message) for p in caught.value.problems] == [(where, message)]


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
]


@pytest.mark.parametrize(("changes", "data"), HELD)
def test_the_rules_let_pass_what_keeps_them(tree: Tree, changes: Tree, data: Tree) -> None:
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
def test_data_of_ones_own_may_bring_their_validation_part(tree: Tree, data: Tree) -> None:
    listens: Tree = {"early_stopping": {}, "report": "best-on-validation"}
    listens["scheduler"] = {"use": "a.B", "monitor": "loss"}
    assert broken_rules(changed(tree, listens, data)) == []


def test_each_listener_is_told_of(tree: Tree) -> None:
    listens: Tree = {"early_stopping": {}, "report": "best-on-validation"}
    listens["scheduler"] = {"use": "a.B", "monitor": "loss"}
    assert broken_rules({**tree, **listens}) == [
        ("scheduler.monitor", NO_VALIDATION),
        ("early_stopping.monitor", NO_VALIDATION),
        ("report", NO_VALIDATION),
    ]


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
def test_the_rules_bear_a_tree_of_any_shape(broken: Tree) -> None:
    assert broken_rules({"epochs": 1, **broken}) == []
