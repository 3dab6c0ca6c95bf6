"""A model or loss that draws random numbers in evaluation is reported, with the call that draws."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.checks.batch_independence import check_rows
from papertrial.checks.stochastic import check_stochastic, check_stochastic_loss

X = torch.randn(64, 12, generator=torch.Generator().manual_seed(0))


class Vae(nn.Module):
    """Draws its code in training and in evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(12, 8)
        self.decoder = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        mean, log_variance = self.encoder(x).chunk(2, 1)
        noise = torch.randn(len(x), 4)
        output: Tensor = self.decoder(mean + noise * (log_variance / 2).exp())
        return output


class Noise(nn.Module):
    """Adds what a function draws."""

    def __init__(self, draw: Callable[[], float]) -> None:
        super().__init__()
        self.draw = draw

    def forward(self, x: Tensor) -> Tensor:
        return x + self.draw()


class AlwaysOn(nn.Dropout):
    """Dropout that model.eval() does not switch off."""

    def train(self, mode: bool = True) -> AlwaysOn:
        return super().train(True)


class Net(nn.Module):
    """A linear layer inside a function."""

    def __init__(self, join: Callable[[Net, Tensor], Tensor], inside: nn.Module) -> None:
        super().__init__()
        self.join = join
        self.inside = inside
        self.fc = nn.Linear(12, 12)

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self, x)


class KeepsDropout(Net):
    """Leaves the dropout inside in training mode, as Monte Carlo dropout does."""

    def train(self, mode: bool = True) -> KeepsDropout:
        super().train(mode)
        self.inside.train()
        return self


def net(join: Callable[[Any, Tensor], Tensor], inside: nn.Module | None = None) -> Net:
    torch.manual_seed(0)
    return Net(join, inside or nn.Identity())


def attention(net: Net, x: Tensor) -> Tensor:
    q = net.fc(x).view(-1, 1, 3, 4)
    return F.scaled_dot_product_attention(q, q, q, dropout_p=0.5).flatten(1)


@pytest.mark.parametrize(
    ("model", "what", "whose", "fix"),
    [
        (Vae(), "randn in the model (Vae)", "torch", "self.training"),
        (
            net(lambda net, x: F.dropout(net.fc(x))),
            "dropout in the model (Net)",
            "torch",
            "pass training=self.training to F.dropout",
        ),
        (
            net(lambda net, x: net.inside(net.fc(x)), AlwaysOn()),
            "dropout in inside",
            "torch",
            "inside is in training mode",
        ),
        (
            KeepsDropout(lambda net, x: net.inside(net.fc(x)), nn.Dropout()),
            "inside",
            "torch",
            "inside is in training mode",
        ),
        (net(attention), "scaled_dot_product_attention in", "torch", "dropout_p=0.0"),
        (
            net(lambda net, x: net.fc(x) + 1e-5 * torch.rand_like(x)),
            "rand_like in the model (Net)",
            "torch",
            "self.training",
        ),
        (
            net(lambda net, x: net.inside(net.fc(x)), Noise(np.random.rand)),
            "inside",
            "numpy",
            "self.training",
        ),
        (
            net(lambda net, x: net.inside(net.fc(x)), Noise(random.random)),
            "inside",
            "Python",
            "self.training",
        ),
        (
            net(lambda net, x: net.fc(x * random.random())),
            "the model (Net)",
            "Python",
            "self.training",
        ),
    ],
)  # fmt: skip
def test_the_call_that_draws_is_named(model: nn.Module, what: str, whose: str, fix: str) -> None:
    (found,) = check_stochastic(model, X[:25])
    assert (found.severity, found.where) == ("warning", "model")
    assert f"stochastic in evaluation: {what}" in found.message
    assert f"draws from {whose}'s generator" in found.message
    assert fix in found.fix
    # Batches of other sizes draw other numbers, which does not mean that samples are mixed.
    assert check_rows(model, X) == [found]


@pytest.mark.parametrize(
    "model",
    [
        net(lambda net, x: net.inside(net.fc(x)), nn.Dropout()),
        net(lambda net, x: F.dropout(net.fc(x), 0.0)),
        net(lambda net, x: net.fc(x.mul_(2).sub_(1))),
        net(lambda net, x: net.fc(x) + 0 * torch.rand(1)),
        net(lambda net, x: net.fc(x) + torch.rand(12, generator=torch.Generator().manual_seed(3))),
        net(lambda net, x: net.fc(x) + (torch.rand_like(x) if net.training else 0.0)),
    ],
)
def test_a_model_whose_output_no_draw_changes_is_not_reported(model: nn.Module) -> None:
    assert check_stochastic(model, X) == []
    assert check_rows(model, X) == []


def test_rounding_that_differs_from_run_to_run_is_not_a_draw() -> None:
    count = iter(range(100))
    # As sums in another order at each run; it also draws, but to no effect.
    model = net(lambda net, x: net.fc(x) * (1 + 1e-6 * next(count)) + 0 * torch.rand(1))
    assert check_stochastic(model, X) == []


def _own_generator() -> Callable[[Net, Tensor], Tensor]:
    draws = np.random.default_rng(0)
    return lambda net, x: net.fc(x) + draws.normal()


def _counter() -> Callable[[Net, Tensor], Tensor]:
    count = iter(range(100))
    return lambda net, x: net.fc(x) + next(count)


@pytest.mark.parametrize("join", [_own_generator(), _counter()])
def test_a_model_that_no_seed_reaches_is_reported(join: Callable[[Net, Tensor], Tensor]) -> None:
    (found,) = check_stochastic(net(join), X)
    assert found.severity == "warning"
    assert "the same seed must give the same result" in found.message
    assert "global generators" in found.fix


def test_samples_that_affect_each_other_are_still_reported_if_nothing_is_drawn() -> None:
    (found,) = check_rows(net(lambda net, x: net.fc(x).softmax(0)), X)
    assert found.severity == "error"


def test_generators_and_model_are_left_as_they_were() -> None:
    model = net(lambda net, x: F.dropout(net.fc(x)) + random.random() + np.random.rand())
    model.train()
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # type: ignore[union-attr]
    assert check_stochastic(model, X)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert (np.random.get_state()[1] == before[2]).all()  # type: ignore[call-overload]
    assert model.training


@pytest.mark.parametrize(
    "draw",
    [lambda: torch.rand(()), np.random.rand, random.random],
    ids=["torch", "numpy", "Python"],
)
def test_a_loss_that_draws_is_reported(draw: Callable[[], Any]) -> None:
    output, target = X, torch.zeros(64, dtype=torch.long)
    (found,) = check_stochastic_loss(
        lambda output, target: F.cross_entropy(output * (1 + draw()), target), output, target
    )
    assert (found.severity, found.where) == ("warning", "loss")
    assert "stochastic in evaluation" in found.message
    assert check_stochastic_loss(F.cross_entropy, output, target) == []


def test_a_loss_that_no_seed_reaches_is_reported() -> None:
    draws = np.random.default_rng(0)
    output, target = X, torch.zeros(64, dtype=torch.long)
    (found,) = check_stochastic_loss(
        lambda output, target: F.cross_entropy(output, target) + draws.random(), output, target
    )
    assert found.where == "loss"
    assert "the same seed must give the same result" in found.message
