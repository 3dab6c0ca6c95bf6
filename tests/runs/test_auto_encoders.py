"""`data.target: inputs`: an auto-encoder from the recipe to its predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import papertrial as pt
from papertrial.errors import DataError, RecipeError
from papertrial.runs.evaluate import evaluate_run
from papertrial.store.run_folder import PREDICTIONS, WEIGHTS


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


AUTO = {
    "task": "prediction",
    "name": "auto",
    "model": {
        "use": "torch.nn.Sequential",
        "args": [
            {"use": "torch.nn.Flatten"},
            {"use": "torch.nn.Linear", "in_features": 64, "out_features": 8},
            {"use": "torch.nn.Linear", "in_features": 8, "out_features": 64},
            {"use": "torch.nn.Unflatten", "dim": 1, "unflattened_size": [1, 8, 8]},
        ],
    },
    "loss": "torch.nn.MSELoss",
    "optimizer": {"use": "torch.optim.Adam", "lr": 0.01},
    "epochs": 2,
}


def auto(**data: Any) -> dict[str, Any]:
    return {
        **AUTO,
        "data": {
            "source": "digits",
            "limit": 200,
            "splits": {"test": 50},
            "batch_size": 32,
            "target": "inputs",
            "transform": ["papertrial.transforms.Normalize"],
            **data,
        },
    }


def train(tree: dict[str, Any]) -> pt.Run:
    return pt.train(pt.load_recipe(tree), runs=Path("runs"), device="cpu")


def stored(run: pt.Run, split: str = "test") -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(run.path / PREDICTIONS / f"{split}.safetensors")


def test_an_auto_encoder_has_its_prepared_inputs_as_targets() -> None:
    run = train(auto())
    kept = stored(run)
    assert kept["target"].shape == (50, 1, 8, 8)
    train_targets = stored(run, "train")["target"]
    assert abs(train_targets.mean().item()) < 1e-3  # normalised over the training part
    assert train_targets.std().item() == pytest.approx(1, abs=0.02)
    expected = (kept["output"].double() - kept["target"].double()).square().mean().item()
    assert run.metrics["test"]["loss"] == pytest.approx(expected, rel=1e-5)
    assert expected < 1
    assert evaluate_run(run).metrics == run.metrics
    assert (train(auto()).path / WEIGHTS).read_bytes() == (run.path / WEIGHTS).read_bytes()
    augmented = train(auto(augment=["papertrial.transforms.RandomHorizontalFlip"]))
    assert torch.equal(stored(augmented, "train")["target"], train_targets)


def test_inputs_as_targets_are_for_prediction_and_one_shape() -> None:
    with pytest.raises(RecipeError, match=r"data\.target: .*only for task: prediction"):
        pt.load_recipe({**auto(), "task": "image-classification"})


def test_a_finished_auto_encoder_is_evaluated_on_its_inputs_again() -> None:
    run = train(auto())
    assert evaluate_run(run).metrics == run.metrics


def test_check_accepts_it_and_predictions_have_the_shape_of_the_input() -> None:
    found = pt.check(auto(), device="cpu")
    assert [str(p) for p in found.problems if p.severity == "error"] == []
    run = pt.load_run(train(auto()).path)
    (answer,) = run.predict(torch.zeros(1, 1, 8, 8, dtype=torch.uint8).numpy())
    assert torch.tensor(answer.prediction).shape == (1, 8, 8)


def test_texts_have_many_lengths_and_are_refused() -> None:
    Path("texts.py").write_text(
        'def make():\n    return {"train": (["a b", "c"] * 8, None), "test": (["a"] * 4, None)}\n'
    )
    tree = {**AUTO, "data": {"source": "./texts.py:make", "batch_size": 4, "target": "inputs"}}
    with pytest.raises(DataError, match=r"^data\.target: inputs"):
        train(tree)
