"""Parameter groups from the recipe to the weights, beside optimizers written by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import papertrial as pt
from papertrial.errors import ModelError, RecipeError
from papertrial.recipe.schema import Recipe
from papertrial.runs.build_optimizers import build_optimizers, largest_rate

BY_HAND = """
import torch

def groups(params, lr):
    w0, b0, w1, b1, w2, b2 = params
    return torch.optim.SGD([
        {"params": [w1, w2], "weight_decay": 0.0005},
        {"params": [w0, b0], "lr": 0.001, "weight_decay": 0.0005},
        {"params": [b1, b2], "weight_decay": 0.0},
    ], lr=lr, momentum=0.9)

class Two(torch.optim.Optimizer):
    def __init__(self, params, lr):
        w0, b0, w1, b1, w2, b2 = params
        self.first = torch.optim.SGD([b0, w1, b1, b2], lr=lr, fused=True)
        self.second = torch.optim.Adam([w0, w2], lr=0.01, fused=True)
        self.count = 0
        super().__init__([w0, b0, w1, b1, w2, b2], {"lr": lr})

    def step(self):
        self.second.param_groups[0]["lr"] = 0.01 * 0.5 ** (self.count // 12)
        self.first.step()
        self.second.step()
        self.count += 1

def sgd(params, lr): return torch.optim.SGD(list(params), lr=lr)

class Centers(torch.nn.Module):
    trains = True

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, model, x, y, loss):
        output = model(x)
        return loss(output * self.scale, y), output
