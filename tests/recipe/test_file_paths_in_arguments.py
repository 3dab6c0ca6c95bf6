"""Paths in arguments: which texts are paths, what they are relative to, how they are hashed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from papertrial.errors import InvalidRecipeError
from papertrial.recipe.digest import training_hash
from papertrial.recipe.load import load_recipe, to_tree
from papertrial.recipe.portable import portable
from papertrial.recipe.schema import Recipe

Tree = dict[str, Any]
TEXT = """name: mine
task: regression
data: {{source: diabetes, batch_size: 8}}
model: {model}
loss: torch.nn.MSELoss
optimizer: {{use: torch.optim.SGD, lr: 0.1}}
epochs: 1
"""
CODE = "class Net:\n    def __init__(self, *args, **kwargs): ...\n"


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The recipe's folder with some files, and another one, the current one."""
    for name in ("recipe", "here"):
        (tmp_path / name / "words").mkdir(parents=True)
        (tmp_path / name / "w.pt").write_text(name)
        (tmp_path / name / "words" / "en.txt").write_text(name)
    (tmp_path / "recipe" / "net.py").write_text(CODE)
    (tmp_path / "here" / "only-here.pt").write_text("x")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "recipe", tmp_path / "here"


def loaded(folder: Path, argument: str, *overrides: str) -> Recipe:
    path = folder / "r.yaml"
    path.write_text(TEXT.format(model=f"{{use: ./net.py:Net, x: {argument}}}"))
    return load_recipe(path, overrides)


def of(recipe: Recipe) -> Any:
    return recipe.model.kwargs["x"]


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("w.pt", "w.pt"), ("./w.pt", "w.pt"), ("words", None), ("./words", "words"),
        ("words/en.txt", "words/en.txt"), ("words/absent.txt", None), ("absent.pt", None),
        ("mean", None), ("torch.float32", None), ("'1.5'", None), ("N/A", None), ("/", None),
        ("'.'", None), ("'..'", None), ("'./'", None), ("' / '", None), ("only-here.pt", None),
        ("https://a.b/c.pt", None), ("../recipe/w.pt", "w.pt"), ("'a\\nb/c'", None), ("''", None),
    ],
)  # fmt: skip
def test_a_text_is_a_path_if_it_exists_or_begins_like_a_path(
    folders: tuple[Path, Path], text: str, file: str | None
) -> None:
    plain = text.strip("'").replace("\\n", "\n") if text != "'a\\nb/c'" else "a\\nb/c"
    assert of(loaded(folders[0], text)) == (f"{folders[0]}/{file}" if file else plain)


@pytest.mark.parametrize("text", ["./absent.pt", "../absent", "/nowhere/w.pt", "~/absent-file.pt"])
def test_a_path_that_does_not_exist_is_a_problem_with_its_line(
    folders: tuple[Path, Path], text: str
) -> None:
    with pytest.raises(InvalidRecipeError) as caught:
        loaded(folders[0], text)
    (problem,) = caught.value.problems
    assert (problem.where, problem.line) == ("model.x", 4)
    assert Path(text).name in problem.message


def test_in_an_override_it_is_relative_to_the_current_folder(folders: tuple[Path, Path]) -> None:
    recipe, here = folders
    assert of(loaded(recipe, "1", "model.x=w.pt")) == f"{here}/w.pt"
    assert of(loaded(recipe, "1", "model.x=only-here.pt")) == f"{here}/only-here.pt"
    assert of(loaded(recipe, "w.pt", "seed=3")) == f"{recipe}/w.pt"
    assert of(loaded(recipe, "only-here.pt", "optimizer.lr=3")) == "only-here.pt"
    whole = loaded(recipe, "1", "model={use: ../recipe/net.py:Net, x: [w.pt]}")
    assert of(whole) == [f"{here}/w.pt"]


def test_a_tilde_is_the_home_folder(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folders[1]))
    assert of(loaded(folders[0], "~/w.pt")) == f"{folders[1]}/w.pt"


