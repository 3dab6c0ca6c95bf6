"""`data.augment` and `data.transform` with functions of one sample, where it is a tensor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import papertrial as pt
from papertrial.data.pipeline import Pipeline
from papertrial.data.streams import derive, generators_kept, seed_all
from papertrial.errors import DataError
from papertrial.transforms import RandomCrop

SERIES = """
import random

import numpy as np
import torch


def load():
    draws = np.random.default_rng(0)
    y = np.arange(90) % 2
    time = np.linspace(0, 3, 32)
    x = np.sin(time * (2 + 3 * y[:, None])) + draws.normal(0, 0.1, (90, 32))
    x = x[:, None].astype(np.float32)
    return {"train": (x[:60], y[:60]), "test": (x[60:], y[60:])}


def named():
    made = load()
    return {part: ({"wave": x, "same": x}, y) for part, (x, y) in made.items()}


def shifted(wave, most):
    return torch.roll(wave, random.randint(-most, most), -1)


def halves(wave):
    return wave.view(2, -1)
"""
RECIPE: dict[str, Any] = {
    "name": "series",
    "task": "classification",
    "data": {
        "source": "./series.py:load",
        "batch_size": 20,
        "augment": [{"use": "./series.py:shifted", "most": 4}],
        "transform": ["./series.py:halves"],
    },
    "model": {
        "use": "torch.nn.Sequential",
        "args": [
            {"use": "torch.nn.Flatten"},
            {"use": "torch.nn.Linear", "in_features": 32, "out_features": 2},
        ],
    },
    "loss": "torch.nn.CrossEntropyLoss",
    "optimizer": {"use": "torch.optim.Adam", "lr": 0.05},
    "epochs": 4,
    "claims": [{"metric": "accuracy", "kind": "at-least", "value": 0.6}],
}


def recipe(folder: Path, **data: Any) -> Any:
    (folder / "series.py").write_text(SERIES)
    changed = {**RECIPE, "data": {**RECIPE["data"], **data}}
    (folder / "series.yaml").write_text(json.dumps(changed))
    return pt.load_recipe(folder / "series.yaml")


def weights(run: Any) -> bytes:
    return (run.path / "model.safetensors").read_bytes()


def noisy(wave: torch.Tensor) -> torch.Tensor:
    return wave + torch.randn(wave.shape)


def test_each_sample_has_draws_of_its_own() -> None:
    pipeline = Pipeline("tensor", [], [noisy])
    x = torch.zeros(3, 1, 4)
    got = pipeline.augment(x, torch.empty(3, 0), torch.tensor([7, 2, 5]), seed=1, epoch=2)
    for sample, place in zip(got, [7, 2, 5], strict=True):
        with generators_kept(torch.device("cpu")):
            seed_all(torch.device("cpu"), derive(1, "augment", 2, 0, place))
            assert torch.equal(sample, torch.randn(1, 4))


def test_a_training_augments_tensors(tmp_path: Path) -> None:
    run = pt.train(recipe(tmp_path), runs=tmp_path / "one")
    assert run.metrics["test"]["accuracy"] > 0.9
    assert weights(pt.train(recipe(tmp_path), runs=tmp_path / "two")) == weights(run)
    assert weights(pt.train(recipe(tmp_path, augment=[]), runs=tmp_path / "three")) != weights(run)
    # Evaluations and predictions are not augmented.
    wave = torch.linspace(0, 1, 32)[None, None]
    with torch.no_grad():
        expected = run.predictor.prepared.model(wave.view(1, 2, 16)).softmax(1)[0]
    answer = run.predict(wave.numpy())[0]
    assert [answer.probabilities[name] for name in "01"] == pytest.approx(expected.tolist())


def test_a_verification_is_audited(tmp_path: Path) -> None:
    verified = pt.verify(recipe(tmp_path), runs=tmp_path, workers=1)
    assert pt.audit(verified.path, seed=0).ok


def test_what_does_not_fit_tensors_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^data.augment.0: RandomCrop is for images, .*tensors; "):
        Pipeline("tensor", [], [RandomCrop(1)])
    with pytest.raises(DataError, match=r"^shifted takes samples of one tensor, .*: same, wave; "):
        pt.train(recipe(tmp_path, source="./series.py:named", transform=[]), runs=tmp_path)
    with pytest.raises(DataError, match=r"^data.augment.0: tensors must stay torch.float32"):
        pt.train(recipe(tmp_path, augment=["torch.Tensor.double"]), runs=tmp_path)
