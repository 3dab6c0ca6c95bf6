"""Stored predictions read back as they were."""

from __future__ import annotations

import numpy as np
import safetensors.torch
import torch

from papertrial.data.column import DenseColumn, Split
from papertrial.evaluate.evaluator import Outputs
from papertrial.evaluate.stored_predictions import predictions_to_bytes, targets_in


def test_outputs_targets_and_ids_come_back_bit_for_bit() -> None:
    output = torch.randn(6, 3).t().contiguous().t()  # not contiguous
    split = Split(DenseColumn(torch.zeros(6, 1)), torch.arange(6) % 3, np.arange(6) + 40)
    read = safetensors.torch.load(predictions_to_bytes(Outputs(output), split))
    assert set(read) == {"output", "target", "ids"}
    assert torch.equal(read["output"], output)
    assert torch.equal(read["target"], split.y)
    assert read["ids"].tolist() == [40, 41, 42, 43, 44, 45]
    assert [read[name].dtype for name in ("output", "target")] == [torch.float32, torch.int64]


def test_a_part_of_a_split_keeps_the_ids_of_its_rows() -> None:
    whole = Split(DenseColumn(torch.zeros(6, 1)), torch.rand(6), np.arange(6))
    part = whole.rows(torch.tensor([5, 1]))
    read = safetensors.torch.load(predictions_to_bytes(Outputs(torch.zeros(2, 1)), part))
    assert read["ids"].tolist() == [5, 1]
    assert torch.equal(read["target"], whole.y[[5, 1]])


def test_named_targets_and_losses_of_batches_come_back_by_name() -> None:
    y = {"mask": torch.arange(24).reshape(6, 4), "size": torch.rand(6)}
    split = Split(DenseColumn(torch.zeros(6, 1)), y, np.arange(6))
    losses = torch.tensor([[0.5, 4], [0.25, 2]], dtype=torch.float64)
    read = safetensors.torch.load(predictions_to_bytes(Outputs(torch.zeros(6, 2), losses), split))
    assert set(read) == {"output", "target.mask", "target.size", "ids", "losses"}
    assert torch.equal(read["losses"], losses)
    targets = targets_in(read)
    assert set(targets) == {"mask", "size"}
    assert all(torch.equal(targets[name], y[name]) for name in y)
    assert torch.equal(targets_in({"target": y["size"]}), y["size"])
