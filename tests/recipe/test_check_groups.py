"""Parameter groups of a recipe: accepted forms, and each mistake at its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from papertrial.errors import InvalidRecipeError
from papertrial.recipe.digest import training_hash
from papertrial.recipe.load import load_recipe, to_tree, to_yaml
from papertrial.recipe.portable import portable
from papertrial.recipe.schema import Recipe
from papertrial.recipe.yaml_text import parse

Tree = dict[str, Any]
SGD = "torch.optim.SGD"


def loaded(tree: Tree, *groups: Tree) -> Recipe:
    recipe = load_recipe({**tree, "optimizer": {"use": SGD, "lr": 0.1, "groups": list(groups)}})
    assert isinstance(recipe, Recipe)
    return recipe


def problems(tree: Tree, *groups: Tree) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRecipeError) as error:
        loaded(tree, *groups)
    return [(problem.where, problem.message) for problem in error.value.problems]


def test_a_name_may_stand_for_a_list_and_plain_values_load_again(tree: Tree) -> None:
    second = {
        "ndim": 2,
        "use": "torch.optim.Adam",
        "lr": 0.01,
        "scheduler": "torch.optim.lr_scheduler.ExponentialLR",
    }
    second["scheduler"] = {"use": second["scheduler"], "gamma": 0.9, "interval": "step"}
    recipe = loaded(tree, {"match": "*.bias", "weight_decay": 0}, second)
    first, other = recipe.optimizer.groups
    assert (first.match, first.layers, first.options) == (("*.bias",), (), {"weight_decay": 0})
    assert (other.use, other.options) == ("torch.optim.Adam", {"lr": 0.01})
    assert other.scheduler is not None
    assert (other.scheduler.interval, other.scheduler.kwargs) == ("step", {"gamma": 0.9})
    again = load_recipe(parse(to_yaml(recipe)).tree)
    assert again == recipe


def test_without_groups_a_recipe_has_the_hash_that_it_had(tree: Tree) -> None:
    assert loaded(tree) == load_recipe({**tree, "optimizer": {"use": SGD, "lr": 0.1}})
    assert "groups" not in to_tree(loaded(tree))["optimizer"]


@pytest.mark.parametrize(
    ("group", "where", "text"),
    [
        ({"lr": 0.1}, "", "match, layers or ndim"),
        ({"match": "*"}, "", "no option of its own"),
        ({"match": "*", "momentm": 0.9}, ".momentm", '"momentum"'),
        ({"match": "*", "params": 0.9}, ".params", "not an argument"),
        ({"match": "*", "lr": "high"}, ".lr", "a number"),
        ({"match": "*", "lr": 1, "args": [1]}, ".args", "give it use"),
        ({"match": "*", "lr": 1, "scheduler": "torch.nn.ReLU"}, ".scheduler", "give it use"),
        ({"match": "*", "use": "torch.optim.Adm"}, ".use", '"Adam"'),
        ({"match": "*", "use": "torch.optim.Adam", "momentum": 1}, ".momentum", "not an argument"),
        ({"match": 3, "lr": 1}, ".match", "must be a list"),
        ({"ndim": -1, "lr": 1}, ".ndim", "greater than or equal to 0"),
        ({"layers": "torch.nn.LayerNom", "lr": 1}, ".layers", '"LayerNorm"'),
        ({"layers": ["torch.nn.functional.relu"], "lr": 1}, ".layers", "class of a module"),
    ],
)
def test_a_mistake_in_a_group_is_told_at_its_key(
    tree: Tree, group: Tree, where: str, text: str
) -> None:
    found = problems(tree, {"match": "bias", "lr": 0.2}, group)
    assert [w for w, _ in found] == [f"optimizer.groups.1{where}"]
    assert text in found[0][1]


@pytest.mark.parametrize(
    ("scheduler", "where", "text"),
    [
        ({"use": "torch.optim.lr_scheduler.StepLR"}, "step_size", "missing"),
        ({"use": "torch.optim.lr_scheduler.StepLR", "step_size": 1, "gama": 1}, "gama", '"gamma"'),
        (
            {"use": "torch.optim.lr_scheduler.ReduceLROnPlateau", "monitor": "loss"},
            "monitor",
            "top level",
        ),
    ],
)
def test_a_mistake_in_the_scheduler_of_a_group_is_told_at_its_key(
    tree: Tree, scheduler: Tree, where: str, text: str
) -> None:
    group = {"match": "*", "use": "torch.optim.Adam", "scheduler": scheduler}
    found = problems(tree, group)
    assert [w for w, _ in found] == [f"optimizer.groups.0.scheduler.{where}"]
    assert text in found[0][1]


def test_the_code_of_a_group_is_anchored_hashed_and_copied(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code = Path("own.py")
    code.write_text(
        "import torch\nclass Own(torch.optim.SGD): ...\nclass Norm(torch.nn.LayerNorm): ...\n"
        "def rate(step): return 1.0\n"
    )
    lambda_ = "torch.optim.lr_scheduler.LambdaLR"
    groups = [
        {"layers": "./own.py:Norm", "weight_decay": 0},
        {
            "match": "*",
            "use": "./own.py:Own",
            "lr": 0.1,
            "scheduler": {"use": lambda_, "lr_lambda": "./own.py:rate"},
        },
    ]
    recipe = loaded(tree, *groups)
    first, second = recipe.optimizer.groups
    assert first.layers == (f"{tmp_path.resolve()}/own.py:Norm",)
    assert second.use == f"{tmp_path.resolve()}/own.py:Own"
    assert second.scheduler is not None
    assert second.scheduler.kwargs == {"lr_lambda": f"{tmp_path.resolve()}/own.py:rate"}
    packed = portable(recipe)
    assert packed.files == {"code/own.py": code.read_bytes()}
    copied = parse(packed.text).tree["optimizer"]["groups"]
    assert copied[0]["layers"] == ["./code/own.py:Norm"]
    assert copied[1]["scheduler"]["lr_lambda"] == "./code/own.py:rate"
    before = training_hash(recipe)
    code.write_text(code.read_text() + "\n# changed\n")
    assert training_hash(loaded(tree, *groups)) != before
