"""Contrastive learning, compared with equation 1 of the SimCLR paper written as a loop."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from papertrial.objectives import Contrastive
from papertrial.objectives.contrastive import nt_xent

DRAW = torch.Generator().manual_seed(4)


def _cosine(a: list[float], b: list[float]) -> float:
    dot = sum(p * q for p, q in zip(a, b, strict=True))
    return dot / math.sqrt(sum(p * p for p in a) * sum(q * q for q in b))


def _by_loop(z: Tensor, temperature: float) -> float:
    rows, n = z.tolist(), len(z)
    total = 0.0
    for i in range(n):
        j = (i + n // 2) % n
        others = [math.exp(_cosine(rows[i], rows[k]) / temperature) for k in range(n) if k != i]
        total -= math.log(math.exp(_cosine(rows[i], rows[j]) / temperature) / sum(others))
    return total / n


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("pairs", [2, 5])
def test_nt_xent_is_equation_1(pairs: int, temperature: float) -> None:
    z = torch.randn(2 * pairs, 6, generator=DRAW)
    expected = _by_loop(z, temperature)
    assert nt_xent(z, temperature).item() == pytest.approx(expected, rel=1e-5)


def test_nt_xent_of_equal_pairs_among_orthogonal_samples() -> None:
    z = torch.cat([torch.eye(3), torch.eye(3)])
    expected = math.log((math.e + 4) / math.e)  # one pair of similarity 1, and 4 others of 0
    assert nt_xent(z, 1.0).item() == pytest.approx(expected, rel=1e-6)


def _noise(x: Tensor) -> Tensor:
    return x + torch.randn(x.shape)


def _double(x: Tensor) -> Tensor:
    return 2 * x


def _no_loss(output: Any, y: Any) -> Tensor:
    raise AssertionError("the contrastive loss needs no labels")


@pytest.mark.parametrize("kind", ["tensor", "tuple", "mapping"])
def test_two_views_in_order_of_the_changes_and_the_projection_last(kind: str) -> None:
    x, y = torch.randn(3, 4, generator=DRAW), torch.zeros(3)
    seen = SimpleNamespace(x=torch.empty(0))

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.base, self.head = nn.Linear(4, 5), nn.Linear(5, 2)

        def forward(self, x: Tensor) -> Any:
            seen.x = x
            base = self.base(x)
            both = base, self.head(base)
            return {
                "tensor": both[1],
                "tuple": both,
                "mapping": {"representation": base, "projection": both[1]},
            }[kind]

    model = Encoder()
    torch.manual_seed(7)
    loss, output = Contrastive([_noise, _double], temperature=0.3)(model, x, y, _no_loss)
    torch.manual_seed(7)
    views = torch.stack([2 * (one + torch.randn(4)) for one in [*x, *x]])
    assert torch.equal(seen.x, views)
    base = model.base(views)
    assert loss.item() == pytest.approx(_by_loop(model.head(base), 0.3), rel=1e-5)
    first = model.head(base) if kind == "tensor" else base
    torch.testing.assert_close(output, first[:3])


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (([_double], 0.0), "got 0"),
        (([], 0.5), "augment"),
        (([_double, nn.Identity], 0.5), r"augment.1 is the class Identity, .*\{use: "),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: Any, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        Contrastive(*arguments)


def test_a_batch_of_one_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="got 1"):
        Contrastive([_double])(nn.Linear(4, 2), torch.ones(1, 4), torch.zeros(1), _no_loss)
