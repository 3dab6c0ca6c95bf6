"""Several optimizers and schedules that step as one."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from papertrial.errors import ModelError, RunError
from papertrial.training.joint import JointOptimizer, JointSchedule
from papertrial.training.optim import Schedule, Stepper, learning_rate
from papertrial.training.state import TrainState


def made() -> tuple[nn.Module, TrainState]:
    """A model of two layers: SGD with decay for the first, Adam for the second."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    first = torch.optim.SGD(model[0].parameters(), lr=0.1, momentum=0.9)
    second = torch.optim.Adam(model[1].parameters(), lr=0.01)
    schedules = [
        Schedule(lr_scheduler.StepLR(first, 2, 0.5), "step"),
        Schedule(lr_scheduler.ExponentialLR(second, 0.9), "epoch"),
    ]
    state = TrainState(model, JointOptimizer([first, second]), JointSchedule(schedules))
    return model, state


def train(model: nn.Module, state: TrainState, steps: range) -> None:
    """Take steps on batches that depend on the step alone; two steps are an epoch."""
    for step in steps:
        x = torch.randn(5, 3, generator=torch.Generator().manual_seed(step))
        model.zero_grad()
        model(x).square().mean().backward()
        state.optimizer.step()
        state.schedule.step(end_of_epoch=step % 2 == 1)


def test_the_steps_are_those_of_each_optimizer_alone() -> None:
    model, state = made()
    train(model, state, range(4))
    torch.manual_seed(0)
    other = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    sgd = torch.optim.SGD(other[0].parameters(), lr=0.1, momentum=0.9)
    adam = torch.optim.Adam(other[1].parameters(), lr=0.01)
    for step in range(4):
        x = torch.randn(5, 3, generator=torch.Generator().manual_seed(step))
        other.zero_grad()
        other(x).square().mean().backward()
        sgd.param_groups[0]["lr"] = 0.1 * 0.5 ** (step // 2)
        adam.param_groups[0]["lr"] = 0.01 * 0.9 ** (step // 2)
        sgd.step()
        adam.step()
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-6, atol=0)
    rates = [group["lr"] for group in state.optimizer.param_groups]
    assert rates == pytest.approx([0.025, 0.0081])
    assert learning_rate(state.optimizer) == rates[0]


def test_a_state_restores_all_optimizers_and_schedules() -> None:
    model, state = made()
    train(model, state, range(6))
    again, resumed = made()
    train(again, resumed, range(3))
    kept = resumed.state_dict()
    fresh, restored = made()
    restored.load_state_dict(kept)
    train(fresh, restored, range(3, 6))
    for ours, theirs in zip(fresh.parameters(), model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert restored.optimizer.state.keys() == set(fresh.parameters())


@pytest.mark.parametrize("part", ["optimizer", "schedule"])
def test_a_state_of_one_optimizer_is_refused(part: str) -> None:
    model, state = made()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    alone = TrainState(model, optimizer, Schedule(lr_scheduler.StepLR(optimizer, 2)))
    kept = {**state.state_dict(), part: alone.state_dict()[part]}
    with pytest.raises(RunError, match="belongs to another"):
        state.load_state_dict(kept)


def test_an_optimizer_with_a_closure_must_be_the_only_one() -> None:
    model, _ = made()
    first = torch.optim.LBFGS(model[0].parameters())
    second = torch.optim.SGD(model[1].parameters(), lr=0.1)
    for both in ([first, second], [second, first]):
        with pytest.raises(ModelError, match=r"optimizer\.groups: LBFGS .* the only optimizer"):
            JointOptimizer(both)


def test_the_optimizer_that_fails_is_named() -> None:
    model = nn.Sequential(nn.Embedding(4, 3, sparse=True), nn.Linear(3, 1))
    adam = torch.optim.Adam(model[0].parameters())  # takes no sparse gradients
    joint = JointOptimizer([torch.optim.SGD(model[1].parameters(), lr=0.1), adam])

    class Result:
        loss = torch.zeros(())

    def compute() -> Result:
        model(torch.tensor([1])).sum().backward()
        return Result()

    with pytest.raises(ModelError, match="optimizer: Adam cannot step"):
        Stepper(joint).step(compute)


def test_a_rehearsal_tells_which_schedule_was_made_for_fewer_steps() -> None:
    _, state = made()
    optimizers = state.optimizer.optimizers
    short = lr_scheduler.OneCycleLR(optimizers[1], max_lr=0.1, total_steps=3)
    where = "optimizer.groups.0.scheduler"
    joint = JointSchedule([Schedule(), Schedule(short, "step", None, where)])
    with pytest.raises(ModelError, match=r"^optimizer\.groups\.0\.scheduler: OneCycleLR.*6 steps"):
        joint.rehearse(6, 2)
