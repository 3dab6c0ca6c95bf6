"""A portable recipe runs from its folder after the original files are deleted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from papertrial.errors import RecipeError
from papertrial.recipe.build import build
from papertrial.recipe.dependency import changes
from papertrial.recipe.digest import recipe_hash, training_hash
from papertrial.recipe.load import load_recipe, to_yaml
from papertrial.recipe.portable import portable
from papertrial.recipe.resolve import resolve
from papertrial.recipe.schema import Recipe

Tree = dict[str, Any]


def net(factor: int) -> str:
    return f"""import torch
class Net(torch.nn.Module):
    def __init__(self, inner=None):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor(1.0))
        self.inner = inner
    def forward(self, x):
        return {factor} * self.w * (x if self.inner is None else self.inner(x))
def loss(output, target):
    return {factor} * (output - target).abs().sum()
"""


def write(path: Path, factor: int) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(net(factor))
    return str(path)


def unpack(recipe: Recipe, folder: Path) -> Path:
    """Write what portable() gives into a folder; return the recipe's path."""
    made = portable(recipe, "code")
    text, files = made.text, made.files
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    folder.mkdir(exist_ok=True)
    (folder / "recipe.yaml").write_text(text)
    return folder / "recipe.yaml"


def factor_of(recipe: Recipe) -> float:
    model = build("model", recipe.model.use, recipe.model.args, recipe.model.kwargs)
    return float(model(torch.tensor(1.0)).detach())


def test_a_recipe_without_files_is_its_yaml(tree: Tree) -> None:
    recipe = load_recipe(tree)
    made = portable(recipe, "code")
    assert (made.text, made.files, made.dependencies) == (to_yaml(recipe), {}, ())


def test_a_portable_recipe_runs_without_the_originals(
    tmp_path: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "mine" / "net.py", 5)
    inner = {"use": f"{source}:Net"}
    tree["model"] = {"use": f"{write(tmp_path / 'mine' / 'outer.py', 2)}:Net", "inner": inner}
    tree["loss"] = {"use": f"{source}:loss"}
    recipe = load_recipe(tree)
    hashes = recipe_hash(recipe), training_hash(recipe)
    path = unpack(recipe, tmp_path / "run")
    shutil.rmtree(tmp_path / "mine")
    shutil.move(tmp_path / "run", tmp_path / "moved")
    monkeypatch.chdir("/")
    again = load_recipe(tmp_path / "moved" / path.name)
    assert (recipe_hash(again), training_hash(again)) == hashes
    assert again.model.use == f"{tmp_path}/moved/code/outer.py:Net"
    assert factor_of(again) == 10
    loss = build("loss", again.loss.use, again.loss.args, again.loss.kwargs)
    assert loss(torch.tensor([3.0]), torch.tensor([1.0])).item() == 10.0


