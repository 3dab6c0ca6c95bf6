"""Loss and metrics of a class at each position."""

from __future__ import annotations

import math

import pytest
import torch

from papertrial import positions

LOGITS = torch.tensor([[[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]], [[0.0, 0.0], [1.0, 0.0], [0.0, 5.0]]])
TARGET = torch.tensor([[0, 0, -100], [1, -100, 1]])
# The cross entropy of two classes is log(1 + exp(other - own)).
LOSSES = [[math.log1p(math.exp(d)) for d in row] for row in ((-2, 1), (0, -5))]


def test_positions_without_a_target_do_not_count() -> None:
    flat = [loss for row in LOSSES for loss in row]
    loss = positions.cross_entropy(LOGITS, TARGET)
    assert loss.item() == pytest.approx(sum(flat) / 4)
    assert positions.accuracy(LOGITS, TARGET).item() == pytest.approx(2 / 4)  # ties take class 0
    kept = positions.sums(LOGITS, TARGET)
    assert kept.tolist() == [pytest.approx([sum(row), 2]) for row in LOSSES]
    assert positions.perplexity(kept, TARGET).item() == pytest.approx(math.exp(sum(flat) / 4))


def test_targets_may_be_bytes_and_none_may_count() -> None:
    target = torch.tensor([[0, 0, 1], [1, 0, 1]])
    whole = positions.cross_entropy(LOGITS, target)
    assert positions.cross_entropy(LOGITS, target.to(torch.uint8)) == whole
    assert math.isnan(positions.accuracy(LOGITS, torch.full((2, 3), -100)).item())
    assert positions.cross_entropy(LOGITS[None], target[None]) == whole  # more dimensions
