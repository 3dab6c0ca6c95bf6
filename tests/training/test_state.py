"""The state of a training is restored completely, and only into the same training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Optimizer, lr_scheduler

from papertrial.errors import RunError
from papertrial.training.optim import Schedule
from papertrial.training.state import TrainState


def _adam(model: nn.Module) -> Optimizer:
    return torch.optim.Adam(model.parameters(), lr=0.1)


def _sgd(model: nn.Module) -> Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def _step_lr(optimizer: Optimizer) -> Any:
    return lr_scheduler.StepLR(optimizer, 1)


def _make(
    optimizer: Callable[[nn.Module], Optimizer] = _adam,
    scheduler: Callable[[Optimizer], Any] | None = _step_lr,
    width: int = 4,
) -> TrainState:
    model = nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Linear(width, 2))
    chosen = optimizer(model)
    return TrainState(model, chosen, Schedule(scheduler(chosen) if scheduler else None, "step"))


def _trained(**kwargs: Any) -> TrainState:
    state = _make(**kwargs)
    for _ in range(3):
        state.optimizer.zero_grad()
        state.model(torch.randn(6, 3)).square().sum().backward()
        state.optimizer.step()
        state.schedule.step(end_of_epoch=False)
        state.step += 1
    return state


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


@pytest.mark.parametrize("optimizer", [_adam, _sgd])
def test_a_state_is_restored_into_new_objects(
    optimizer: Callable[[nn.Module], Optimizer],
) -> None:
    trained, fresh = _trained(optimizer=optimizer), _make(optimizer=optimizer)
    assert not _same(fresh.state_dict(), trained.state_dict())
    fresh.load_state_dict(trained.state_dict())
    assert _same(fresh.state_dict(), trained.state_dict())
    assert fresh.step == 3


@pytest.mark.parametrize("change", ["lacks", "adds"])
def test_a_state_with_other_keys_is_refused(change: str) -> None:
    state = _trained().state_dict()
    if change == "lacks":
        del state["schedule"]
    else:
        state["epoch"] = 3
    with pytest.raises(RunError) as error:
        _make().load_state_dict(state)
    keys = ["average", "losses", "model", "objective", "optimizer", "scaling", "schedule", "step"]
    assert str(error.value) == f"a training state has the keys {keys}, got {sorted(state)}"


@pytest.mark.parametrize("state", [[1, 2], 5, None, torch.zeros(2)], ids=repr)
def test_a_state_that_is_not_a_dict_is_refused(state: Any) -> None:
    with pytest.raises(RunError):
        _make().load_state_dict(state)


def _other_schedule(optimizer: Optimizer) -> Any:
    return lr_scheduler.CosineAnnealingLR(optimizer, 5)


@pytest.mark.parametrize(
    ("saved", "into"),
    [
        ({"width": 5}, {}),
        ({"optimizer": _sgd}, {"optimizer": _adam}),
        ({"scheduler": None}, {"scheduler": _step_lr}),
        ({"scheduler": _step_lr}, {"scheduler": None}),
        ({"scheduler": _other_schedule}, {"scheduler": _step_lr}),
    ],
    ids=["other width", "other optimizer", "no schedule", "a schedule", "other schedule"],
)
def test_the_state_of_other_objects_is_refused(saved: Any, into: Any) -> None:
    state = _trained(**saved).state_dict()
    with pytest.raises(RunError):
        _make(**into).load_state_dict(state)


class _Heads(nn.Module):
    """An objective with a trained layer, a frozen one and a buffer."""

    def __init__(self, width: int = 2) -> None:
        super().__init__()
        self.head = nn.Linear(2, width)
        self.teacher = nn.Linear(3, 2).requires_grad_(False)
        self.register_buffer("calls", torch.zeros(1))


def _with_objective(objective: nn.Module | None) -> TrainState:
    state = _make()
    return TrainState(state.model, state.optimizer, state.schedule, objective=objective)


def test_the_state_of_an_objective_is_restored_without_its_frozen_parameters() -> None:
    one, other = _Heads(), _Heads()
    one.calls += 7
    state = _with_objective(one).state_dict()
    assert set(state["objective"]) == {"head.weight", "head.bias", "calls"}
    teacher = other.teacher.weight.clone()
    _with_objective(other).load_state_dict(state)
    assert torch.equal(other.head.weight, one.head.weight)
    assert other.calls.item() == 7
    assert torch.equal(other.teacher.weight, teacher)


def test_a_teacher_that_follows_the_model_is_restored() -> None:
    one, other = _Heads(), _Heads()
    trained = _with_objective(one)
    with torch.no_grad():
        one.teacher.weight.data.mul_(0.5)
    state = trained.state_dict()
    assert set(state["objective"]) == {"head.weight", "head.bias", "calls", "teacher.weight"}
    restored = _with_objective(other)
    restored.load_state_dict(state)
    assert torch.equal(other.teacher.weight, one.teacher.weight)
    assert set(restored.state_dict()["objective"]) == set(state["objective"])


@pytest.mark.parametrize("objective", [None, nn.Linear(2, 2), _Heads(width=5)])
def test_the_state_of_another_objective_is_refused(objective: nn.Module | None) -> None:
    state = _with_objective(_Heads()).state_dict()
    with pytest.raises(RunError):
        _with_objective(objective).load_state_dict(state)


def test_parameters_and_whether_an_objective_trains() -> None:
    heads = _Heads()
    state = _with_objective(heads)
    assert state.objective_trains
    assert len(state.parameters) == len([*state.model.parameters(), *heads.parameters()])
    heads.head.requires_grad_(False)
    assert not state.objective_trains
    assert not _with_objective(None).objective_trains
