"""The two hashes: which changes of a recipe change them, and which do not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from papertrial.errors import RecipeError
from papertrial.recipe import digest
from papertrial.recipe.digest import recipe_hash, scoring_hash, training_hash
from papertrial.recipe.load import load_recipe, shipped_recipes, to_yaml
from papertrial.store.run_folder import PREPROCESS, WEIGHTS

Tree = dict[str, Any]

NET = "import torch\nclass Net(torch.nn.Linear): ...\n"

NOT_TRAINING = [
    "name=other",
    "seed=7",
    "paper.title=A paper",
    "metrics=[loss]",
    "claims=[{kind: expected, metric: r2, split: train, value: 0.5, tolerance: 0.1}]",
    "claims.0.tolerance=0.2",
    "verify.max_seeds=20",
    "deviations=[Another optimizer]",
    "log_every=1",
    "evaluate.every=5",
    "evaluate.batch_size=3",
    "evaluate.test=every-epoch",
    "claims.0.not_judged=it is another setting",
]
TRAINING = [
    "task=image-classification",
    "data.source=digits",
    "data.batch_size=9",
    "data.shuffle=false",
    "data.splits.test=0.5",
    "data.splits.validation=0.5",
    "data.splits.seed=1",
    "data.transform=[papertrial.transforms.Standardize]",
    "data.augment=[papertrial.transforms.Standardize]",
    "model.bias=false",
    "loss.reduction=sum",
    "optimizer.lr=0.2",
    "optimizer.use=torch.optim.Adam",
    "scheduler={use: torch.optim.lr_scheduler.ConstantLR}",
    "epochs=2",
    "accumulate=2",
    "clip_norm=1",
    "precision=bf16",
    "data.batch_size=full",
    "data.limit=100",
    "data.table.features=[bmi]",
    "report_metric=r2",
]


@pytest.mark.parametrize("override", NOT_TRAINING)
def test_what_cannot_change_the_weights_changes_the_recipe_hash_alone(
    tree: Tree, override: str
) -> None:
    tree["claims"] = [
        {"metric": "r2", "split": "train", "value": 0.4, "tolerance": 0.1, "kind": "expected"}
    ]
    before, after = load_recipe(tree), load_recipe(tree, [override])
    assert training_hash(after) == training_hash(before)
    assert recipe_hash(after) != recipe_hash(before)


@pytest.mark.parametrize("override", TRAINING)
def test_what_can_change_the_weights_changes_both_hashes(tree: Tree, override: str) -> None:
    before, after = load_recipe(tree), load_recipe(tree, [override])
    assert training_hash(after) != training_hash(before)
    assert recipe_hash(after) != recipe_hash(before)


def test_epochs_and_steps_of_one_number_are_not_the_same(tree: Tree) -> None:
    assert training_hash(load_recipe(tree)) != training_hash(
        load_recipe(tree, ["epochs=null", "steps=1"])
    )


LISTENERS: list[Tree] = [
    {"scheduler": {"use": "torch.optim.lr_scheduler.ReduceLROnPlateau", "monitor": "mse"}},
    {"early_stopping": {}},
    {"report": "best-on-validation"},
    {"report": "best-on-test", "evaluate": {"test": "every-epoch"}},
]


@pytest.mark.parametrize("listener", LISTENERS)
def test_how_often_to_evaluate_counts_where_something_listens(tree: Tree, listener: Tree) -> None:
    tree["data"]["splits"] = {"validation": 0.1}
    unheard = training_hash(load_recipe(tree))
    tree |= listener
    before = training_hash(load_recipe(tree))
    assert before != unheard
    assert training_hash(load_recipe(tree, ["evaluate.every=5"])) != before
    assert training_hash(load_recipe(tree, ["metrics=[loss]", "seed=3"])) == before


OWN_METRIC = "def {name}(output, target):\n    return {sign}(output - target).abs().mean()\n"
DECIDING: list[Tree] = [
    {"scheduler": {"use": "torch.optim.lr_scheduler.ReduceLROnPlateau", "monitor": "apart"}},
    {"early_stopping": {"monitor": "apart"}},
    {"report": "best-on-validation", "report_metric": "apart"},
]


@pytest.mark.parametrize("decides", DECIDING)
def test_the_code_of_a_metric_counts_where_it_decides_the_training(
    tmp_path: Path, tree: Tree, decides: Tree
) -> None:
    file = tmp_path / "m.py"
    own = {"use": f"{file}:apart", "better": "lower"}
    tree["data"]["splits"] = {"validation": 0.1}
    tree["metrics"] = ["mse", own, {"use": f"{file}:other", "better": "lower"}]

    def hashes(sign: str, other: str, **changes: Any) -> tuple[str, str, str]:
        text = [OWN_METRIC.format(name="apart", sign=sign)]
        file.write_text("".join([*text, OWN_METRIC.format(name="other", sign=other)]))
        recipe = load_recipe({**tree, **changes})
        return training_hash(recipe), scoring_hash(recipe), recipe_hash(recipe)

    unused, scored, _ = hashes("", "")
    assert hashes("-", "")[0] == unused
    assert hashes("-", "")[1] != scored
    first = hashes("", "", **decides)
    assert first[0] != unused
    assert all(a != b for a, b in zip(hashes("-", "", **decides), first, strict=True))
    higher = ["mse", {**own, "better": "higher"}, tree["metrics"][2]]
    assert hashes("", "", **decides, metrics=higher)[0] != first[0]
    fewer = hashes("", "", **decides, metrics=["mse", own])
    assert fewer[0] == first[0]
    assert fewer[1] != first[1]


@pytest.mark.parametrize("override", ["metrics=[loss]", "evaluate.batch_size=3", "optimizer.lr=2"])
def test_what_computes_the_scores_counts_in_their_hash(tree: Tree, override: str) -> None:
    before = scoring_hash(load_recipe(tree))
    assert scoring_hash(load_recipe(tree, [override])) != before
    assert scoring_hash(load_recipe(tree, ["seed=3", "log_every=1", "name=other"])) == before


@pytest.mark.parametrize("key", ["monitor=mse", "patience=9", "min_delta=0.1"])
def test_when_to_stop_counts(tree: Tree, key: str) -> None:
    tree["data"]["splits"] = {"validation": 0.1}
    tree["early_stopping"] = {}
    assert training_hash(load_recipe(tree, [f"early_stopping.{key}"])) != training_hash(
        load_recipe(tree)
    )


def test_an_argument_that_is_null_is_not_an_argument_left_out(tree: Tree) -> None:
    tree["model"] = {"use": "torch.nn.BatchNorm1d", "num_features": 10}
    cumulative = load_recipe(tree, ["model.momentum=null"])
    assert training_hash(cumulative) != training_hash(load_recipe(tree))


def test_the_way_of_writing_changes_no_hash(tmp_path: Path, tree: Tree) -> None:
    first = load_recipe(tree)
    tree["loss"] = {"use": "torch.nn.MSELoss", "args": []}
    tree |= {"seed": 0, "scheduler": None, "paper": {}}
    second = load_recipe(dict(reversed(tree.items())))
    path = tmp_path / "again.yaml"
    path.write_text(to_yaml(first))
    for other in (second, load_recipe(path)):
        assert recipe_hash(other) == recipe_hash(first)
        assert training_hash(other) == training_hash(first)


@pytest.mark.parametrize("nested", [False, True])
def test_a_file_counts_by_its_text_not_by_its_place(
    tmp_path: Path, tree: Tree, nested: bool
) -> None:
    def hashes(path: Path, text: str) -> tuple[str, str]:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        slot = {"use": f"{path}:Net", "in_features": 10, "out_features": 1}
        tree["model"] = {"use": "torch.nn.Sequential", "args": [slot]} if nested else slot
        recipe = load_recipe(tree)
        return recipe_hash(recipe), training_hash(recipe)

    first = hashes(tmp_path / "a" / "net.py", NET)
    assert hashes(tmp_path / "b" / "other.py", NET) == first
    changed = hashes(tmp_path / "a" / "net.py", NET + "# note\n")
    assert changed[0] != first[0]
    assert changed[1] != first[1]


def hashes_of(tree: Tree) -> tuple[str, str]:
    recipe = load_recipe(tree, check=False)
    return recipe_hash(recipe), training_hash(recipe)


# What a training starts from: where its path stands, and the file that is read there.
CONTENTS = [
    ("source", "", "def load(): ...\n"),
    ("vocabulary_file", "", "good\nbad\n"),
    ("vectors", "", "good 0.1 0.2\n"),
    ("init_from", "model.safetensors", "weights"),
]


@pytest.mark.parametrize(("key", "inside", "text"), CONTENTS)
def test_what_a_training_starts_from_counts_by_its_content_not_by_its_place(
    tmp_path: Path, tree: Tree, key: str, inside: str, text: str
) -> None:
    def hashes(name: str, text: str) -> tuple[str, str]:
        path = tmp_path / name
        file = path / inside if inside else path
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(text)
        if key == "source":
            tree["data"]["source"] = f"{path}:load"
        elif key == "init_from":
            tree["init_from"] = str(path)
        else:
            tree["data"]["text"] = {key: str(path)}
        return hashes_of(tree)

    tree["task"] = "text-classification"
    first = hashes("here.txt" if key != "source" else "here.py", text)
    assert hashes("there.txt" if key != "source" else "there.py", text) == first
    changed = hashes("here.txt" if key != "source" else "here.py", text + "\n")
    assert changed[0] != first[0]
    assert changed[1] != first[1]


def test_the_weights_are_found_where_a_run_keeps_them() -> None:
    assert (digest.WEIGHTS, digest.PREPROCESSING) == (WEIGHTS, PREPROCESS)


@pytest.mark.parametrize(("name", "other"), [("glove.6B.50d", "glove.6B.100d"), (None, "a.b")])
def test_named_word_vectors_are_hashed_by_their_name(
    tree: Tree, name: str | None, other: str
) -> None:
    tree["task"] = "text-classification"
    tree["data"]["text"] = {"vectors": name}
    first = hashes_of(tree)
    tree["data"]["text"] = {"vectors": other}
    assert hashes_of(tree)[1] != first[1]


@pytest.mark.parametrize("key", ["vocabulary_file", "vectors", "init_from"])
def test_a_missing_file_is_reported(tmp_path: Path, tree: Tree, key: str) -> None:
    tree["task"] = "text-classification"
    path = str(tmp_path / "gone.txt")
    if key == "init_from":
        tree["init_from"], path = path, f"{path}/model.safetensors"
    else:
        tree["data"]["text"] = {key: path}
    recipe = load_recipe(tree, check=False)
    with pytest.raises(RecipeError) as caught:
        training_hash(recipe)
    assert f"{path!r}: No such file or directory" in str(caught.value)


def test_the_name_taken_from_a_file_counts(tmp_path: Path, tree: Tree) -> None:
    path = tmp_path / "net.py"
    path.write_text(NET + "class Other(Net): ...\n")
    tree["model"]["use"] = f"{path}:Net"
    first = training_hash(load_recipe(tree))
    tree["model"]["use"] = f"{path}:Other"
    assert training_hash(load_recipe(tree)) != first


def test_the_shipped_recipes_differ_and_hashes_are_sha256() -> None:
    recipes = {name: load_recipe(name) for name in shipped_recipes()}
    hashes = {h for r in recipes.values() for h in (recipe_hash(r), training_hash(r))}
    assert len(hashes) == 2 * len(recipes) - 1
    same = (training_hash(recipes[name]) for name in ("digits-mlp", "digits-mlp-as-svc"))
    assert len(set(same)) == 1  # one training, two claims
    assert all(re.fullmatch("[0-9a-f]{64}", h) for h in hashes)