def test_a_function_that_loads_the_data_is_copied_too(
    tmp_path: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine" / "data.py"
    mine.parent.mkdir()
    mine.write_text("def load():\n    return {'train': ([[1.0]] * 4, [5.0] * 4)}\n")
    monkeypatch.chdir(mine.parent)
    tree["data"]["source"] = "./data.py:load"
    recipe = load_recipe(tree)
    hashes = recipe_hash(recipe), training_hash(recipe)
    path = unpack(recipe, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(mine.parent)
    again = load_recipe(path)
    assert again.data.source == f"{tmp_path}/run/code/data.py:load"
    assert resolve(again.data.source)()["train"][1] == [5.0] * 4
    assert (recipe_hash(again), training_hash(again)) == hashes


def test_a_vocabulary_is_copied_too_and_data_stay_where_they_are(
    tmp_path: Path, tree: Tree
) -> None:
    (tmp_path / "mine").mkdir()
    words = tmp_path / "mine" / "words.txt"
    words.write_text("good\nbad\n")
    tree |= {"task": "text-classification"}
    tree["data"] |= {"source": "text-folder", "path": str(tmp_path / "reviews")}
    tree["data"]["text"] = {"vocabulary": 2, "vocabulary_file": str(words)}
    recipe = load_recipe(tree)
    hashes = recipe_hash(recipe), training_hash(recipe)
    path = unpack(recipe, tmp_path / "run")
    shutil.rmtree(tmp_path / "mine")
    again = load_recipe(path)
    assert again.data.text is not None
    assert again.data.text.vocabulary_file == f"{tmp_path}/run/code/words.txt"
    assert (tmp_path / "run" / "code" / "words.txt").read_text() == "good\nbad\n"
    assert again.data.path == f"{tmp_path}/reviews"
    assert (recipe_hash(again), training_hash(again)) == hashes


def test_a_function_of_a_models_file_is_copied_once(tmp_path: Path, tree: Tree) -> None:
    source = write(tmp_path / "net.py", 5)
    tree["model"] = {"use": f"{source}:Net"}
    tree["data"]["source"] = f"{source}:loss"
    made = portable(load_recipe(tree, check=False), "code")  # it does not return data
    text, files = made.text, made.files
    assert files == {"code/net.py": net(5).encode()}
    assert "source: ./code/net.py:loss" in text


def test_a_file_used_twice_is_copied_once_and_named_from_the_folder(
    tmp_path: Path, tree: Tree
) -> None:
    source = write(tmp_path / "my net.py", 5)
    tree["model"] = {"use": f"{source}:Net", "inner": {"use": f"{source}:Net"}}
    tree["loss"] = {"use": f"{source}:loss"}
    made = portable(load_recipe(tree), "code")
    text, files = made.text, made.files
    assert files == {"code/my net.py": net(5).encode()}
    assert text.count("./code/my net.py:Net") == 2
    assert str(tmp_path) not in text


@pytest.mark.parametrize(
    "names",
    [
        ("a/net.py", "b/net.py", "c/net.py"),
        ("a/net.py", "b/1-net.py", "c/net.py"),
        ("a/net.py", "b/2-net.py", "c/net.py"),
        ("a/NET.py", "b/net.py", "c/net.py"),
    ],
)
def test_files_of_one_name_are_kept_apart(
    tmp_path: Path, tree: Tree, names: tuple[str, str, str]
) -> None:
    model: Any = None
    for name, factor in zip(names, (2, 3, 5), strict=True):
        use = f"{write(tmp_path / name, factor)}:Net"
        model = {"use": use} if model is None else {"use": use, "inner": model}
    tree["model"] = model
    path = unpack(load_recipe(tree), tmp_path / "run")
    assert len(list((tmp_path / "run" / "code").iterdir())) == 3
    assert factor_of(load_recipe(path)) == 30


def test_a_portable_recipe_is_portable_again(tmp_path: Path, tree: Tree) -> None:
    tree["model"] = {"use": f"{write(tmp_path / 'net.py', 3)}:Net"}
    recipe = load_recipe(tree)
    first = load_recipe(unpack(recipe, tmp_path / "run"))
    ours, theirs = portable(first, "code"), portable(recipe, "code")
    assert (ours.text, ours.files) == (theirs.text, theirs.files)
    assert changes(ours.dependencies, theirs.dependencies) == []


def test_a_missing_file_is_reported(tmp_path: Path, tree: Tree) -> None:
    source = write(tmp_path / "net.py", 3)
    tree["model"] = {"use": f"{source}:Net"}
    recipe = load_recipe(tree)
    Path(source).unlink()
    with pytest.raises(RecipeError, match=r"net\.py': No such file"):
        portable(recipe, "code")


@pytest.mark.parametrize(("limit", "copied"), [(12, True), (11, False)])
def test_word_vectors_are_copied_up_to_the_size_limit(
    tmp_path: Path, tree: Tree, limit: int, copied: bool
) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("good 0.1 0.2")  # 12 bytes
    tree |= {"task": "text-classification"}
    tree["data"] |= {"source": "text-folder", "path": "reviews", "text": {"vectors": str(path)}}
    made = portable(load_recipe(tree), "code", limit=limit)
    assert made.files == ({"code/mine.txt": b"good 0.1 0.2"} if copied else {})
    assert f"vectors: {'./code/mine.txt' if copied else path}\n" in made.text
    (one,) = made.dependencies
    assert (one.kind, one.copied, one.path, one.bytes) == ("vectors", copied, str(path), 12)
    assert [str(path) in note for note in made.not_covered] == ([] if copied else [True])
