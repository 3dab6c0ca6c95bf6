"""What a recipe says -> objects that do it; what cannot work is told before the training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import papertrial as pt
from papertrial.errors import DataError, ModelError, PapertrialError


def digits(runs: Path, *overrides: str, **options: Any) -> pt.Run:
    return pt.train(pt.load_recipe("digits-mlp", ["epochs=3", *overrides]), runs=runs, **options)


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (["model.out_features=8"], ModelError, r"must return \[32, 10\].*got \[32, 8\]"),
        (
            ["model.in_features=63"],
            ModelError,
            r"layer 1 \(Linear\) expects \[\.\.\., 63\] but gets \[32, 64\]",
        ),
        (["loss.use=torch.nn.NLLLoss"], ModelError, "use torch.nn.CrossEntropyLoss"),
        (["metrics=[mse]"], DataError, "'mse' is not one for classification"),
        (["metrics=[top10_accuracy]"], DataError, "always 1"),
        (["optimizer.lr=1e30"], PapertrialError, "diverged; lower optimizer.lr"),
        (["model={use: torch.nn.Flatten}"], ModelError, "must return"),
        (["data.splits.test=1797"], DataError, "1797 of 1797 rows cannot be taken"),
    ],
)
def test_mistakes_are_told(
    overrides: list[str], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        digits(tmp_path, *overrides)


SLOPPY = """
import random
import numpy as np
import torch
from torch import nn

class Drawn(nn.Linear):
    def __init__(self):
        super().__init__(64, 10)
        noise = np.random.randn(10, 64) * random.random() / 8
        self.weight = nn.Parameter(torch.tensor(noise, dtype=torch.float32))

    def forward(self, x):
        return super().forward(x.flatten(1))

class Nothing(nn.Flatten):
    def forward(self, x):
        return super().forward(x)[:, :10]

def jitter(image):
    return image.roll(random.randint(0, 3), np.random.randint(1, 3))

def to_float(image):
    return image.float()

class Tempered(nn.CrossEntropyLoss):
    def __init__(self):
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(()))
"""


@pytest.fixture
def sloppy(tmp_path: Path) -> Path:
    path = tmp_path / "sloppy.py"
    path.write_text(SLOPPY)
    return path


def test_pythons_and_numpys_generators_are_the_seeds_too(sloppy: Path, tmp_path: Path) -> None:
    changes = [f"model={{use: {sloppy}:Drawn}}", f"data.augment=[{sloppy}:jitter]", "epochs=1"]
    runs = [digits(tmp_path, *changes, f"seed={seed}") for seed in (1, 1, 2)]
    weights = [(run.path / "model.safetensors").read_bytes() for run in runs]
    assert weights[0] == weights[1] != weights[2]


def test_a_run_predicts_with_the_files_that_it_was_trained_with(
    sloppy: Path, tmp_path: Path
) -> None:
    run = digits(tmp_path, f"model={{use: {sloppy}:Drawn}}", "epochs=1")
    sloppy.write_text(SLOPPY.replace("x.flatten(1)", "x.flatten(1) * 0"))
    image = np.full((1, 8, 8), 200, np.uint8)
    assert run.predict(image) == pt.load_run(run.path).predict(image)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ("model={use: FILE:Nothing}", ModelError, "has no parameter to train"),
        ("data.augment=[FILE:to_float]", DataError, "belongs into data.transform"),
        ("data.transform=[{use: papertrial.data.image.RandomCrop, padding: 1}]", DataError, "augm"),
        ("loss.use=FILE:Tempered", ModelError, "has parameters of its own"),
        ("data.splits.validation=0.9999", DataError, "would leave one of the parts empty"),
    ],
)
def test_what_would_go_wrong_silently_or_late_is_told(
    change: str, error: type[Exception], message: str, sloppy: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        digits(tmp_path / "runs", change.replace("FILE", str(sloppy)))
    assert not list((tmp_path / "runs").iterdir())


def test_a_last_batch_that_cannot_be_normalised_is_told_before_the_training(
    tmp_path: Path,
) -> None:
    layers = [
        "{use: torch.nn.Flatten}",
        "{use: torch.nn.BatchNorm1d, num_features: 64}",
        "{use: torch.nn.Linear, in_features: 64, out_features: 10}",
    ]
    model = f"model={{use: torch.nn.Sequential, args: [{', '.join(layers)}]}}"
    with pytest.raises(ModelError, match="more than 1 value per channel"):
        digits(tmp_path, model, "data.batch_size=299")  # 898 = 3 * 299 + 1
