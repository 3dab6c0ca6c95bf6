"""Files that a recipe names: relative to its folder; in an override, to the current folder."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from papertrial.recipe.file_paths import anchor_files, is_vectors_file
from papertrial.recipe.load import load_recipe
from papertrial.recipe.schema import Recipe

Tree = dict[str, Any]

TEXT = """name: mine
task: text-classification
data: {source: text-folder, path: reviews, batch_size: 8}
model: {use: papertrial.models.BagOfWords, num_embeddings: 12}
loss: torch.nn.BCEWithLogitsLoss
optimizer: {use: torch.optim.SGD, lr: 1e-1}
epochs: 1
"""
# Where a recipe names files and folders of data or runs, and one for each.
PATHS = [
    ("data.path", "reviews"),
    ("data.text.vocabulary_file", "words"),
    ("data.text.vectors", "mine/vectors.txt"),
    ("init_from", "runs/first"),
]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The recipe's folder, with recipe.yaml, and another that is the current one."""
    for name in ("recipes", "here"):
        (tmp_path / name).mkdir()
    (tmp_path / "recipes" / "recipe.yaml").write_text(TEXT)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "recipes", tmp_path / "here"


def at(recipe: Recipe, key: str) -> Any:
    return reduce(getattr, key.split("."), recipe)


def written(recipes: Path, key: str, value: str) -> Path:
    """Write the recipe with a key's value in the file itself."""
    path = recipes / "recipe.yaml"
    section, _, last = key.rpartition(".")
    if key == "data.path":
        path.write_text(TEXT.replace("path: reviews", f"path: {value}"))
    elif section:
        path.write_text(TEXT.replace("batch_size: 8", f"batch_size: 8, text: {{{last}: {value}}}"))
    else:
        path.write_text(f"{TEXT}{key}: {value}\n")
    return path


@pytest.mark.parametrize(("key", "value"), PATHS)
def test_in_a_recipe_a_path_is_relative_to_its_folder(
    folders: tuple[Path, Path], key: str, value: str
) -> None:
    recipe = load_recipe(written(folders[0], key, value))
    assert at(recipe, key) == f"{folders[0]}/{value}"


@pytest.mark.parametrize(("key", "value"), PATHS)
def test_in_an_override_it_is_relative_to_the_current_folder(
    folders: tuple[Path, Path], key: str, value: str
) -> None:
    recipe = load_recipe(folders[0] / "recipe.yaml", [f"{key}={value}"])
    assert at(recipe, key) == f"{folders[1]}/{value}"
    other = {"data.path": "init_from"}.get(key, "data.path")
    assert at(recipe, other) == (f"{folders[0]}/reviews" if other == "data.path" else None)


@pytest.mark.parametrize(("key", "value"), PATHS)
def test_an_override_of_another_key_moves_no_path(
    folders: tuple[Path, Path], key: str, value: str
) -> None:
    recipe = load_recipe(written(folders[0], key, value), ["seed=3"])
    assert at(recipe, key) == f"{folders[0]}/{value}"


@pytest.mark.parametrize(("key", "value"), PATHS)
def test_a_tilde_is_the_home_folder_and_an_absolute_path_stays(
    folders: tuple[Path, Path], key: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folders[1]))
    home = load_recipe(written(folders[0], key, f"~/{value}"))
    assert at(home, key) == f"{folders[1]}/{value}"
    absolute = load_recipe(written(folders[0], key, f"/data/../data/{value}"))
    assert at(absolute, key) == f"/data/{value}"


def test_a_tilde_of_an_unknown_user_stays(folders: tuple[Path, Path]) -> None:
    recipe = load_recipe(written(folders[0], "data.path", "~nobody-here/x"))
    assert recipe.data.path == f"{folders[0]}/~nobody-here/x"


def test_named_vectors_are_not_a_path(folders: tuple[Path, Path]) -> None:
    recipe = load_recipe(written(folders[0], "data.text.vectors", "glove.6B.100d"))
    assert recipe.data.text is not None
    assert recipe.data.text.vectors == "glove.6B.100d"


