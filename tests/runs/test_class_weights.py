"""Class weights of a loss, from the recipe to the stored loss."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

import papertrial as pt
from papertrial.auditing.check_scores import _scores_again
from papertrial.errors import ModelError, RunError
from papertrial.runs.build import to_device

DATA = """
import numpy as np

def rows(classes=("fine", "fraud")):
    draws = np.random.default_rng(3)
    y = (np.arange(120) % 10 == 0).astype(int)
    x = (draws.normal(size=(120, 2)) + 2 * y[:, None]).astype("float32")
    return {"train": (x[:80], y[:80]), "test": (x[80:], y[80:]), "classes": ["fine", "fraud"]}

def numbers():
    x = np.arange(40, dtype="float32").reshape(20, 2)
    return {"train": (x, x.sum(1)), "test": (x, x.sum(1))}
"""
CROSS, LOGITS = "torch.nn.CrossEntropyLoss", "torch.nn.BCEWithLogitsLoss"
NESTED = """
import torch

class Scaled(torch.nn.Module):
    def __init__(self, base, factor: float):
        super().__init__()
        self.base, self.factor = base, factor

    def forward(self, output, target):
        return self.factor * self.base(output, target)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data.py").write_text(DATA)
    (tmp_path / "scaled.py").write_text(NESTED)
    return tmp_path


def trained(folder: Path, loss: dict[str, Any], outputs: int = 2) -> pt.Run:
    """Train a linear model for an epoch; 72 training samples are fine and 8 are frauds."""
    recipe = pt.load_recipe(
        {
            "name": "weighted",
            "task": "table-classification",
            "data": {"source": f"{folder}/data.py:rows", "batch_size": 16},
            "model": {"use": "torch.nn.Linear", "in_features": 2, "out_features": outputs},
            "loss": loss,
            "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
            "epochs": 1,
            "metrics": ["loss"],
        }
    )
    return pt.train(recipe, runs=folder / "runs", threads=1)


def stored(run: pt.Run, split: str) -> tuple[torch.Tensor, torch.Tensor]:
    tensors = safetensors.torch.load_file(run.path / "predictions" / f"{split}.safetensors")
    return tensors["output"], tensors["target"]


def test_every_form_of_the_same_weights_trains_the_same_bytes(folder: Path) -> None:
    written = [80 / (2 * 72), 80 / (2 * 8)]
    by_hand = {"use": "torch.tensor", "args": [written]}
    forms: list[dict[str, Any]] = [
        {"use": CROSS, "weight": by_hand},
        {"use": CROSS, "weight": written},
        {"use": CROSS, "weight": {"fraud": written[1], "fine": written[0]}},
        {"use": CROSS, "weight": "balanced"},
        {"use": "torch.nn.functional.cross_entropy", "weight": "balanced"},
        {
            "use": f"{folder}/scaled.py:Scaled",
            "factor": 1.0,
            "base": {"use": CROSS, "weight": "balanced"},
        },
    ]
    runs = [trained(folder, form) for form in forms]
    assert len({(run.path / "model.safetensors").read_bytes() for run in runs}) == 1
    output, target = stored(runs[3], "test")
    expected = cross_entropy(output.double(), target, torch.tensor(written).double())
    assert runs[3].metrics["test"]["loss"] == pytest.approx(expected.item(), rel=1e-6)
    plain = trained(folder, {"use": CROSS})
    assert plain.metrics["test"]["loss"] != runs[3].metrics["test"]["loss"]


def test_a_balanced_weight_of_positives_is_negatives_by_positives(folder: Path) -> None:
    ours = trained(folder, {"use": LOGITS, "pos_weight": "balanced"}, outputs=1)
    by_hand = trained(folder, {"use": LOGITS, "pos_weight": 9.0}, outputs=1)
    weights = [(run.path / "model.safetensors").read_bytes() for run in (ours, by_hand)]
    assert weights[0] == weights[1]
    output, target = (one.double() for one in stored(ours, "test"))
    nine = torch.tensor(9.0)
    expected = binary_cross_entropy_with_logits(output[:, 0], target, pos_weight=nine.double())
    assert ours.metrics["test"]["loss"] == pytest.approx(expected.item(), rel=1e-6)


def test_a_run_is_evaluated_with_the_weights_of_its_training(folder: Path) -> None:
    run = trained(folder, {"use": CROSS, "weight": "balanced"})
    assert pt.evaluate_run(run).metrics == run.metrics
    assert _scores_again(run, torch.device("cpu")) == run.metrics
    (run.path / "predictions" / "train.safetensors").unlink()
    with pytest.raises(RunError, match=r"train\.safetensors is damaged"):
        pt.evaluate_run(run)


def test_the_tensors_of_a_loss_that_is_a_function_move_to_the_device() -> None:
    loss = partial(cross_entropy, weight=torch.ones(2), label_smoothing=0.1)
    moved = to_device(loss, torch.device("meta"))
    assert moved.keywords["weight"].device.type == "meta"
    assert moved.keywords["label_smoothing"] == 0.1


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ({"use": CROSS, "weight": [1, 2, 3]}, r"loss\.weight: .*each of the 2 classes, got 3"),
        (
            {"use": CROSS, "weight": {"fine": 1, "frod": 2}},
            r"loss\.weight: there is no class 'frod",
        ),
        ({"use": CROSS, "weight": {"fine": 1}}, r"loss\.weight: 'fraud' has no weight"),
        ({"use": LOGITS, "weight": "balanced"}, r"loss\.weight: .*use pos_weight"),
        ({"use": LOGITS, "pos_weight": {"fraud": 2}}, r"loss\.pos_weight: is one number"),
    ],
)
def test_weights_that_do_not_fit_the_classes_are_told(
    folder: Path, loss: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        trained(folder, loss, outputs=1 if loss["use"] == LOGITS else 2)


def test_balanced_needs_classes_and_check_tells_it(folder: Path) -> None:
    tree: dict[str, Any] = {
        "name": "numbers",
        "task": "regression",
        "data": {"source": f"{folder}/data.py:numbers", "batch_size": 5},
        "model": {"use": "torch.nn.Linear", "in_features": 2, "out_features": 1},
        "loss": {"use": LOGITS, "pos_weight": "balanced"},
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 1,
    }
    found = [(p.where, p.message) for p in pt.check(tree).problems if p.severity == "error"]
    assert len(found) == 1
    assert found[0][0] == "loss.pos_weight"
    assert "needs a task whose targets are classes" in found[0][1]
