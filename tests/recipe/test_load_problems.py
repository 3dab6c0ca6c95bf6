"""All that is wrong with a recipe in one message: key path, line, value got, rule, nearest name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from papertrial.errors import InvalidRecipeError, Problem
from papertrial.recipe.load import load_recipe

Tree = dict[str, Any]

TEXT = """name: linear
task: regression
data:
  source: diabetes
  batch_size: 8
model: {use: torch.nn.Linear, in_features: 10, out_features: 1}
loss: torch.nn.MSELoss
optimizer:
  use: torch.optim.SGD
  lr: 1e-1
epochs: 1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(TEXT)
    return path


def problems(source: Path | Tree, *overrides: str) -> list[Problem]:
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe(source, overrides)
    assert len(str(caught.value).split("\n")) == 1 + len(caught.value.problems)
    return caught.value.problems


def said(source: Path | Tree, *overrides: str) -> list[str]:
    return [str(p) for p in problems(source, *overrides)]


def test_every_problem_is_told_at_once_in_the_order_of_the_file(file: Path) -> None:
    file.write_text(
        """name: -linear
tsk: regression
data:
  source: diabets
  batch_size: 0
  batch_size: 8
  splits: {draw: last, stratify: true}
  transform:
    - 3
    - use: torch.nn.ReLUU
model:
  use: torch.nn.Linear
  in_feature: 10
  args: [1, 2]
loss: {use: torch.nn.MSELoss, reduction: sum, args: [null, null, mean]}
optimizer: {use: torch.optim.SGD, lr: fast}
scheduler:
  use: torch.optim.lr_scheduler.StepLR
  monitor: los
epochs: yes
paper: a title
metrics: [loss, acuracy]
claims:
  - metric: r2
    value: "0.5"
    kind: meen
  - metric: r2
"""
    )
    expected = """line 1, name: must be letters, digits, '.', '_' and '-', a letter or digit first, got '-linear'
line 2, tsk: unknown key, got 'regression'; did you mean "task"?
line 4, data.source: must be one of the known names, got 'diabets'; did you mean "diabetes"?
line 5, data.batch_size: must be a number of samples of at least 1, or full, got 0
line 6, data.batch_size: this key stands twice, first on line 5; keep one
line 7, data.splits.stratify: a stratified draw is random; got draw: last
line 9, data.transform.0: must be a mapping of keys to values, got 3
line 10, data.transform.1.use: torch.nn has no 'ReLUU', got use: 'torch.nn.ReLUU'; did you mean "ReLU"?
line 13, model.in_feature: torch.nn.Linear takes no such argument, got 10; valid: bias, device, dtype
line 15, loss.reduction: is already given by args, got 'sum'
line 16, optimizer.lr: torch.optim.SGD takes a number here, got 'fast'
line 17, scheduler.step_size: torch.optim.lr_scheduler.StepLR needs the argument 'step_size', which is missing
line 19, scheduler.monitor: unknown metric, got 'los'; did you mean "loss"?
line 19, scheduler.monitor: needs a validation part; set data.splits.validation
line 20, epochs: must be a valid integer, got 'yes'
line 21, paper: must be a mapping of keys to values, got 'a title'
line 22, metrics.1: unknown metric, got 'acuracy'; did you mean "accuracy"?
line 25, claims.0.value: must be a number, or text such as "55 %", got '0.5'
line 26, claims.0.kind: must be one of the known names, got 'meen'; did you mean "mean"?
line 27, claims.1.value: is missing, and has no default
line 24, claims.0.metric: the recipe does not compute r2; add it to metrics
line 27, claims.1.metric: the recipe does not compute r2; add it to metrics
line 24, claims.0.tolerance: is missing: how far from the number is still the same result? Give it in the metric's unit (0.01), of a fraction also in text ("1 point")
line 27, claims.1.tolerance: is missing: how far from the number is still the same result? Give it in the metric's unit (0.01), of a fraction also in text ("1 point")
override "evaluate.evry=2", evaluate.evry: unknown key, got 2; did you mean "every"?
override "seed=-1", seed: must be greater than or equal to 0, got -1
override "lr", an override is dotted.key=value, such as optimizer.lr=0.01
task: is missing, and has no default"""  # noqa: E501
    got = said(file, "evaluate.evry=2", "seed=-1", "lr")
    assert sorted(got) == sorted(expected.split("\n"))
    numbered = [p.line for p in problems(file) if p.line is not None]
    assert numbered == sorted(numbered)


def test_the_message_begins_with_the_file_and_the_count(file: Path) -> None:
    file.write_text(TEXT + "sed: 3\n")
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe(file)
    assert str(caught.value) == (
        f"{file}: 1 problem in this recipe\n"
        '  - line 12, sed: unknown key, got 3; did you mean "seed"?'
    )


