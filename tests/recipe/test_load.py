"""Loading a recipe from a shipped name, a file or plain values, and converting it to YAML."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from papertrial.errors import InvalidRecipeError, RecipeError
from papertrial.recipe.load import (
    load_recipe,
    read_recipe,
    shipped_folder,
    shipped_recipes,
    to_tree,
    to_yaml,
)
from papertrial.recipe.schema import Recipe

Tree = dict[str, Any]

TEXT = """name: linear
task: regression
data: {source: diabetes, batch_size: 8}
model: {use: torch.nn.Linear, in_features: 10, out_features: 1}
loss: torch.nn.MSELoss
optimizer:
  use: torch.optim.SGD
  lr: 1e-1
epochs: 1
"""
NET = "import torch\nclass Net(torch.nn.Linear): ...\ndef loss(o, t): return (o - t).abs().mean()\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A recipe file with a file of its own beside it, in a folder that is not the current one."""
    (tmp_path / "net.py").write_text(NET)
    path = tmp_path / "recipe.yaml"
    path.write_text(TEXT)
    return path


def test_a_file_and_plain_values_give_the_same_recipe(file: Path, tree: Tree) -> None:
    recipe = load_recipe(file)
    assert recipe == load_recipe(str(file)) == load_recipe(tree)
    assert recipe.optimizer.kwargs == {"lr": 0.1}
    assert recipe.seed == 0
    assert recipe.data.shuffle is True


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_a_shipped_recipe_loads_by_its_name_and_has_it(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert read_recipe(name) == (name, shipped_recipes()[name], shipped_folder())


def test_read_gives_title_text_and_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_recipe(file) == (str(file), TEXT, file.parent)
    monkeypatch.chdir(file.parent.parent)
    relative = f"{file.parent.name}/recipe.yaml"
    assert read_recipe(relative) == (relative, TEXT, file.parent)


def test_a_recipe_file_may_have_any_name_and_a_byte_order_mark(file: Path) -> None:
    bare = file.with_name("recipe")
    bare.write_text("\ufeff" + TEXT.replace("\n", "\r\n"), encoding="utf-8")
    assert load_recipe(bare) == load_recipe(file)


def test_the_recipe_is_read_once(file: Path) -> None:
    recipe = load_recipe(file)
    file.unlink()
    assert to_tree(recipe)["name"] == "linear"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("digits-mpl", "'digits-mpl'; did you mean"),
        (
            "zzz",
            "`papertrial list` shows the shipped recipes; the name of a recipe file ends in .yaml",
        ),
        ("nowhere.yaml", "cannot read the recipe nowhere.yaml: No such file or directory"),
        ("nowhere.yml", "cannot read the recipe nowhere.yml"),
        ("", "named ''"),
        (TEXT * 3, "save it in a .yaml file, or pass a mapping"),
        ("x" * 3000, "no shipped recipe or file is named 'xxx"),
    ],
)
def test_a_recipe_that_cannot_be_found_is_reported(source: str, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(source)
    assert words in str(caught.value)


def test_a_program_or_a_folder_is_not_a_recipe(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("import torch\n")
    for source in (script, tmp_path):
        with pytest.raises(RecipeError, match=f"papertrial new NAME --program {source}`"):
            load_recipe(source)
    (tmp_path / "clouds.yaml").write_text("name: clouds\n")
    with pytest.raises(RecipeError, match=r"name a file in it: clouds\.yaml"):
        load_recipe(tmp_path)
    with pytest.raises(RecipeError, match=r'did you mean "clouds\.yaml"'):
        load_recipe(tmp_path / "cloud.yaml")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name: \xff", "is not UTF-8 text: invalid start byte"),
        (b"", "must be a mapping of keys to values, got an empty file"),
        (b"# nothing\n", "got an empty file"),
        (b"- a", "must be a mapping of keys to values, got list"),
        (b"just text", "got str"),
    ],
)
def test_a_file_that_is_not_a_mapping_is_reported(file: Path, content: bytes, words: str) -> None:
    file.write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        load_recipe(file)
    assert str(file) in str(caught.value)
    assert words in str(caught.value)


