"""The batch that is tried first has the samples with the largest and smallest whole numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

import papertrial as pt
from papertrial.progress import finish
from papertrial.runs.extreme_samples import with_extreme_samples
from papertrial.runs.load_data import Samples, load_data

CODE = """
import torch


def one():
    x = torch.arange(60).reshape(20, 3) % 9
    x[13, 1], x[18, 2] = 40, -3
    return {"train": (x[:15], x[:15].float()), "test": (x[15:], x[15:].float())}


def several():
    ids = one()["train"][0]
    x = {"ids": ids, "mask": ids > 4, "scale": ids / 2}
    return {"train": (x, ids.float())}
"""


def _samples(folder: Path, name: str) -> Samples:
    (folder / "code.py").write_text(CODE)
    recipe = pt.load_recipe({
        "name": name,
        "task": "prediction",
        "data": {"source": f"{folder}/code.py:{name}", "batch_size": 4},
        "model": {"use": "torch.nn.Linear", "in_features": 3, "out_features": 3},
        "loss": "torch.nn.MSELoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 1,
    })  # fmt: skip
    assert isinstance(recipe, pt.Recipe)
    return finish(load_data(recipe, folder, torch.device("cpu")))


def test_the_first_rows_are_the_extreme_samples_of_all_parts(tmp_path: Path) -> None:
    samples = _samples(tmp_path, "one")
    x: Any = samples.batches.batch(0, 0, 0).x
    put = with_extreme_samples(x, samples)
    assert put.shape == x.shape
    assert put[0].tolist() == [3, 40, 5]
    assert put[1].tolist() == [0, 1, -3]
    assert torch.equal(put[2:], x[2:])
    assert len(with_extreme_samples(x[:1], samples)) == 2


def test_of_several_tensors_only_whole_numbers_count(tmp_path: Path) -> None:
    samples = _samples(tmp_path, "several")
    x: Any = samples.batches.batch(0, 0, 0).x
    put = with_extreme_samples(x, samples)
    assert put["ids"][:2].tolist() == [[0, 1, 2], [3, 40, 5]]
    assert torch.equal(put["scale"], put["ids"] / 2)
    assert torch.equal(put["mask"], put["ids"] > 4)
