"""A valid recipe to change, and a file that slots can use, for tests of papertrial.recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

PARTS = """
import dataclasses
import torch

@dataclasses.dataclass
class Point:
    x: int

class Outer:
    class Inner: ...

value = 3

def absolute(output, target): return (output - target).abs().mean()
def weighted(output, target, weight, *, power=1): ...
def maker(weight): return lambda output, target: weight * absolute(output, target)
def scale(image, factor): return image * factor
def only_positional(a, /, b=1): ...
def keyword_only(*, a): ...
def anything(*args, **kwargs): ...
def decay(rate, steps=1): return lambda epoch: rate ** epoch
"""


@pytest.fixture
def tree() -> dict[str, Any]:
    """A valid recipe, created for every test."""
    return {
        "name": "linear",
        "task": "regression",
        "data": {"source": "diabetes", "batch_size": 8},
        "model": {"use": "torch.nn.Linear", "in_features": 10, "out_features": 1},
        "loss": "torch.nn.MSELoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 1,
    }


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """A file with classes and functions that slots can use."""
    path = tmp_path / "parts.py"
    path.write_text(PARTS)
    return path
