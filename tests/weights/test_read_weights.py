"""Files of weights: what is recognised, and what is refused."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn

from papertrial.errors import ModelError
from papertrial.weights.read_weights import read_weights

STATE = {"fc.weight": torch.arange(6.0).view(2, 3), "fc.bias": torch.ones(2)}


@pytest.mark.parametrize(
    ("stored", "note"),
    [
        (STATE, ""),
        (OrderedDict(STATE), ""),
        ({"state_dict": STATE, "epoch": 3, "optimizer": {"lr": 0.1}}, "'state_dict'"),
        ({"epoch": 3, "model_state_dict": STATE}, "'model_state_dict'"),
        ({"model": STATE, "model_ema": {}}, "'model'"),
        ({f"module.{k}": v for k, v in STATE.items()}, "'module.'"),
        ({"model": {f"_orig_mod.{k}": v for k, v in STATE.items()}}, "'_orig_mod.'"),
    ],
)
def test_a_state_dict_is_found_in_the_usual_checkpoints(
    stored: Any, note: str, tmp_path: Path
) -> None:
    torch.save(stored, tmp_path / "w.pth")
    found = read_weights(tmp_path / "w.pth", "init_from")
    assert list(found.tensors) == list(STATE)
    assert all(torch.equal(found.tensors[name], STATE[name]) for name in STATE)
    assert found.sha256 == hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()
    assert note in " ".join(found.notes)
    assert bool(note) == bool(found.notes)


def test_safetensors_are_read(tmp_path: Path) -> None:
    safetensors.torch.save_file(STATE, tmp_path / "w.safetensors")
    found = read_weights(tmp_path / "w.safetensors", "init_from")
    assert {n: t.tolist() for n, t in found.tensors.items()} == {
        n: t.tolist() for n, t in STATE.items()
    }


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (nn.Linear(2, 2), "init_from: .*w.pth is not a file of weights alone"),  # a pickled class
        (torch.ones(2), "must be a state dict.* an object of the type Tensor"),
        ({"epoch": 3}, "must be a state dict.* a mapping with 'epoch'"),
        ({}, "must be a state dict"),
    ],
)
def test_other_objects_are_refused(stored: Any, message: str, tmp_path: Path) -> None:
    torch.save(stored, tmp_path / "w.pth")
    with pytest.raises(ModelError, match=message):
        read_weights(tmp_path / "w.pth", "init_from")


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_other_files_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_weights(tmp_path / name, "init_from")
    (tmp_path / name).write_text("no weights")
    with pytest.raises(ModelError, match=r"init_from: .* is not a"):
        read_weights(tmp_path / name, "init_from")


def test_no_code_of_a_file_runs(tmp_path: Path) -> None:
    class Harmful:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"state_dict": STATE, "more": Harmful()}, tmp_path / "w.pth")
    with pytest.raises(ModelError, match="not a file of weights alone"):
        read_weights(tmp_path / "w.pth", "init_from")
    assert not (tmp_path / "ran").exists()