def test_a_folder_named_like_a_recipe_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()
    with pytest.raises(RecipeError, match=r"cannot read the recipe .*a\.yaml: Is a directory"):
        load_recipe(tmp_path / "a.yaml")


def test_overrides_are_applied_in_turn(file: Path) -> None:
    words = [
        "seed=3",
        "optimizer.lr=0.5",
        "optimizer.lr=1e-3",
        "paper.title=a=b",
        "loss.reduction=sum",
    ]
    words += ["metrics=[loss, r2]", "metrics.0=mse", "epochs=null", "steps=7"]
    recipe = load_recipe(file, words)
    assert recipe.seed == 3
    assert recipe.optimizer.kwargs == {"lr": 0.001}
    assert recipe.paper.title == "a=b"
    assert recipe.loss.kwargs == {"reduction": "sum"}
    assert recipe.metrics == ("mse", "r2")
    assert (recipe.epochs, recipe.steps) == (None, 7)


def test_the_values_given_stay_as_they_were(tree: Tree) -> None:
    tree["model"]["args"] = ()
    tree["metrics"] = ["loss"]
    before = copy.deepcopy(tree)
    load_recipe(
        tree, ["optimizer.lr=3", "loss.reduction=sum", "metrics.0=r2", "data.splits.seed=1"]
    )
    assert tree == before


@pytest.mark.parametrize(
    ("old", "new", "section"),
    [
        ("use: torch.nn.Linear,", "use: ./net.py:Net,", "model"),
        ("loss: torch.nn.MSELoss", "loss: {use: ./net.py:loss}", "loss"),
        ("loss: torch.nn.MSELoss", "loss: ./net.py:loss", "loss"),
        ("loss: torch.nn.MSELoss", "loss: net.py:loss", "loss"),
    ],
)
def test_a_file_of_the_recipe_is_relative_to_its_folder(
    file: Path, old: str, new: str, section: str
) -> None:
    assert old in TEXT
    file.write_text(TEXT.replace(old, new))
    use = getattr(load_recipe(file), section).use
    assert use == f"{file.parent}/net.py:{'Net' if section == 'model' else 'loss'}"


