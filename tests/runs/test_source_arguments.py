"""A source with arguments, `source: {use: ./file.py:function, fold: 3}`, and the data folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import papertrial as pt
from papertrial.errors import DataError, InvalidRecipeError
from papertrial.progress import finish
from papertrial.recipe.digest import training_hash
from papertrial.recipe.load import to_tree
from papertrial.recipe.schema import Recipe
from papertrial.runs.load_data import load_set

DATA = """
import json
import pathlib

import numpy as np


def load(fold: int = 0, *, options=None, weights: str = ""):
    draws = np.random.default_rng(fold)
    x = draws.normal(size=(40, 2))
    y = (x[:, 0] > (options or {"cut": [0.0]})["cut"][0]).astype(int)
    if weights:
        x = x * float(pathlib.Path(weights).read_text())
    return {"train": (x[:30], y[:30]), "test": (x[30:], y[30:])}


def shared(path, data_folder, fold):
    assert isinstance(data_folder, pathlib.Path), data_folder
    x = np.load(data_folder / path.read_text())[fold]
    y = (x[:, 0] > 0).astype(int)
    return {"train": (x[:30], y[:30]), "test": (x[30:], y[30:])}


def folder_first(data_folder: pathlib.Path, path):
    return shared(path, data_folder, 0)


def folder_only(*, data_folder):
    return shared(data_folder / "name.txt", data_folder, 1)


def rows(fold):
    return {"train": load(fold)["train"]}


def breaks(fold):
    raise KeyError(fold)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data.py").write_text(DATA)
    (tmp_path / "two.txt").write_text("2.0")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "name.txt").write_text("rows.npy")
    rows = np.random.default_rng(5).normal(size=(3, 40, 2))
    np.save(tmp_path / "home" / "rows.npy", rows)
    return tmp_path


def _load(folder: Path, source: object, *overrides: str, **data: object) -> Recipe:
    tree: dict[str, Any] = {
        "name": "arguments",
        "task": "classification",
        "data": {"source": source, "batch_size": 10, **data},
        "model": {"use": "torch.nn.Linear", "in_features": 2, "out_features": 2},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 1,
    }
    (folder / "r.yaml").write_text(json.dumps(tree))
    recipe = pt.load_recipe(folder / "r.yaml", overrides)
    assert isinstance(recipe, Recipe)
    return recipe


def _train(folder: Path, recipe: Recipe) -> pt.Run:
    return pt.train(recipe, runs=folder / "runs", data=folder / "home", device="cpu")


def _x(folder: Path, recipe: Recipe) -> np.ndarray:
    """Return the training samples that the recipe's source gives."""
    loaded = finish(load_set(recipe, folder / "home")).dataset
    x: np.ndarray = loaded.train.x.take(slice(0, 30)).numpy()
    return x


def _drawn(fold: int) -> np.ndarray:
    return np.random.default_rng(fold).normal(size=(40, 2))[:30].astype(np.float32)


GIVEN = {"use": "./data.py:load", "fold": 3, "options": {"cut": [0.5]}, "weights": "two.txt"}


def test_arguments_reach_the_function(folder: Path) -> None:
    recipe = _load(folder, GIVEN)
    np.testing.assert_array_equal(_x(folder, recipe), 2 * _drawn(3))
    assert finish(load_set(recipe, folder)).dataset.train.y.tolist() == [
        int(x > 0.5) for x in _drawn(3)[:, 0]
    ]
    assert recipe.data.source_name == f"{folder.resolve()}/data.py:load"


def test_a_run_has_all_that_its_source_names(folder: Path) -> None:
    run = _train(folder, _load(folder, GIVEN))
    for name in ("two.txt", "data.py"):
        (folder / name).unlink()
    opened = pt.load_run(run.path)
    again = pt.evaluate_run(opened, data_folder=folder / "home")
    assert (again.metrics, again.notes) == (run.metrics, ())
    stored = pt.load_recipe(run.path / "recipe.yaml")
    assert isinstance(stored, Recipe)
    kept = json.loads((run.path / "provenance.json").read_text())
    assert training_hash(stored) == training_hash(opened.recipe) == kept["training_hash"]
    assert {one["name"] for one in kept["dependencies"]} == {"code/data.py", "code/two.txt"}
    retrained = _train(folder, stored)
    weights = [(one.path / "model.safetensors").read_bytes() for one in (run, retrained)]
    assert weights[0] == weights[1]


