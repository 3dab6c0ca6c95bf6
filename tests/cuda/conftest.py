"""Recipes for tests on a GPU; without one, every test in this folder skips and says so."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import papertrial as pt

CNN: dict[str, Any] = {
    "name": "digits-cnn",
    "task": "image-classification",
    "data": {
        "source": "digits", "splits": {"test": 0.5, "draw": "random"}, "batch_size": 32,
        "transform": ["papertrial.transforms.Normalize"],
        "augment": [
            {"use": "papertrial.transforms.RandomCrop", "padding": 1},
            "papertrial.transforms.RandomHorizontalFlip",
        ],
    },
    "model": {
        "use": "torch.nn.Sequential",
        "args": [
            {"use": "torch.nn.Conv2d", "args": [1, 8, 3]},
            {"use": "torch.nn.BatchNorm2d", "args": [8]},
            {"use": "torch.nn.ReLU"},
            {"use": "torch.nn.Flatten"},
            {"use": "torch.nn.Dropout", "args": [0.2]},
            {"use": "torch.nn.Linear", "args": [288, 10]},
        ],
    },
    "loss": "torch.nn.CrossEntropyLoss",
    "optimizer": {"use": "torch.optim.AdamW", "lr": 0.003},
    "clip_norm": 1.0,
    "epochs": 3,
    "metrics": ["loss", "accuracy"],
}  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def cuda() -> torch.device:
    """The GPU; every test of this folder skips if there is none."""
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device: torch.cuda.is_available() is false")
    return torch.device("cuda")


@pytest.fixture
def cnn() -> dict[str, Any]:
    """A recipe whose steps have augmentation, batch statistics, dropout and clipping."""
    return CNN


@pytest.fixture(params=["digits-mlp", "digits-cnn"])
def recipe(request: pytest.FixtureRequest) -> pt.Recipe:
    """A short training on real digits."""
    if request.param == "digits-cnn":
        return pt.load_recipe(CNN)
    return pt.load_recipe(request.param, ["epochs=3", "claims=[]"])