@pytest.mark.parametrize("override", ["loss.use=./net.py:loss", "loss=./net.py:loss"])
def test_a_file_in_an_override_is_relative_to_the_current_folder(
    file: Path, override: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    assert load_recipe(file, [override]).loss.use == f"{file.parent}/net.py:loss"


def test_a_transform_in_short_form_is_relative_to_the_current_folder(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    file.with_name("t.py").write_text("class T: ...\n")
    recipe = load_recipe(file, ["data.transform=[./t.py:T]"])
    assert recipe.data.transform[0].use == f"{file.parent}/t.py:T"


def test_a_file_in_plain_values_is_relative_to_the_current_folder(
    file: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    tree["loss"] = {"use": "./net.py:loss"}
    assert load_recipe(tree).loss.use == f"{file.parent}/net.py:loss"


def test_without_check_nothing_is_imported(file: Path, tree: Tree) -> None:
    ran = file.with_name("ran")
    file.with_name("side.py").write_text(
        f"import pathlib\npathlib.Path({str(ran)!r}).touch()\nclass Net: ...\n"
    )
    tree["model"] = {"use": f"{file.parent}/side.py:Net", "no_such": 1}
    assert load_recipe(tree, check=False).model.kwargs == {"no_such": 1}
    assert not ran.exists()
    with pytest.raises(InvalidRecipeError, match="no_such"):
        load_recipe(tree)
    assert ran.exists()


ROUND: list[tuple[str, Any]] = [
    ("name", "1e-3"),
    ("seed", 2**63 - 1),
    ("clip_norm", float("inf")),
    ("paper", {"title": "yes", "notes": "two\nlines\n", "where": " padded ", "url": "null"}),
    ("data", {"source": "diabetes", "batch_size": 8, "splits": {"validation": 1, "test": 0.5}}),
    ("scheduler", {"use": "a.B", "interval": "step", "gammas": [0.1, 1e-7]}),
    ("metrics", ["loss", "top3_accuracy"]),
    (
        "claims",
        [
            {
                "metric": "r2",
                "split": "train",
                "value": 0.1,
                "printed": "0.10",
                "tolerance": 1e-9,
                "plus_minus": {"value": 0.01, "is": "ci", "level": 0.9},
                "kind": "expected",
            },
            {
                "metric": "r2",
                "split": "train",
                "value": "20 %",
                "tolerance": "0.5 points",
                "kind": "expected",
            },
        ],
    ),
    (
        "claims",
        [
            {
                "metric": "r2",
                "split": "train",
                "value": "1.5 points",
                "tolerance": "1 point",
                "kind": "difference",
                "versus": {"set": {"optimizer.lr": 0.2, "name": "1e-3"}},
                "n": "unknown",
            }
        ],
    ),
    ("verify", {"seeds": [3, 1, 4, 15, 9], "alpha": 0.1}),
    ("deviations", ["yes", "1e-3"]),
    ("model", {"use": "a.B", "args": [[1, 2], {"use": "a.C", "args": ["x"]}], "x": {"y": [True]}}),
    ("model", {"use": "a.B", "text": ["1e-3", "no", "2024-01-01", ""], "none": [None]}),
    ("model", {"use": "torch.nn.BatchNorm1d", "num_features": 10, "momentum": None}),
    ("model", {"use": "a.B", "options": {}, "names": [], "deep": {"x": None, "y": {}}}),
    ("model", {"use": "a.B", "args": [{"use": "a.C", "dim": None}]}),
]


@pytest.mark.parametrize(("key", "value"), ROUND)
def test_yaml_of_a_recipe_loads_to_an_equal_one(
    tmp_path: Path, tree: Tree, key: str, value: Any
) -> None:
    recipe = load_recipe({**tree, key: value}, check=False)
    path = tmp_path / "again.yaml"
    path.write_text(to_yaml(recipe), encoding="utf-8")
    assert load_recipe(path, check=False) == recipe


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_yaml_of_a_shipped_recipe_loads_to_an_equal_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / "again.yaml"
    path.write_text(to_yaml(load_recipe(name)), encoding="utf-8")
    assert load_recipe(path) == load_recipe(name)


def test_yaml_has_defaults_and_omits_unset_keys(tree: Tree) -> None:
    plain = to_tree(load_recipe(tree))
    assert plain["loss"] == {"use": "torch.nn.MSELoss"}
    assert plain["evaluate"] == {
        "every": 1, "interval": "epoch", "test": "at-end", "batch_size": 1000, "train": True,
    }  # fmt: skip
    assert not {"paper", "scheduler", "steps", "clip_norm"} & set(plain)
    assert list(plain)[:4] == ["name", "task", "data", "model"]


def test_values_that_yaml_cannot_express_are_refused(tree: Tree) -> None:
    tree["model"]["bias"] = len
    with pytest.raises(RecipeError, match=r"model\.bias"):
        load_recipe(tree)


def test_a_loaded_recipe_is_frozen(tree: Tree) -> None:
    recipe = load_recipe(tree)
    assert isinstance(recipe, Recipe)
    with pytest.raises(ValueError, match="frozen"):
        recipe.seed = 3


def test_recipe_and_store_import_neither_the_engine_nor_torch() -> None:
    code = (
        "import sys, papertrial.recipe.digest, papertrial.recipe.portable\n"
        "import papertrial.store.provenance, papertrial.store.run_folder\n"
        "print(*sorted({'.'.join(m.split('.')[:2]) for m in sys.modules if m.split('.')[0] in"
        " ('papertrial', 'torch', 'numpy', 'torchvision', 'sklearn')}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    known = [
        "claims",
        "errors",
        "extras",
        "hub",
        "numbers",
        "programs",
        "reading_note",
        "recipe",
        "record",
        "store",
        "version",
        "vocabulary",
    ]
    assert done.stdout.split() == ["papertrial", *(f"papertrial.{part}" for part in known)]
