"""Recipes with an objective: checked, and trained twice to the same bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn

import papertrial as pt
from papertrial.errors import ModelError
from papertrial.recipe.digest import training_hash
from papertrial.recipe.load import require_model
from papertrial.runs.evaluate import evaluate_run
from papertrial.store.run_folder import OBJECTIVE, STATE, WEIGHTS

STEP = '''
import random

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

DRAWS = {
    "torch": lambda x: x + torch.randn_like(x),
    "numpy": lambda x: x + torch.from_numpy(np.random.normal(size=x.shape)).float(),
    "Python": lambda x: x * random.random(),
}


def drawn(model, x, y, loss, kind):
    """Change the batch with draws of a library."""
    output = model(DRAWS[kind](x))
    return loss(output, y), output


def doubled(model, x, y, loss):
    output = model(x)
    return 2 * loss(output, y), output


def detached(model, x, y, loss):
    output = model(x)
    return loss(output.detach(), y), output


class Proxies(nn.Module):
    """Learns a point for each class, and pulls the outputs towards that of their class."""

    trains = True

    def __init__(self, classes):
        super().__init__()
        self.points = nn.Parameter(torch.randn(classes, classes))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def forward(self, model, x, y, loss):
        self.steps += 1
        output = model(x)
        return loss(output, y) + F.mse_loss(output, self.points[y]), output


class Undeclared(Proxies):
    trains = False


def net():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def teacher(weights):
    model = net()
    model.load_state_dict(load_file(weights))
    return model


class Flipped:
    def __call__(self, image):
        return image.flip(-1) if torch.rand(()) < 0.5 else image
'''


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the objectives and a teacher's weights, that relative paths begin in."""
    (tmp_path / "step.py").write_text(STEP)
    torch.manual_seed(1)
    known = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).state_dict()
    safetensors.torch.save_file(known, tmp_path / "teacher.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recipe(objective: Any = None, **more: Any) -> dict[str, Any]:
    tree = {
        "name": "objectives",
        "task": "image-classification",
        "data": {
            "source": "digits",
            "limit": 200,
            "splits": {"test": 40},
            "batch_size": 32,
            "transform": ["papertrial.transforms.Normalize"],
        },
        "model": "./step.py:net",
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1, "momentum": 0.9},
        "epochs": 2,
        **more,
    }
    return tree if objective is None else {**tree, "objective": objective}


def train(tree: dict[str, Any], runs: str = "runs", *overrides: str) -> pt.Run:
    return pt.train(pt.load_recipe(tree, overrides), runs=Path(runs), device="cpu")


def weights(run: pt.Run) -> str:
    return hashlib.sha256((run.path / WEIGHTS).read_bytes()).hexdigest()


OBJECTIVES = {
    "Mixup": {"use": "papertrial.objectives.Mixup", "alpha": 0.4},
    "CutMix": "papertrial.objectives.CutMix",
    "SAM": "papertrial.objectives.SAM",
    "Contrastive": {
        "use": "papertrial.objectives.Contrastive",
        "augment": [{"use": "./step.py:Flipped"}],
    },
    "Distillation": {
        "use": "papertrial.objectives.Distillation",
        "teacher": {"use": "./step.py:teacher", "weights": "teacher.safetensors"},
    },
    "torch": {"use": "./step.py:drawn", "kind": "torch"},
    "numpy": {"use": "./step.py:drawn", "kind": "numpy"},
    "Python": {"use": "./step.py:drawn", "kind": "Python"},
    "parameters": {"use": "./step.py:Proxies", "classes": 10},
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The weights without an objective."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "step.py").write_text(STEP)
    model = f"{folder}/step.py:net"
    return weights(train(recipe(model=model), str(folder)))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_two_trainings_give_the_same_bytes(name: str, plain: str) -> None:
    first, second = (train(recipe(OBJECTIVES[name]), runs) for runs in ("one", "two"))
    assert weights(first) == weights(second)
    assert weights(first) != plain
    assert (first.path / OBJECTIVE).exists() == (name == "parameters")
    if name == "parameters":
        assert (first.path / OBJECTIVE).read_bytes() == (second.path / OBJECTIVE).read_bytes()
    if name in ("torch", "numpy", "Python"):
        assert weights(train(recipe(OBJECTIVES[name]), "three", "seed=1")) != weights(first)


def test_the_default_objective_is_the_loss_of_the_output(plain: str) -> None:
    """Twice the loss at half the learning rate gives the weights of the plain training."""
    halved = recipe("./step.py:doubled", optimizer={"use": "torch.optim.SGD", "lr": 0.05})
    whole = recipe(optimizer={"use": "torch.optim.SGD", "lr": 0.1})
    one, other = (safetensors.torch.load_file(train(t).path / WEIGHTS) for t in (halved, whole))
    for key, value in one.items():
        torch.testing.assert_close(value, other[key], rtol=1e-5, atol=1e-7)


def test_parameters_of_an_objective_are_trained_and_kept() -> None:
    run = train(recipe(OBJECTIVES["parameters"]))
    kept = safetensors.torch.load_file(run.path / OBJECTIVE)
    assert kept["steps"] == 2 * 7  # batches of 32 of 200 rows; the checks before do not count
    state = torch.load(run.path / STATE, weights_only=True)["objective"]
    assert torch.equal(state["points"], kept["points"])
    still = train(recipe(OBJECTIVES["parameters"], optimizer={"use": "torch.optim.SGD", "lr": 0.0}))
    assert not torch.equal(
        kept["points"], safetensors.torch.load_file(still.path / OBJECTIVE)["points"]
    )


def test_a_frozen_teacher_stays_as_it_is_and_is_stored_nowhere_but_as_the_file() -> None:
    run = train(recipe(OBJECTIVES["Distillation"]))
    assert not (run.path / OBJECTIVE).exists()
    assert torch.load(run.path / STATE, weights_only=True)["objective"] == {}
    before = run.recipe
    Path("teacher.safetensors").unlink()
    assert pt.load_run(run.path).recipe == before  # predictions need no teacher
    assert evaluate_run(pt.load_run(run.path)).metrics["test"] == run.metrics["test"]


def test_a_teacher_changes_the_hash_of_the_training() -> None:
    loaded = require_model(pt.load_recipe(recipe(OBJECTIVES["Distillation"])))
    before = training_hash(loaded)
    other = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).state_dict()
    safetensors.torch.save_file(other, "teacher.safetensors")
    assert training_hash(loaded) != before


@pytest.mark.parametrize("name", OBJECTIVES)
def test_check_accepts_them(name: str) -> None:
    found = pt.check(recipe(OBJECTIVES[name]), device="cpu")
    assert [str(problem) for problem in found.problems] == []


@pytest.mark.parametrize(
    ("objective", "told"),
    [
        ("./step.py:detached", "detached"),
        ({"use": "./step.py:Undeclared", "classes": 10}, "points"),
    ],
)
def test_check_and_training_refuse_them_by_key(objective: Any, told: str) -> None:
    found = pt.check(recipe(objective), device="cpu")
    assert any("objective" in str(p) and told in str(p) for p in found.problems)
    with pytest.raises(ModelError, match=f"^objective: .*{told}"):
        train(recipe(objective))


@pytest.mark.parametrize("objective", ["papertrial.objectives.Mixup", OBJECTIVES["torch"]])
def test_accumulate_is_refused_where_parts_differ(objective: Any) -> None:
    with pytest.raises(ModelError, match="accumulate: 2"):
        train(recipe(objective, accumulate=2))
