"""Warn about targets of `task: prediction` that a loss takes, but in another sense."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from papertrial.data.column import Dataset
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.tasks.loss_requirements import CLASSES_LAST


def check_prediction_targets(
    loss: Any, output: Tensor, y: Any, dataset: Dataset
) -> Iterator[Diagnosis]:
    """Warn about classes on an axis that may be another one, and about targets in bytes.

    Args:
        loss: the loss of the recipe.
        output: outputs of a batch, [B, ...].
        y: its targets.
        dataset: the set as stored.
    """
    takes_classes = isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss)
    if takes_classes and isinstance(y, Tensor) and y.shape == output.shape[:-1] and y.ndim > 1:
        # Of other shapes, torch refuses one of the two readings.
        yield Diagnosis(
            "warning",
            "loss",
            f"takes axis 1 of the outputs {[*output.shape]} as the classes, not the last axis, "
            "which has as many entries",
            f"{CLASSES_LAST}; ignore this warning if axis 1 is meant",
        )
    stored = dataset.train.y
    scaled = dataset.kind == "image" and dataset.train.x.dtype == torch.uint8
    if scaled and isinstance(stored, Tensor) and stored.dtype == torch.uint8 and stored.ndim > 2:
        yield Diagnosis(
            "warning",
            "data",
            "bytes as inputs become 0 to 1, but bytes as targets reach the loss as 0 to 255",
            "return targets as float32 divided by 255 if they are images; ignore this warning if "
            "they are classes or masks",
        )