"""
MODEL = {
    "use": "torch.nn.Sequential",
    "args": [
        {"use": "torch.nn.Flatten"},
        {"use": "torch.nn.Linear", "in_features": 64, "out_features": 8},
        {"use": "torch.nn.BatchNorm1d", "num_features": 8},
        {"use": "torch.nn.Linear", "in_features": 8, "out_features": 10},
    ],
}
SGD = {"use": "torch.optim.SGD", "lr": 0.1}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(BY_HAND)
    return tmp_path


def tree(optimizer: dict[str, Any], **more: Any) -> dict[str, Any]:
    """240 training digits in batches of 20: 12 steps are an epoch."""
    return {
        "name": "groups",
        "task": "image-classification",
        "data": {"source": "digits", "limit": 240, "splits": {"test": 0.2}, "batch_size": 20},
        "model": MODEL,
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": optimizer,
        "epochs": 2,
        "metrics": ["loss"],
        **more,
    }


def weights(folder: Path, optimizer: dict[str, Any], **more: Any) -> bytes:
    run = pt.train(pt.load_recipe(tree(optimizer, **more)), runs=folder / "runs", threads=1)
    return (run.path / "model.safetensors").read_bytes()


def test_options_of_groups_are_those_of_param_groups_by_hand(folder: Path) -> None:
    ours = {
        **SGD,
        "momentum": 0.9,
        "weight_decay": 0.0005,
        "fused": False,
        "groups": [{"match": "1.*", "lr": 0.001}, {"match": "*.bias", "weight_decay": 0}],
    }
    made = weights(folder, ours, clip_norm=1.0, accumulate=2)
    by_hand = {"use": f"{folder}/own.py:groups", "lr": 0.1}
    assert made == weights(folder, by_hand, clip_norm=1.0, accumulate=2)
    assert made == weights(folder, ours, clip_norm=1.0, accumulate=2)
    assert made != weights(folder, {**ours, "groups": []}, clip_norm=1.0, accumulate=2)


def test_a_second_optimizer_with_a_scheduler_steps_beside_the_first(folder: Path) -> None:
    halved = {"use": "torch.optim.lr_scheduler.StepLR", "step_size": 1, "gamma": 0.5}
    second = {
        "layers": "torch.nn.Linear",
        "ndim": 2,
        "use": "torch.optim.Adam",
        "lr": 0.01,
        "scheduler": halved,
    }
    ours = {**SGD, "groups": [second]}
    made = weights(folder, ours, clip_norm=1.0)
    assert made == weights(folder, {"use": f"{folder}/own.py:Two", "lr": 0.1}, clip_norm=1.0)
    # A scheduler at the top level acts on the main optimizer alone.
    still = {**second, "scheduler": {**halved, "gamma": 1.0}}
    above = weights(folder, {**SGD, "groups": [still]}, scheduler=halved)
    assert above == weights(folder, {**SGD, "groups": [{**still}]}, scheduler=halved)
    assert len({made, above, weights(folder, {**SGD, "groups": [still]})}) == 3


def test_an_objectives_own_parameters_may_have_a_group(folder: Path) -> None:
    objective = f"{folder}/own.py:Centers"
    group = {"match": "objective.scale", "lr": 0.0}
    recipe = pt.load_recipe(tree({**SGD, "groups": [group]}, objective=objective))
    run = pt.train(recipe, runs=folder / "runs", threads=1)
    kept = (run.path / "objective.safetensors").read_bytes()
    moved = pt.train(
        pt.load_recipe(tree(SGD, objective=objective)), runs=folder / "runs", threads=1
    )
    assert safetensors.torch.load(kept)["scale"].item() == 1.0
    other = safetensors.torch.load_file(moved.path / "objective.safetensors")
    assert other["scale"].item() != 1.0


def test_check_prints_the_size_of_each_group_and_of_the_rest(folder: Path) -> None:
    second = {"match": ["3.*"], "use": "torch.optim.Adam", "lr": 0.01}
    groups = [second, {"layers": ["torch.nn.BatchNorm1d"], "weight_decay": 0}]
    cosine = {"use": "torch.optim.lr_scheduler.CosineAnnealingLR", "T_max": 24}
    result = pt.check(tree({**SGD, "groups": groups}, scheduler=cosine))
    assert result.ok
    (told,) = [problem for problem in result.problems if problem.where == "scheduler"]
    assert "T_max: 24" in told.message
    assert "interval: step" in told.fix
    found = [(g.where, g.optimizer, g.tensors, g.parameters) for g in result.facts.groups or ()]
    assert found == [
        ("optimizer", "torch.optim.SGD", 2, 64 * 8 + 8),
        ("optimizer.groups.0", "torch.optim.Adam", 2, 8 * 10 + 10),
        ("optimizer.groups.1", "torch.optim.SGD", 2, 16),
    ]
    listed = result.to_json()["facts"]["groups"]  # type: ignore[index]
    assert listed[1]["options"] == {"lr": 0.01}
    assert result.facts.cost is not None


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ({**SGD, "groups": [{"match": "fc.*", "lr": 1}]}, r"groups\.0\.match: 'fc\.\*' matches no"),
        ({**SGD, "groups": [{"match": "1.*", "lr": -1.0}]}, r"groups\.0: .*Invalid learning rate"),
        (
            {**SGD, "groups": [{"match": "*", "use": "torch.optim.Adam"}]},
            "optimizer: has no parameters",
        ),
        (
            {"use": "torch.optim.LBFGS", "groups": [{"match": "1.*", "use": "torch.optim.SGD"}]},
            r"groups: LBFGS .* the only optimizer",
        ),
        (
            {"use": "torch.optim.LBFGS", "groups": [{"match": "1.*", "lr": 0.5}]},
            "LBFGS .*parameter groups",
        ),
        (
            {**SGD, "groups": [{"match": "*.bias", "use": "torch.nn.ReLU"}]},
            r"groups\.0: torch\.nn\.ReLU must give a torch\.optim\.Optimizer",
        ),
        ({**SGD, "groups": [{"layers": "torch.optim.SGD", "lr": 1}]}, "layers must name classes"),
    ],
)  # fmt: skip
def test_groups_that_cannot_be_built_are_told(
    folder: Path, optimizer: dict[str, Any], message: str
) -> None:
    with pytest.raises((ModelError, RecipeError), match=message):
        weights(folder, optimizer)


def test_an_option_that_cannot_differ_between_groups_is_told(folder: Path) -> None:
    code = folder / "odd.py"
    code.write_text(
        "import torch\n"
        "class Odd(torch.optim.SGD):\n"
        "    def __init__(self, params, lr, power=1): super().__init__(params, lr)\n"
    )
    group = {"match": "1.*", "power": 2}
    with pytest.raises(ModelError, match=r"groups\.0\.power: cannot differ .* lr, "):
        weights(folder, {"use": f"{code}:Odd", "lr": 0.1, "groups": [group]})


def test_groups_with_options_use_the_fused_kernel_where_there_is_one() -> None:
    model = torch.nn.Linear(2, 2)
    recipe = pt.load_recipe(tree({**SGD, "groups": [{"match": "bias", "weight_decay": 0.1}]}))
    optimizer, _ = build_optimizers(recipe, {"": model})
    assert [group["fused"] for group in optimizer.param_groups] == [True, True]
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0, 0.1]
    assert optimizer.param_groups[1]["params"][0] is model.bias


def _recipe(**optimizer: object) -> Recipe:
    recipe = pt.load_recipe("diabetes-linear", check=False)
    assert isinstance(recipe, Recipe)
    changed = type(recipe.optimizer).model_validate({"use": "torch.optim.Adam", **optimizer})
    return recipe.model_copy(update={"optimizer": changed})


@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [
        ({"lr": 0.5}, 0.5),
        ({"use": "torch.optim.LBFGS"}, math.inf),
        ({}, 0.001),  # Adam's default is 0.001
        ({"lr": 0.1, "groups": ({"match": "*.bias", "lr": 2.0},)}, 2.0),
    ],
)
def test_the_largest_rate_of_all_groups(optimizer: dict[str, object], rate: float) -> None:
    assert largest_rate(_recipe(**optimizer)) == pytest.approx(rate)
