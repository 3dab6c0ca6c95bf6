"""Muon as in airbench94: the weights keep a norm, and move against an orthogonal matrix."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from papertrial.optimizers import NormalizedMuon, orthogonalize


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (5, 5)])
def test_singular_values_come_near_one_and_vectors_stay(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    u, _, v = np.linalg.svd(matrix.numpy(), full_matrices=False)
    got = orthogonalize(matrix, steps=5).float().numpy()
    inner = u.T @ got @ v.T  # diagonal, if the singular vectors are the same
    assert np.abs(np.diag(inner) - 1).max() < 0.4
    assert np.abs(inner - np.diag(np.diag(inner))).max() < 0.05
    assert orthogonalize(matrix).dtype == torch.bfloat16


def test_two_steps_are_those_of_the_formula() -> None:
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(3, 2, 2, 2))
    gradients = torch.randn(2, 3, 2, 2, 2)
    optimizer = NormalizedMuon([weight], lr=0.1, momentum=0.6, nesterov=True)
    expected, buffer = weight.detach().clone(), torch.zeros(3, 2, 2, 2)
    for gradient in gradients:
        weight.grad = gradient.clone()
        optimizer.step()
        assert torch.equal(weight.grad, gradient)
        buffer = 0.6 * buffer + gradient
        along = orthogonalize((gradient + 0.6 * buffer).reshape(3, 8)).float().reshape(3, 2, 2, 2)
        expected = expected * 3**0.5 / expected.norm() - 0.1 * along
        torch.testing.assert_close(weight.detach(), expected)


def test_the_norm_does_not_grow() -> None:
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(4, 6))
    optimizer = NormalizedMuon([weight], lr=0.0)
    weight.grad = torch.ones_like(weight)
    assert optimizer.step(lambda: torch.tensor(3.0)).item() == 3
    assert weight.norm().item() == pytest.approx(2)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((3,), {}),
        ((3, 3), {"lr": -1.0}),
        ((3, 3), {"momentum": -0.1}),
        ((3, 3), {"nesterov": True}),
    ],
)
def test_bad_arguments_are_refused(
    shape: tuple[int, ...], options: dict[str, float | bool]
) -> None:
    with pytest.raises(ValueError, match=r"momentum|dimensions"):
        NormalizedMuon([nn.Parameter(torch.zeros(shape))], **options)
