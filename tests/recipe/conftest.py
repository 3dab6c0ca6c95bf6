"""Plain values of a valid recipe, for tests of papertrial.recipe to change."""

from __future__ import annotations

from typing import Any

import pytest


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