def test_arguments_are_part_of_the_hash_and_can_be_overridden(folder: Path) -> None:
    given = {"use": "./data.py:load", "fold": 3}
    fourth = _load(folder, given, "data.source.fold=4")
    np.testing.assert_array_equal(_x(folder, fourth), _drawn(4))
    assert training_hash(fourth) == training_hash(_load(folder, {**given, "fold": 4}))
    assert training_hash(fourth) != training_hash(_load(folder, given))
    with_file = _load(folder, GIVEN)
    before = training_hash(with_file)
    (folder / "two.txt").write_text("3.0")
    assert training_hash(with_file) != before


def test_a_source_without_arguments_is_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)  # paths in overrides are relative to it
    plain = _load(folder, "./data.py:load")
    mapping = _load(folder, {"use": "./data.py:load"})
    assert mapping == plain
    assert isinstance(plain.data.source, str)
    assert training_hash(mapping) == training_hash(plain)
    added = _load(folder, "./data.py:load", "data.source.fold=2")
    assert added.data.source == _load(folder, {"use": "./data.py:load", "fold": 2}).data.source
    replaced = _load(folder, {"use": "./data.py:load", "fold": 2}, "data.source=./data.py:load")
    assert replaced.data.source == plain.data.source
    named = _load(folder, {"use": "breast-cancer"}, "data.splits.test=0.5")
    assert named.data.source == "breast-cancer"


@pytest.mark.parametrize(
    ("source", "path", "fold"),
    [
        ({"use": "./data.py:shared", "fold": 2}, "home/name.txt", 2),
        ("./data.py:folder_first", "home/name.txt", 0),
        ("./data.py:folder_only", None, 1),
    ],
)
def test_a_parameter_named_data_folder_gets_the_data_folder(
    folder: Path, source: object, path: str | None, fold: int
) -> None:
    recipe = _load(folder, source, **({} if path is None else {"path": path}))
    rows = np.load(folder / "home" / "rows.npy")[fold][:30].astype(np.float32)
    np.testing.assert_array_equal(_x(folder, recipe), rows)
    assert "home" not in json.dumps(to_tree(recipe)["data"]["source"])  # it is not hashed


def test_folds_groups_and_seeds_work_as_for_a_function(folder: Path) -> None:
    recipe = _load(folder, {"use": "./data.py:rows", "fold": 3}, "data.splits={folds: 2}")
    run = _train(folder, recipe)
    assert len(run.models) == 2
    problems = _problems(
        folder, {"use": "./data.py:rows", "fold": 3}, splits={"group": "patient", "test": 0.5}
    )
    assert "groups" in problems["data.splits.group"]


def _problems(folder: Path, source: object, **data: object) -> dict[str, str]:
    with pytest.raises(InvalidRecipeError) as error:
        _load(folder, source, **data)
    return {problem.where: problem.message for problem in error.value.problems}


SOURCE = {"use": "./data.py:load"}
WRONG: list[tuple[object, str, str]] = [
    ({**SOURCE, "fodl": 3}, "data.source.fodl", 'did you mean "fold"?'),
    ({**SOURCE, "fold": "x"}, "data.source.fold", "must be a number"),
    ({"use": "./data.py:breaks", "fodl": 3}, "data.source.fold", "is missing"),
    ({"use": "./data.py:lod", "fold": 3}, "data.source", 'did you mean "load"?'),
    ({**SOURCE, "data_folder": "x"}, "data.source.data_folder", "remove it"),
    ({"use": "digits", "fold": 3}, "data.source.use", "write source: digits"),
    ({"use": "digts"}, "data.source", 'did you mean "digits"?'),
    ({"use": "torch.nn.Linear", "fold": 3}, "data.source.use", "./file.py:name"),
    ({"fold": 3}, "data.source.use", "is missing"),
    ({**SOURCE, "args": 3}, "data.source.args", "must be a list"),
]


@pytest.mark.parametrize(("source", "where", "words"), WRONG)
def test_arguments_that_do_not_fit_are_problems_of_the_recipe(
    folder: Path, source: object, where: str, words: str
) -> None:
    assert words in _problems(folder, source)[where]


def test_a_path_of_each_part_is_for_tables(folder: Path) -> None:
    problems = _problems(folder, {"use": "./data.py:load", "fold": 1}, path={"train": "two.txt"})
    assert "table or text-table" in problems["data.path"]


def test_a_failing_function_is_named_with_its_arguments_and_line(folder: Path) -> None:
    recipe = _load(folder, {"use": "./data.py:breaks", "fold": 3})
    line = DATA.split("\n").index("    raise KeyError(fold)") + 1
    with pytest.raises(DataError, match=rf"breaks\(fold=3\) failed at line {line}: KeyError: 3"):
        _train(folder, recipe)
    result = pt.check(folder / "r.yaml", data=folder / "home", device="cpu")
    assert [one.where for one in result.problems] == ["data"]
