"""All problems of a recipe in one message: key path, line, rule, given value, nearest name."""

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


def messages(source: Path | Tree, *overrides: str) -> list[str]:
    return [str(p) for p in problems(source, *overrides)]


def test_all_problems_are_reported_together_in_the_order_of_the_file(file: Path) -> None:
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
    kind: expected
"""
    )
    expected = [
        ("line 1, name: ", "got '-linear'"),
        ("line 2, tsk: unknown key", "got 'regression'; did you mean \"task\"?"),
        ("line 4, data.source: ", "got 'diabets'; did you mean \"diabetes\"?"),
        ("line 5, data.batch_size: ", "at least 1, or full, got 0"),
        ("line 6, data.batch_size: ", "first on line 5; keep one"),
        ("line 7, data.splits.stratify: ", "draw: random, got draw: last"),
        ("line 9, data.transform.0: ", "mapping of keys to values, got 3"),
        ("line 10, data.transform.1.use: ", 'did you mean "ReLU"?'),
        ("line 13, model.in_feature: ", "got 10; valid: bias, device, dtype"),
        ("line 15, loss.reduction: ", "by args, got 'sum'"),
        ("line 16, optimizer.lr: ", "a number for torch.optim.SGD, got 'fast'"),
        ("line 17, scheduler.step_size: is missing; ", "requires the argument 'step_size'"),
        ("line 19, scheduler.monitor: ", "got 'los'; did you mean \"loss\"?"),
        ("line 19, scheduler.monitor: ", "set data.splits.validation"),
        ("line 20, epochs: ", "integer, got 'yes'"),
        ("line 21, paper: ", "mapping of keys to values, got 'a title'"),
        ("line 22, metrics.1: ", "got 'acuracy'; did you mean \"accuracy\"?"),
        ("line 25, claims.0.value: ", "such as \"55 %\", got '0.5'"),
        ("line 26, claims.0.kind: ", "got 'meen'; did you mean \"mean\"?"),
        ("line 27, claims.1.value: ", "is missing"),
        ("line 24, claims.0.metric: ", "r2; it computes "),
        ("line 27, claims.1.metric: ", "r2; it computes "),
        ("line 24, claims.0.tolerance: is missing: ", 'as "1 point"'),
        ("line 27, claims.1.tolerance: is missing: ", 'as "1 point"'),
        ('override "evaluate.evry=2", evaluate.evry: ', 'got 2; did you mean "every"?'),
        ('override "seed=-1", seed: ', "0, got -1"),
        ('override "lr", ', "dotted.key=value, such as optimizer.lr=0.01"),
        ("task: ", "is missing"),
    ]
    got = messages(file, "evaluate.evry=2", "seed=-1", "lr")
    assert len(got) == len(expected)
    for start, words in expected:
        assert len([one for one in got if one.startswith(start) and words in one]) == 1, start
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


def test_a_syntax_error_has_its_line(file: Path) -> None:
    file.write_text(TEXT + "paper: a: b\n")
    assert messages(file) == ["line 12, YAML syntax error: mapping values are not allowed here"]


def test_an_impossible_date_is_text(file: Path) -> None:
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
    [problem] = messages(file)
    assert problem.startswith(text)


def test_a_long_value_is_cut_short(file: Path) -> None:
    file.write_text(TEXT + f"paper: [{', '.join(map(str, range(1000)))}]\n")
    [problem] = messages(file)
    got = problem.partition("got ")[2]
    assert got == repr(list(range(1000)))[:57] + "..."


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("optimizer.lr=x", "optimizer.lr: must be a number for torch.optim.SGD, got 'x'"),
        (
            "optimizer={use: torch.optim.SGD, lrr: 1}",
            "optimizer.lrr: is not an argument of torch.optim.SGD, got 1",
        ),
        ("data={source: diabetes}", "data.batch_size: is missing"),
        ("epochs=null", "epochs: give the length of training in epochs or steps, got neither"),
        ("steps=5", "steps: give epochs or steps, not both (got 1 and 5)"),
        ("model.in_features.x=1", "model.in_features: is not a section or a list"),
        ("name.x=1", "name: is not a section or a list"),
        ("²=3", "²: unknown key, got 3"),
        ("0=3", "0: "),
        ("optimizer.0=3", "optimizer.0: "),
        ("metrics=loss", "metrics: must be a"),
        ("seed=2024-13-45", "seed: must be a valid integer, got '2024-13-45'"),
        (
            "scheduler.use=torch.optim.lr_scheduler.StepLR",
            "scheduler.step_size: is missing; torch.optim.lr_scheduler.StepLR requires",
        ),
    ],
)
def test_a_problem_of_an_override_names_the_override(file: Path, override: str, text: str) -> None:
    got = messages(file, override)
    assert got
    assert got[0].startswith(f'override "{override}", {text}')


def test_a_malformed_override_does_not_take_the_lines_of_the_file(file: Path) -> None:
    file.write_text(TEXT.replace("  lr:", "  lrr:"))
    assert [p.line for p in problems(file, "optimizer") if p.where == "optimizer.lrr"] == [10]


def test_a_list_is_called_a_list(file: Path) -> None:
    [problem] = messages(file, "metrics=loss")
    assert "tuple" not in problem


@pytest.mark.parametrize("key", ["name", "task", "data", "model", "loss", "optimizer"])
def test_a_missing_key_is_reported(tree: Tree, key: str) -> None:
    del tree[key]
    (message,) = messages(tree)
    assert message.startswith(f"{key}: is missing")


def test_an_empty_recipe_lacks_all_required_keys() -> None:
    assert [p.where for p in problems({})] == [
        *("name", "task", "data", "model", "loss", "optimizer", "epochs")
    ]


def test_a_key_that_is_not_text_is_reported(tree: Tree) -> None:
    [problem] = messages({**tree, 1: 2})
    assert problem.startswith("1: ")


@pytest.mark.parametrize("use", [None, 3])
def test_a_nested_slot_without_use_is_reported_with_its_line(file: Path, use: Any) -> None:
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
