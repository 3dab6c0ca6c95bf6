"""Optimizers and schedulers: fused kernels, closures, and when they are stepped."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Optimizer, lr_scheduler

from papertrial.errors import ModelError
from papertrial.training.optim import (
    Schedule,
    fused_arguments,
    learning_rate,
    needs_closure,
    trainable,
)
from papertrial.vocabulary import Metric


class NoClosure(torch.optim.SGD):
    """Accepts no closure."""

    def step(self) -> None:  # type: ignore[override]
        super().step()


class OwnLbfgs(torch.optim.LBFGS):
    """Inherits a step that requires a closure."""


def test_trainable_leaves_out_frozen_parameters_and_keeps_the_order() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].weight.requires_grad_(False)
    expected = [model[0].bias, model[1].weight, model[1].bias]
    assert [id(p) for p in trainable(model)] == [id(p) for p in expected]


@pytest.mark.parametrize("model", [nn.ReLU(), nn.Linear(2, 2).requires_grad_(False)])
def test_a_model_with_nothing_to_train_is_refused(model: nn.Module) -> None:
    with pytest.raises(ModelError, match=f"{type(model).__name__} has no parameter to train"):
        trainable(model)


@pytest.mark.parametrize("cls", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW])
def test_fused_is_chosen_if_torch_has_it(cls: type[Optimizer]) -> None:
    assert fused_arguments(cls, {"lr": 0.1}, nn.Linear(2, 2)) == {"fused": True}


@pytest.mark.parametrize(
    "cls", [torch.optim.RMSprop, torch.optim.LBFGS, torch.optim.Rprop, torch.optim.SparseAdam]
)
def test_fused_is_not_chosen_if_torch_lacks_it(cls: type[Optimizer]) -> None:
    assert fused_arguments(cls, {}, nn.Linear(2, 2)) == {}


@pytest.mark.parametrize(
    "kwargs",
    [
        {"foreach": True},
        {"foreach": False},
        {"fused": False},
        {"fused": True},
        {"capturable": True},
        {"differentiable": True},
    ],
)
def test_fused_is_not_set_if_the_recipe_chooses(kwargs: dict[str, Any]) -> None:
    assert fused_arguments(torch.optim.Adam, kwargs, nn.Linear(2, 2)) == {}


def test_fused_is_not_chosen_with_sparse_gradients_or_complex_parameters() -> None:
    sparse = nn.Sequential(nn.Embedding(5, 2, sparse=True), nn.Linear(2, 2))
    assert fused_arguments(torch.optim.SGD, {}, sparse) == {}
    assert fused_arguments(torch.optim.SGD, {}, nn.Sequential(nn.Embedding(5, 2)))
    complex_ = nn.Linear(2, 2, dtype=torch.complex64)
    assert fused_arguments(torch.optim.Adam, {}, complex_) == {}


DENSE = [
    cls
    for cls in vars(torch.optim).values()
    if inspect.isclass(cls)
    and issubclass(cls, Optimizer)
    and cls not in (Optimizer, torch.optim.SparseAdam, torch.optim.LBFGS)
]


@pytest.mark.parametrize("cls", DENSE, ids=lambda c: c.__name__)
def test_every_torch_optimizer_steps_with_the_chosen_arguments(cls: Any) -> None:
    model = nn.Linear(3, 2, bias=False)
    before = model.weight.detach().clone()
    optimizer = cls(trainable(model), **fused_arguments(cls, {}, model))
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.ones(4, 3)).square().sum().backward()
        optimizer.step()
    assert model.weight.isfinite().all()
    assert not torch.equal(model.weight, before)


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (torch.optim.LBFGS, True),
        (OwnLbfgs, True),
        (torch.optim.SGD, False),
        (torch.optim.Adam, False),
        (NoClosure, False),
    ],
)
def test_needs_closure_depends_on_the_signature_of_step(cls: Any, expected: bool) -> None:
    optimizer = cls(nn.Linear(2, 2).parameters())
    assert needs_closure(optimizer) is expected
    if not expected:  # a scheduler wraps step()
        lr_scheduler.StepLR(optimizer, 1)
        assert needs_closure(optimizer) is expected


@pytest.mark.parametrize("lr", [0.25, torch.tensor(0.25)])
def test_learning_rate_is_that_of_the_first_group_as_a_float(lr: Any) -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    groups = [{"params": first.parameters()}, {"params": second.parameters(), "lr": 0.5}]
    rate = learning_rate(torch.optim.SGD(groups, lr=lr))
    assert rate == 0.25
    assert type(rate) is float


Made = tuple[torch.optim.SGD, Schedule]


def _schedule(make: Callable[[Optimizer], Any], *args: Any) -> Made:
    optimizer = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=1.0)
    schedule = Schedule(make(optimizer), *args)
    optimizer.step()  # torch warns of a scheduler that is stepped first
    return optimizer, schedule


@pytest.mark.parametrize(("interval", "expected"), [("epoch", 0.5), ("step", 0.125)])
def test_a_schedule_steps_at_its_interval(interval: str, expected: float) -> None:
    optimizer, schedule = _schedule(lambda o: lr_scheduler.ExponentialLR(o, 0.5), interval)
    for last in (False, False, True):
        schedule.step(end_of_epoch=last)
    schedule.evaluated({"loss": 1.0})
    assert learning_rate(optimizer) == expected


@pytest.mark.parametrize("interval", ["epoch", "step"])
def test_a_schedule_that_monitors_steps_only_on_the_metric(interval: str) -> None:
    optimizer, schedule = _schedule(
        lambda o: lr_scheduler.ReduceLROnPlateau(o, mode="max", factor=0.5, patience=0),
        interval,
        Metric("accuracy"),
    )
    for accuracy in (0.5, 0.6, 0.6):
        schedule.step(end_of_epoch=True)
        schedule.evaluated({"loss": 0.0, "accuracy": accuracy})
    assert learning_rate(optimizer) == 0.5


def test_a_schedule_without_a_scheduler_does_nothing() -> None:
    schedule = Schedule()
    schedule.step(end_of_epoch=True)
    schedule.evaluated({})
    schedule.load_state_dict(schedule.state_dict())
    assert schedule.state_dict() == {}


MAKERS: list[Callable[[Optimizer], Any]] = [
    lambda o: lr_scheduler.MultiStepLR(o, [1, 3]),
    lambda o: lr_scheduler.OneCycleLR(o, 1.0, total_steps=9),
    lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o), lr_scheduler.StepLR(o, 1)], [2]
    ),
]


@pytest.mark.parametrize("make", MAKERS)
def test_the_state_of_a_schedule_is_restored(make: Callable[[Optimizer], Any]) -> None:
    (one, first), (other, second) = _schedule(make, "step"), _schedule(make, "step")
    for _ in range(2):
        first.step(end_of_epoch=False)
    other.load_state_dict(one.state_dict())
    second.load_state_dict(first.state_dict())
    for _ in range(4):
        first.step(end_of_epoch=False)
        second.step(end_of_epoch=False)
        assert learning_rate(other) == learning_rate(one)
