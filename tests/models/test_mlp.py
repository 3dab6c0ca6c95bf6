"""The multilayer perceptron equals hand-written layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from papertrial.models import MLP


@pytest.mark.parametrize("hidden", [[], [5], [7, 3]])
def test_mlp_equals_flatten_then_linear_layers_with_relu_between(hidden: list[int]) -> None:
    torch.manual_seed(0)
    model = MLP(in_features=12, hidden=hidden, out_features=4)
    torch.manual_seed(0)
    by_hand: list[nn.Module] = [nn.Flatten()]
    for before, width in zip([12, *hidden[:-1]], hidden, strict=False):
        by_hand += [nn.Linear(before, width), nn.ReLU()]
    by_hand.append(nn.Linear(hidden[-1] if hidden else 12, 4))
    x = torch.randn(6, 3, 2, 2)
    assert torch.equal(model(x), nn.Sequential(*by_hand)(x))
    assert model(x).shape == (6, 4)


def test_mlp_takes_rows_of_a_table_as_well_as_images() -> None:
    model = MLP(4, [3], 2)
    x = torch.randn(5, 4)
    assert torch.equal(model(x), model(x.view(5, 1, 2, 2)))
