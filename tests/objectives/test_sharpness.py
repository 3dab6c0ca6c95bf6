"""SAM, compared with two passes by hand: weights moved, gradient taken, weights restored."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.objectives import SAM

DRAW = torch.Generator().manual_seed(5)
X = torch.randn(8, 4, generator=DRAW)
Y = torch.randint(3, (8,), generator=DRAW)


def _net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3))


def _by_hand(model: nn.Module, rho: float) -> tuple[float, list[Tensor], dict[str, Tensor]]:
    """Take the two passes of algorithm 1; return loss, gradients and buffers after the first."""
    model = copy.deepcopy(model)
    parameters = [p for p in model.parameters() if p.requires_grad]
    F.cross_entropy(model(X), Y).backward()  # type: ignore[no-untyped-call]
    buffers = {name: b.clone() for name, b in model.named_buffers()}
    length = sum(float(p.grad.double().square().sum()) for p in parameters) ** 0.5  # type: ignore[union-attr]
    with torch.no_grad():
        for p in parameters:
            p.add_(rho * p.grad / length)  # type: ignore[operator]
            p.grad = None
    loss = F.cross_entropy(model(X), Y)
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.item(), [p.grad for p in parameters if p.grad is not None], buffers


@pytest.mark.parametrize("rho", [0.05, 0.5])
def test_loss_and_gradients_are_those_at_the_moved_weights(rho: float) -> None:
    model = _net()
    loss, gradients, buffers = _by_hand(model, rho)
    before = copy.deepcopy(model).train()
    got, output = SAM(rho)(model, X, Y, F.cross_entropy)
    got.backward()
    assert got.item() == pytest.approx(loss, rel=1e-5)
    for p, expected in zip(model.parameters(), gradients, strict=True):
        torch.testing.assert_close(p.grad, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(output, before(X).detach())  # at the weights before the step
    assert all(map(torch.equal, model.parameters(), before.parameters()))
    for name, buffer in model.named_buffers():
        torch.testing.assert_close(buffer, buffers[name])


def test_a_quadratic_of_one_weight() -> None:
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(3.0)

    def loss(output: Tensor, y: Tensor) -> Tensor:
        return output.square().mean() / 2  # w^2 / 2 for x = 1: gradient w

    value, _ = SAM(0.5)(model, torch.ones(4, 1), torch.zeros(4), loss)
    value.backward()  # type: ignore[no-untyped-call]
    assert value.item() == pytest.approx(3.5**2 / 2)
    assert model.weight.grad is not None
    assert model.weight.grad.item() == pytest.approx(3.5)


def test_frozen_shared_and_unused_parameters() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.first, self.second, self.unused = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(2, 2)
            self.second.weight = self.first.weight
            self.head = nn.Linear(4, 3).requires_grad_(False)

        def forward(self, x: Tensor) -> Tensor:
            logits: Tensor = self.head(self.second(self.first(x).tanh()))
            return logits

    model = Tied()
    used = [model.first.weight, model.first.bias, model.second.bias]
    value, _ = SAM(0.1)(model, X, Y, F.cross_entropy)
    value.backward()  # type: ignore[no-untyped-call]
    by_hand = copy.deepcopy(model)
    by_hand.zero_grad()
    parts = [by_hand.first.weight, by_hand.first.bias, by_hand.second.bias]
    gradients = torch.autograd.grad(F.cross_entropy(by_hand(X), Y), parts)
    length = torch.cat([g.flatten() for g in gradients]).norm()
    with torch.no_grad():
        for p, g in zip(parts, gradients, strict=True):
            p.add_(0.1 * g / length)
    expected = torch.autograd.grad(F.cross_entropy(by_hand(X), Y), parts)
    for p, gradient in zip(used, expected, strict=True):
        torch.testing.assert_close(p.grad, gradient, rtol=1e-4, atol=1e-6)
    assert model.head.weight.grad is None
    assert model.unused.weight.grad is None


def test_a_batch_of_named_tensors() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.fc = nn.Linear(4, 3)

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            logits: Tensor = self.fc(a + b)
            return logits

    named, _ = SAM()(Sum(), {"b": X / 4, "a": 3 * X / 4}, Y, F.cross_entropy)
    torch.manual_seed(0)
    plain, _ = SAM()(nn.Linear(4, 3), X, Y, F.cross_entropy)
    assert named.item() == pytest.approx(plain.item(), rel=1e-6)


@pytest.mark.parametrize("rho", [0, -0.1])
def test_a_radius_out_of_range_is_refused(rho: float) -> None:
    with pytest.raises(ValueError, match=f"got {rho}"):
        SAM(rho)