@pytest.mark.parametrize(
    ("vectors", "answer"),
    [
        ("glove.6B.100d", False),
        ("glove", False),
        ("", False),
        ("glove.6B.100d.txt", True),
        ("glove.6B.zip", True),
        ("wiki.vec", True),
        ("./glove", True),
        ("a/b.100d", True),
        ("a\\b", True),
        ("~/glove.6B.100d", True),
    ],
)
def test_vectors_are_a_file_where_they_look_like_one(vectors: str, answer: bool) -> None:
    assert is_vectors_file(vectors) is answer


def test_a_function_that_loads_the_data_lies_beside_its_recipe(folders: tuple[Path, Path]) -> None:
    path = folders[0] / "recipe.yaml"
    own = TEXT.replace("source: text-folder, path: reviews", "source: ./data.py:load")
    path.write_text(own)
    assert load_recipe(path, check=False).data.source == f"{folders[0]}/data.py:load"
    over = load_recipe(path, ["data.source=./data.py:load"], check=False)
    assert over.data.source == f"{folders[1]}/data.py:load"


def test_an_argument_may_name_code_in_a_file_and_a_slot_has_no_source(
    folders: tuple[Path, Path],
) -> None:
    path = folders[0] / "recipe.yaml"
    more = 'num_embeddings: 12, step: "a.py:b", note: "see a.py: b", source: "digits"'
    path.write_text(TEXT.replace("num_embeddings: 12", more))
    kwargs = load_recipe(path, check=False).model.kwargs
    assert kwargs["step"] == f"{folders[0]}/a.py:b"
    assert (kwargs["note"], kwargs["source"]) == ("see a.py: b", "digits")


def test_in_plain_values_a_path_is_relative_to_the_current_folder(
    folders: tuple[Path, Path], tree: Tree
) -> None:
    tree["data"] |= {"source": "table", "path": "a.csv", "table": {"target": "y"}}
    assert load_recipe(tree).data.path == f"{folders[1]}/a.csv"
    assert tree["data"]["path"] == "a.csv"


def test_a_path_reached_by_a_link_is_the_file_itself(folders: tuple[Path, Path]) -> None:
    (folders[0] / "link").symlink_to(folders[1])
    recipe = load_recipe(written(folders[0], "data.path", "link/reviews"))
    assert recipe.data.path == f"{folders[1]}/reviews"


@pytest.mark.parametrize(
    "tree",
    [
        {"data": 3, "init_from": None},
        {"data": {"path": 3, "text": []}, "init_from": ""},
        {"data": {"path": None, "text": {"vectors": 3, "vocabulary_file": ["a"]}}},
    ],
)
def test_anchoring_accepts_a_tree_of_any_shape(tree: Tree) -> None:
    assert anchor_files(tree, Path("/x")) == tree


def test_files_are_anchored_at_any_depth_and_nothing_else_is(tmp_path: Path) -> None:
    value = {
        "model": {
            "use": "./a.py:A",
            "args": [{"use": "../b.py:B"}],
            "n": 3,
            "by_name": ["./x.py:X.y", "x.py:"],
        },
        "loss": {"use": "torch.nn.MSELoss", "deep": {"er": [{"use": "/abs/c.py:C"}]}},
        "paper": {"title": "./x.py:X"},
    }
    anchored = anchor_files(value, tmp_path / "recipes")
    assert anchored == {
        "model": {
            "use": f"{tmp_path}/recipes/a.py:A",
            "args": [{"use": f"{tmp_path}/b.py:B"}],
            "n": 3,
            "by_name": [f"{tmp_path}/recipes/x.py:X.y", "x.py:"],
        },
        "loss": {"use": "torch.nn.MSELoss", "deep": {"er": [{"use": "/abs/c.py:C"}]}},
        "paper": {"title": "./x.py:X"},
    }
    assert anchor_files(anchored, tmp_path / "elsewhere") == anchored