PLACES = [
    "{use: ./net.py:Net, x: w.pt}",
    "{use: ./net.py:Net, args: [w.pt]}",
    "{use: ./net.py:Net, x: {a: [1, w.pt]}}",
    "{use: ./net.py:Net, x: {use: ./net.py:Net, args: [{use: ./net.py:Net, y: w.pt}]}}",
    "{use: torch.nn.Sequential, args: [{use: ./net.py:Net, interval: w.pt}]}",
]


@pytest.mark.parametrize("model", PLACES)
def test_a_file_is_hashed_by_its_content_in_any_argument(
    folders: tuple[Path, Path], model: str
) -> None:
    folder = folders[0]
    (folder / "r.yaml").write_text(TEXT.format(model=model))
    recipe = load_recipe(folder / "r.yaml")
    first = training_hash(recipe)
    (folder / "w.pt").write_text("other")
    assert training_hash(recipe) != first
    (folder / "w.pt").write_text("recipe")
    made = portable(recipe)
    assert made.files["code/w.pt"] == b"recipe"
    assert "./code/w.pt" in made.text
    assert str(folder) not in made.text
    assert {one.name: one.kind for one in made.dependencies} == {
        "code/net.py": "code", "code/w.pt": "file",
    }  # fmt: skip


@pytest.mark.parametrize("change", ["en.txt", "new.txt", "deep/er.txt"])
def test_a_folder_is_hashed_by_its_files(folders: tuple[Path, Path], change: str) -> None:
    recipe = loaded(folders[0], "./words")
    first = training_hash(recipe)
    made = portable(recipe)
    assert made.files["code/1-words/en.txt"] == b"recipe"
    assert [one.kind for one in made.dependencies] == ["code", "folder"]
    path = folders[0] / "words" / change
    path.parent.mkdir(exist_ok=True)
    path.write_text("other")
    assert training_hash(recipe) != first


def test_a_large_file_is_hashed_but_not_copied(folders: tuple[Path, Path]) -> None:
    recipe = loaded(folders[0], "{a: w.pt, b: ./words}")
    made = portable(recipe, limit=5)
    assert set(made.files) == {"code/net.py"}
    assert f"a: {folders[0]}/w.pt" in made.text
    large = [one for one in made.dependencies if not one.copied]
    assert [(one.kind, one.name, one.bytes) for one in large] == [
        ("file", "model.x.a", 6), ("folder", "model.x.b", 6),
    ]  # fmt: skip
    assert len(made.not_covered) == 2
    assert all("the limit is 5 bytes" in note for note in made.not_covered)
    assert portable(recipe, limit=6).not_covered == ()


def test_files_of_one_name_and_python_files_are_kept_apart(folders: tuple[Path, Path]) -> None:
    recipe, here = folders
    (recipe / "config.py").write_text("x = 1")
    made = portable(loaded(recipe, f"[w.pt, {here}/w.pt, config.py]"))
    assert made.files["code/w.pt"] == b"recipe"
    assert made.files["code/2-w.pt"] == b"here"
    assert made.files["code/1-config.py"] == b"x = 1"


def test_the_copy_has_the_same_hash_and_is_copied_the_same(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    recipe = loaded(folders[0], "[w.pt, ./words]")
    made = portable(recipe)
    for name, content in made.files.items():
        (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / name).write_bytes(content)
    (tmp_path / "run" / "recipe.yaml").write_text(made.text)
    again = load_recipe(tmp_path / "run" / "recipe.yaml")
    assert training_hash(again) == training_hash(recipe)
    assert portable(again).text == made.text
    assert portable(again).files == made.files


def test_the_other_side_of_a_difference_names_files_beside_the_recipe(
    folders: tuple[Path, Path],
) -> None:
    path = folders[0] / "r.yaml"
    claim = (
        "claims: [{metric: r2, split: train, value: 0.1, tolerance: 0.2, kind: difference, "
        "n: unknown, "
        "versus: {set: {model.x: w.pt, model.y: 'words/en.txt', scheduler.interval: epoch}}}]\n"
    )
    path.write_text(TEXT.format(model="{use: ./net.py:Net}") + claim)
    versus = to_tree(load_recipe(path, check=False))["claims"][0]["versus"]
    assert versus["set"]["model.x"] == f"{folders[0]}/w.pt"
    assert versus["set"]["model.y"] == f"{folders[0]}/words/en.txt"