def test_a_syntax_error_is_told_with_its_line(file: Path) -> None:
    file.write_text(TEXT + "paper: a: b\n")
    assert said(file) == ["line 12, YAML syntax error: mapping values are not allowed here"]


def test_a_date_that_is_none_is_text(file: Path) -> None:
    file.write_text(TEXT + "paper: {notes: 2024-02-31}\n")
    assert load_recipe(file).paper.notes == "2024-02-31"


@pytest.mark.parametrize(
    ("added", "text"),
    [
        ("learning.rate: 1\n", "line 12, learning.rate: unknown key, got 1"),
        ("12: x\n", "line 12, 12: unknown key, got 'x'"),
        ("²: x\n", "line 12, ²: unknown key, got 'x'"),
        ("null: x\n", "line 12, null: unknown key, got 'x'"),
        ('"": x\n', "line 12, "),
    ],
)
def test_an_odd_key_has_its_line_too(file: Path, added: str, text: str) -> None:
    file.write_text(TEXT + added)
    [problem] = said(file)
    assert problem.startswith(text)


def test_a_long_value_is_cut_short(file: Path) -> None:
    file.write_text(TEXT + f"paper: [{', '.join(map(str, range(1000)))}]\n")
    [problem] = said(file)
    got = problem.partition("got ")[2]
    assert got == repr(list(range(1000)))[:57] + "..."


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("optimizer.lr=x", "optimizer.lr: torch.optim.SGD takes a number here, got 'x'"),
        (
            "optimizer={use: torch.optim.SGD, lrr: 1}",
            "optimizer.lrr: torch.optim.SGD takes no such",
        ),
        ("data={source: diabetes}", "data.batch_size: is missing, and has no default"),
        ("epochs=null", "epochs: give the length of the training as epochs or steps; got neither"),
        ("steps=5", "steps: give epochs or steps, not both (got 1 and 5)"),
        ("model.in_features.x=1", "model.in_features: is not a section or an entry of a list"),
        ("name.x=1", "name: is not a section or an entry of a list"),
        ("²=3", "²: unknown key, got 3"),
        ("0=3", "0: "),
        ("optimizer.0=3", "optimizer.0: "),
        ("metrics=loss", "metrics: must be a"),
        ("seed=2024-13-45", "seed: must be a valid integer, got '2024-13-45'"),
        (
            "scheduler.use=torch.optim.lr_scheduler.StepLR",
            "scheduler.step_size: torch.optim.lr_scheduler.StepLR needs the argument 'step_size'",
        ),
    ],
)
def test_a_problem_of_an_override_names_the_override(file: Path, override: str, text: str) -> None:
    got = said(file, override)
    assert got
    assert got[0].startswith(f'override "{override}", {text}')


def test_a_malformed_override_does_not_take_the_lines_of_the_file(file: Path) -> None:
    file.write_text(TEXT.replace("  lr:", "  lrr:"))
    assert [p.line for p in problems(file, "optimizer") if p.where == "optimizer.lrr"] == [10]


def test_a_list_is_called_a_list(file: Path) -> None:
    [problem] = said(file, "metrics=loss")
    assert "tuple" not in problem


@pytest.mark.parametrize("key", ["name", "task", "data", "model", "loss", "optimizer"])
def test_a_missing_key_is_told(tree: Tree, key: str) -> None:
    del tree[key]
    assert said(tree) == [f"{key}: is missing, and has no default"]


def test_an_empty_recipe_misses_all_that_is_needed() -> None:
    assert [p.where for p in problems({})] == [
        *("name", "task", "data", "model", "loss", "optimizer", "epochs")
    ]


def test_a_key_that_is_no_text_is_told(tree: Tree) -> None:
    [problem] = said({**tree, 1: 2})
    assert problem.startswith("1: ")


@pytest.mark.parametrize("use", [None, 3])
def test_a_nested_slot_without_use_is_told_with_its_line(file: Path, use: Any) -> None:
    nested = f"model:\n  use: torch.nn.Sequential\n  args:\n    - use: {use or ''}\n"
    file.write_text(TEXT.replace(TEXT.split("\n")[5] + "\n", nested))
    assert [(p.line, p.where) for p in problems(file)] == [(9, "model.args.0.use")]


def test_entries_that_share_one_value_are_changed_apart(tree: Tree) -> None:
    tree["model"] = {"use": "torch.nn.Sequential", "args": [{"use": "torch.nn.ReLU"}] * 2000}
    overrides = [f"model.args.{i}.inplace=true" for i in range(0, 2000, 20)]
    recipe = load_recipe(tree, overrides)
    assert [i for i, layer in enumerate(recipe.model.args) if "inplace" in layer] == list(
        range(0, 2000, 20)
    )
