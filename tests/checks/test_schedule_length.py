"""Lengths of schedules against that of the training; 20 steps are 5 epochs of 4."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler as s

from papertrial.checks.schedule_length import check_schedule
from papertrial.training.joint import JointSchedule
from papertrial.training.optim import Schedule


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1, momentum=0.9)


def found(scheduler: Any, interval: str = "epoch") -> list[tuple[str, str]]:
    """The messages and fixes for a scheduler."""
    schedule = Schedule(scheduler, interval)  # type: ignore[arg-type]
    return [(p.message, p.fix) for p in check_schedule(schedule, 20, 4)]


def one(cls: Any, *args: Any, interval: str = "epoch", **kwargs: Any) -> list[tuple[str, str]]:
    return found(cls(optimizer(), *args, **kwargs), interval)


def test_a_length_that_fits_is_not_told() -> None:
    assert one(s.CosineAnnealingLR, 5) == one(s.CosineAnnealingLR, 20, interval="step") == []
    assert one(s.CosineAnnealingLR, 4) == []  # papers write epochs - 1 too
    assert one(s.OneCycleLR, 0.1, total_steps=20, interval="step") == []
    assert one(s.LinearLR, total_iters=2) == one(s.ConstantLR, total_iters=5) == []
    assert one(s.MultiStepLR, [2, 4]) == one(s.StepLR, 2) == one(s.ExponentialLR, 0.9) == []
    assert one(s.LambdaLR, lambda step: 1.0) == []
    assert check_schedule(Schedule(), 20, 4) == []


@pytest.mark.parametrize(
    ("cls", "kwargs", "interval", "texts"),
    [
        (s.CosineAnnealingLR, {"T_max": 50}, "epoch", ("T_max: 50", "5 epochs", "T_max to 5")),
        (s.CosineAnnealingLR, {"T_max": 3}, "epoch", ("T_max: 3", "5 epochs", "T_max to 5")),
        (s.CosineAnnealingLR, {"T_max": 20}, "epoch", ("5 epochs", "of steps", "interval: step")),
        (s.CosineAnnealingLR, {"T_max": 5}, "step", ("20 steps", "of epochs", "interval: epoch")),
        (s.OneCycleLR, {"max_lr": 1, "total_steps": 35}, "step", ("total_steps: 35", "20 steps")),
        (s.PolynomialLR, {"total_iters": 10}, "epoch", ("total_iters: 10", "5 epochs")),
        (s.LinearLR, {"total_iters": 6}, "epoch", ("total_iters: 6", "5 epochs", "at most 5")),
        (s.ConstantLR, {"total_iters": 9}, "epoch", ("total_iters: 9", "5 epochs", "at most 5")),
        (s.StepLR, {"step_size": 30}, "epoch", ("step_size: 30", "5 epochs")),
        (s.MultiStepLR, {"milestones": [3, 5, 80]}, "epoch", ("milestones: 5", "5 epochs")),
        (s.CosineAnnealingWarmRestarts, {"T_0": 7}, "epoch", ("T_0: 7", "5 epochs")),
    ],
)
def test_a_length_that_does_not_fit_is_told_with_both_numbers(
    cls: Any, kwargs: dict[str, Any], interval: str, texts: tuple[str, ...]
) -> None:
    ((message, fix),) = one(cls, interval=interval, **kwargs)
    for text in texts:
        assert text in f"{message} {fix}", (message, fix)


def test_a_part_of_a_sequence_has_only_its_part_of_the_training() -> None:
    def sequence(warm: int, rest: int, milestone: int) -> list[tuple[str, str]]:
        on = optimizer()
        parts = [s.LinearLR(on, total_iters=warm), s.CosineAnnealingLR(on, rest)]
        return found(s.SequentialLR(on, parts, [milestone]))

    assert sequence(2, 3, 2) == []
    ((message, _),) = sequence(2, 5, 2)
    assert "T_max: 5" in message
    assert "3 epochs for it, of the 5" in message
    ((message, _),) = sequence(4, 3, 2)
    assert "total_iters: 4" in message
    ((message, _),) = sequence(2, 3, 6)
    assert "milestones: 6" in message


def test_each_schedule_of_several_optimizers_is_told_with_its_place() -> None:
    where = "optimizer.groups.1.scheduler"
    second = Schedule(s.CosineAnnealingLR(optimizer(), 50), "epoch", None, where)
    (problem,) = check_schedule(JointSchedule([Schedule(), second]), 20, 4)
    assert (problem.where, problem.severity) == (where, "warning")


def test_the_length_of_a_schedule_of_transformers_is_known() -> None:
    from transformers import get_cosine_schedule_with_warmup as cosine
    from transformers import get_linear_schedule_with_warmup as linear

    assert one(linear, 4, 20, interval="step") == one(cosine, 4, 20, interval="step") == []
    ((message, _),) = one(linear, 4, 35, interval="step")
    assert "num_training_steps: 35" in message
    assert "20 steps" in message
    ((message, fix),) = one(linear, 1, 20)
    assert "20 is the number of steps" in message
    assert "interval: step" in fix
    assert "num_warmup_steps: 30" in one(cosine, 30, 20, interval="step")[0][0]
