"""Targets of `task: prediction` that a loss takes in another sense than they are meant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from papertrial.checks.prediction_targets import check_prediction_targets
from papertrial.data.column import Dataset, DenseColumn, Split

X = torch.zeros(4, 1, 2, 2)


def _set(x: Tensor, y: Any, kind: Any = "image") -> Dataset:
    return Dataset("toy", kind, Split(DenseColumn(x), y, np.arange(4)))


@pytest.mark.parametrize(
    ("loss", "tokens", "told"),
    [
        (nn.CrossEntropyLoss(), 6, True),
        (nn.NLLLoss(), 6, True),
        (nn.MSELoss(), 6, False),
        (nn.CrossEntropyLoss(), 5, False),  # torch refuses one of the two readings
    ],
)
def test_classes_on_the_last_axis(loss: Any, tokens: int, told: bool) -> None:
    output, y = torch.zeros(4, tokens, 6), torch.zeros(4, 6).long()
    found = list(check_prediction_targets(loss, output, y, _set(X, y)))
    assert [(one.severity, one.where) for one in found] == [("warning", "loss")] * told
    assert all("papertrial.positions.cross_entropy" in one.fix for one in found)


@pytest.mark.parametrize(
    ("x", "y", "kind", "told"),
    [
        (X.byte(), X.byte(), "image", True),
        (X.byte(), X, "image", False),
        (X, X.byte(), "image", False),
        (X.byte(), X.byte(), "tensor", False),  # bytes stay as they are
        (X.byte(), torch.zeros(4, dtype=torch.uint8), "image", False),
        (X.byte(), {"mask": X.byte()}, "image", False),
    ],
)
def test_images_as_targets_in_bytes(x: Tensor, y: Any, kind: Any, told: bool) -> None:
    found = list(check_prediction_targets(nn.MSELoss(), X, X, _set(x, y, kind)))
    assert [(one.severity, one.where) for one in found] == [("warning", "data")] * told
    assert all("divided by 255" in one.fix for one in found)
