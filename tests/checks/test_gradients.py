"""Every parameter gets a gradient, or is named."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from papertrial.checks.gradients import check_gradients
from papertrial.diagnose.diagnosis import Diagnosis

X = torch.randn(16, 12, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """Layers that may be left out."""

    def __init__(self, join: Callable[[Net, Tensor], Tensor]) -> None:
        super().__init__()
        self.join = join
        self.a = nn.Linear(12, 5)
        self.norm = nn.BatchNorm1d(5)
        self.drop = nn.Dropout()
        self.b = nn.Linear(5, 2)
        self.spare = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self, x)


def check(join: Callable[[Net, Tensor], Tensor], bias: float = 0.0) -> list[Diagnosis]:
    net = Net(join)
    nn.init.constant_(net.a.bias, bias)
    return check_gradients(net, lambda: net(X).square().mean())


def test_a_model_whose_parameters_are_all_used_is_not_reported() -> None:
    assert check(lambda net, x: net.b((net.a(x) + net.spare(x)).tanh() * net.norm(net.a(x)))) == []


def test_unused_layers_are_named() -> None:
    (found,) = check(lambda net, x: net.b(net.a(x).tanh()))
    assert found.severity == "warning"
    assert "norm.weight, norm.bias, spare.weight, spare.bias get none" in found.message


def test_a_copy_of_weights_that_only_evaluations_use_is_named() -> None:
    def join(net: Net, x: Tensor) -> Tensor:
        return net.b((net.a if net.training else net.spare)(x))

    net = Net(join)
    found = check_gradients(net, lambda: net(X).square().mean(), lambda: net(X))
    assert [one.severity for one in found] == ["warning", "warning"]
    assert "spare.weight, spare.bias get none in training mode" in found[0].message
    assert "average: {use: ema}" in found[0].fix
    assert "norm.weight, norm.bias get none" in found[1].message
    assert net.training


def test_dead_relus_are_reported() -> None:
    found = check(lambda net, x: net.b(net.norm(net.spare(x)) + net.a(x).relu()), bias=-100)
    assert [f.severity for f in found] == ["warning"]
    assert "a.weight, a.bias get nothing but zeros" in found[0].message


def test_gradients_that_reach_nothing_are_an_error() -> None:
    (found,) = check(lambda net, x: net.b(net.a(x)).detach().requires_grad_())
    assert found.severity == "error"
    assert "none of them gets one" in found.message


def test_a_loss_without_a_graph_is_an_error() -> None:
    (found,) = check(lambda net, x: net.b(net.a(x)).detach())
    assert found.severity == "error"
    assert "does not require grad" in found.message


def test_a_tensor_changed_in_place_is_an_error() -> None:
    (found,) = check(lambda net, x: (y := net.a(x).sigmoid()) * y.add_(1))
    assert found.severity == "error"
    assert "inplace operation" in found.message


def test_gradients_that_are_not_finite_are_an_error() -> None:
    found = check(lambda net, x: (net.b(net.a(x)) * 0).sqrt())
    assert ("error", "model") in {(f.severity, f.where) for f in found}
    assert any("get NaN or infinity" in f.message for f in found)


def test_a_loss_that_is_not_finite_is_an_error() -> None:
    (found,) = check(lambda net, x: net.b(net.a(x)) / 0 * 0)
    assert (found.severity, found.where) == ("error", "loss")
    assert "got nan" in found.message


def test_embedding_rows_that_are_not_in_the_batch_need_no_gradient() -> None:
    for sparse in (False, True):
        model = nn.Sequential(nn.Embedding(50, 3, sparse=sparse), nn.Flatten(), nn.Linear(6, 2))
        loss = model(torch.tensor([[1, 2], [3, 4]])).sum
        assert check_gradients(model, loss) == []


def test_frozen_parameters_need_none() -> None:
    model = nn.Sequential(nn.Linear(12, 5).requires_grad_(False), nn.Linear(5, 2))
    assert check_gradients(model, lambda: model(X).sum()) == []


def test_the_model_is_left_as_it_was() -> None:
    net = Net(lambda net, x: net.b(net.drop(net.norm(net.a(x))))).eval()
    kept = torch.ones_like(net.a.weight)
    net.a.weight.grad = kept
    before = {name: value.clone() for name, value in net.state_dict().items()}
    draws = torch.get_rng_state()
    check_gradients(net, lambda: net(X).sum())
    assert net.a.weight.grad is kept
    assert torch.equal(kept, torch.ones_like(kept))
    assert net.b.weight.grad is None
    assert not any(module.training for module in net.modules())
    assert torch.equal(torch.get_rng_state(), draws)
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name
