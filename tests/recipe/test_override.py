"""Overrides: split at the first "=", converted by the schema, set at a key path."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from papertrial.recipe.override import apply_override
from papertrial.recipe.plain_values import KeyPath
from papertrial.recipe.slots import expand


def at(tree: Any, path: KeyPath) -> Any:
    for part in path:
        tree = tree[part]
    return tree


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("seed=3", ("seed",), 3),
        (" seed =3", ("seed",), 3),
        ("seed= 3 ", ("seed",), 3),
        ("epochs=null", ("epochs",), None),
        ("seed=", ("seed",), None),
        ("optimizer.lr=1e-3", ("optimizer", "lr"), 0.001),
        ("optimizer.nesterov=true", ("optimizer", "nesterov"), True),
        ("optimizer.nesterov=yes", ("optimizer", "nesterov"), "yes"),
        ("optimizer.note=a=b=c", ("optimizer", "note"), "a=b=c"),
        ("optimizer.betas=[0.9, 0.99]", ("optimizer", "betas"), [0.9, 0.99]),
        ("optimizer.lr={use: torch.tensor}", ("optimizer", "lr"), {"use": "torch.tensor"}),
        ("optimizer.note='1'", ("optimizer", "note"), "1"),
        ("optimizer.note=[1, 2", ("optimizer", "note"), "[1, 2"),
        ("data.splits.validation=0.1", ("data", "splits", "validation"), 0.1),
        ("data.shuffle=false", ("data", "shuffle"), False),
        ("evaluate.every=2", ("evaluate", "every"), 2),
        ("metrics=[loss, r2]", ("metrics",), ["loss", "r2"]),
        ("data.batch_size=full", ("data", "batch_size"), "full"),
        ("data.batch_size=4", ("data", "batch_size"), 4),
        ("data.limit=100", ("data", "limit"), 100),
        ("data.image.size=[28, 28]", ("data", "image", "size"), [28, 28]),
        ("data.table.features=[bmi, 3]", ("data", "table", "features"), ["bmi", 3]),
        ("data.table.features=null", ("data", "table", "features"), None),
        ("data.table.categorical=[sex]", ("data", "table", "categorical"), ["sex"]),
        ("data.text.lower=false", ("data", "text", "lower"), False),
        ("data.text.max_length=9", ("data", "text", "max_length"), 9),
        ("early_stopping={}", ("early_stopping",), {}),
        ("early_stopping.min_delta=1e-3", ("early_stopping", "min_delta"), 0.001),
        ("scheduler.use=torch.optim.lr_scheduler.StepLR", ("scheduler", "use"), None),
        ("scheduler=torch.optim.lr_scheduler.StepLR", ("scheduler",), None),
    ],
)
def test_the_value_is_yaml_after_the_first_equals_sign(
    tree: dict[str, Any], text: str, path: KeyPath, value: Any
) -> None:
    assert apply_override(tree, text) == (path, None)
    expected = text.partition("=")[2] if path[0] == "scheduler" else value
    got = at(tree, path)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("name=1e-3", ("name",), "1e-3"),
        ("paper.title=yes: [", ("paper", "title"), "yes: ["),
        ("paper.title=a=b", ("paper", "title"), "a=b"),
        ("paper.title= a ", ("paper", "title"), " a "),
        ("paper.title=", ("paper", "title"), ""),
        ("paper.title='a'", ("paper", "title"), "'a'"),
        ("paper.title=null", ("paper", "title"), None),
        ("paper.title=12", ("paper", "title"), "12"),
        ("model.use=1", ("model", "use"), "1"),
        ("task=1", ("task",), "1"),
        ("precision=true", ("precision",), "true"),
        ("scheduler.interval=1", ("scheduler", "interval"), "1"),
        ("scheduler.monitor=1", ("scheduler", "monitor"), "1"),
        ("claims.0.printed=64.60", ("claims", 0, "printed"), "64.60"),
        ("claims.0.where=null", ("claims", 0, "where"), None),
        ("claims.0.kind=1", ("claims", 0, "kind"), "1"),
        ("data.transform.0.use=1", ("data", "transform", 0, "use"), "1"),
        ("data.path=12", ("data", "path"), "12"),
        ("data.source=./a.py:load", ("data", "source"), "./a.py:load"),
        ("data.image.mode=L", ("data", "image", "mode"), "L"),
        ("data.image.mode=null", ("data", "image", "mode"), None),
        ("data.table.target=3", ("data", "table", "target"), "3"),
        ("data.table.delimiter=:", ("data", "table", "delimiter"), ":"),
        ("data.table.missing=drop", ("data", "table", "missing"), "drop"),
        ("data.text.vectors=1", ("data", "text", "vectors"), "1"),
        ("data.text.vocabulary_file=1", ("data", "text", "vocabulary_file"), "1"),
        ("early_stopping.monitor=1", ("early_stopping", "monitor"), "1"),
        ("evaluate.test=1", ("evaluate", "test"), "1"),
        ("report=1", ("report",), "1"),
        ("report_metric=1", ("report_metric",), "1"),
        ("init_from=1", ("init_from",), "1"),
    ],
)
def test_the_value_is_text_where_the_schema_says_text(
    tree: dict[str, Any], text: str, path: KeyPath, value: str | None
) -> None:
    tree["claims"] = [{"metric": "r2", "value": 0.5}]
    tree["data"]["transform"] = [{"use": "papertrial.transforms.Standardize"}]
    assert apply_override(tree, text) == (path, None)
    assert at(tree, path) == value


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("model.hidden.1=7", {"use": "m.M", "hidden": [1, 7], "layers": [{"n": 1}]}),
        ("model.layers.0.n=7", {"use": "m.M", "hidden": [1, 2], "layers": [{"n": 7}]}),
        ("model.layers.0={n: 7}", {"use": "m.M", "hidden": [1, 2], "layers": [{"n": 7}]}),
        ("model.hidden=[7]", {"use": "m.M", "hidden": [7], "layers": [{"n": 1}]}),
    ],
)
def test_a_number_in_the_path_is_an_index(text: str, model: dict[str, Any]) -> None:
    tree: dict[str, Any] = {"model": {"use": "m.M", "hidden": [1, 2], "layers": [{"n": 1}]}}
    _, problem = apply_override(tree, text)
    assert problem is None
    assert tree["model"] == model


def test_a_slot_in_short_form_takes_arguments(tree: dict[str, Any]) -> None:
    tree["data"]["transform"] = ["papertrial.transforms.Standardize"]
    tree = expand(tree)
    apply_override(tree, "loss.reduction=sum")
    apply_override(tree, "data.transform.0.eps=0.5")
    assert tree["loss"] == {"use": "torch.nn.MSELoss", "reduction": "sum"}
    assert tree["data"]["transform"] == [{"use": "papertrial.transforms.Standardize", "eps": 0.5}]


def test_sections_that_are_not_there_are_made() -> None:
    tree: dict[str, Any] = {"paper": None}
    apply_override(tree, "data.splits.validation=5")
    apply_override(tree, "paper.title=x")
    assert tree == {"paper": {"title": "x"}, "data": {"splits": {"validation": 5}}}


@pytest.mark.parametrize("text", ["", "lr", "optimizer.lr", "=3", ".=3", "optimizer..lr=3", "a.=3"])
def test_what_is_not_dotted_key_equals_value_is_a_problem(tree: dict[str, Any], text: str) -> None:
    before = copy.deepcopy(tree)
    _, problem = apply_override(tree, text)
    assert problem is not None
    assert (problem.where, problem.origin) == ("", f'override "{text}"')
    assert "dotted.key=value, such as optimizer.lr=0.01" in problem.message
    assert tree == before


@pytest.mark.parametrize("text", ["²=3", "optimizer.²=3", "metrics.①=loss"])
def test_only_decimal_digits_are_an_index(tree: dict[str, Any], text: str) -> None:
    tree["metrics"] = ["loss"]
    path, _ = apply_override(tree, text)
    assert all(isinstance(part, str) for part in path)


@pytest.mark.parametrize(
    ("text", "where", "got"),
    [
        ("model.hidden.2=7", "model.hidden.2", "got 2"),
        ("model.hidden.-1=7", "model.hidden.-1", "got '-1'"),
        ("model.hidden.first=7", "model.hidden.first", "got 'first'"),
    ],
)
def test_an_index_outside_a_list_is_a_problem(text: str, where: str, got: str) -> None:
    tree = {"model": {"use": "m.M", "hidden": [1, 2]}}
    _, problem = apply_override(tree, text)
    assert problem is not None
    assert problem.where == where
    assert problem.origin == f'override "{text}"'
    assert problem.message.endswith(f"from 0 to 1, {got}")
    assert tree == {"model": {"use": "m.M", "hidden": [1, 2]}}


def test_an_index_into_an_empty_list_is_a_problem() -> None:
    _, problem = apply_override({"metrics": []}, "metrics.0=loss")
    assert problem is not None
    assert "-1" not in problem.message


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("optimizer.lr.x=1", "optimizer.lr"),
        ("claims.0.value=1", "claims.0"),
        ("name.x=1", "name"),
        ("paper.title.x=1", "paper.title"),
        ("model.activation.x=1", "model.activation"),
    ],
)
def test_a_plain_value_takes_no_key(tree: dict[str, Any], text: str, where: str) -> None:
    tree |= {"claims": [], "paper": {"title": "x"}}
    tree["model"]["activation"] = "relu"
    before = copy.deepcopy(tree)
    _, problem = apply_override(tree, text)
    assert problem is not None
    assert problem.where == where
    assert repr(text) in problem.message
    assert tree == before
