"""Does the length that a learning-rate schedule was made for fit the training?"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from torch.optim import lr_scheduler as torch_schedulers

from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.training.joint import JointSchedule
from papertrial.training.optim import Schedule

_OFF = 1  # papers write T_max: 200 and T_max: 199 for 200 epochs
# Schedulers whose last value is meant for the end of the training, and the argument for its length.
_WHOLE: dict[type, str] = {
    torch_schedulers.OneCycleLR: "total_steps",
    torch_schedulers.CosineAnnealingLR: "T_max",
    torch_schedulers.PolynomialLR: "total_iters",
}
# Schedulers that change the rate in a first part of the training, or from a point on.
_PARTS: dict[type, str] = {
    torch_schedulers.LinearLR: "total_iters",
    torch_schedulers.ConstantLR: "total_iters",
    torch_schedulers.StepLR: "step_size",
    torch_schedulers.CosineAnnealingWarmRestarts: "T_0",
}
# Arguments of the functions of transformers that make a LambdaLR.
_OF_TRANSFORMERS = ("num_training_steps", "num_warmup_steps")
_NAMES = {kind.__name__ for kind in _WHOLE}


def check_schedule(
    schedule: Schedule | JointSchedule, steps: int, per_epoch: int
) -> list[Diagnosis]:
    """Warn if a schedule was made for another number of steps or epochs than the training has.

    Early stopping does not count. Of a schedule that is a function of the user's, as in LambdaLR,
    the length is not known.

    Args:
        schedule: the schedule of the training, or of each of its optimizers.
        steps: optimizer steps of the training.
        per_epoch: optimizer steps of an epoch.
    """
    schedules = schedule.schedules if isinstance(schedule, JointSchedule) else (schedule,)
    return [found for one in schedules for found in _check_one(one, steps, per_epoch)]


def _check_one(schedule: Schedule, steps: int, per_epoch: int) -> Iterator[Diagnosis]:
    if schedule.scheduler is None or schedule.monitor is not None:
        return
    by_step = schedule.interval == "step"
    calls, other = (steps, steps // per_epoch) if by_step else (steps // per_epoch, steps)
    unit, other_unit = ("steps", "epochs") if by_step else ("epochs", "steps")
    for name, key, made_for, has in _unfit(schedule.scheduler, calls):
        whole = "" if has == calls else f" for it, of the {calls:,} of the training"
        message = f"{name} has {key}: {made_for:,}, but there are {has:,} {unit}{whole}"
        fix = f"set {key} to {'' if name in _NAMES else 'at most '}{has:,}"
        if made_for == other != calls:
            fix = f"set interval: {other_unit[:-1]}, or {key}: {has:,}"
            message += f"; {made_for:,} is the number of {other_unit}"
        yield Diagnosis("warning", schedule.where, message, fix)


def _unfit_functions(
    scheduler: torch_schedulers.LambdaLR, calls: int
) -> Iterator[tuple[str, str, int, int]]:
    """Yield what `_unfit` yields for functions that transformers has made for a length."""
    named = [one.keywords for one in scheduler.lr_lambdas if isinstance(one, functools.partial)]
    lengths = {(key, known[key]) for known in named for key in _OF_TRANSFORMERS if key in known}
    for key, value in sorted(lengths):
        too_many = isinstance(value, int) and value - calls > _OFF
        too_few = isinstance(value, int) and key == "num_training_steps" and calls - value > _OFF
        if too_many or too_few:
            yield "the schedule", key, value, calls


def _unfit(scheduler: Any, calls: int) -> Iterator[tuple[str, str, int, int]]:
    """Yield (class, argument, its value, calls there are) of each part that does not fit.

    Args:
        scheduler: a scheduler, with those inside it.
        calls: the number of calls of its step() in the training.
    """
    name = type(scheduler).__name__
    if isinstance(scheduler, torch_schedulers.SequentialLR):
        edges = [0, *scheduler._milestones, calls]
        late = [milestone for milestone in scheduler._milestones if milestone >= calls]
        if late:
            yield name, "milestones", min(late), calls
            return
        for part, start, stop in zip(scheduler._schedulers, edges, edges[1:], strict=False):
            yield from _unfit(part, stop - start)
    elif isinstance(scheduler, torch_schedulers.ChainedScheduler):
        for part in scheduler._schedulers:
            yield from _unfit(part, calls)
    elif isinstance(scheduler, torch_schedulers.MultiStepLR):
        late = [milestone for milestone in scheduler.milestones if milestone >= calls]
        if late:
            yield name, "milestones", min(late), calls
    elif isinstance(scheduler, torch_schedulers.LambdaLR):
        yield from _unfit_functions(scheduler, calls)
    for kind, key in _WHOLE.items():
        if isinstance(scheduler, kind) and abs(getattr(scheduler, key) - calls) > _OFF:
            yield name, key, getattr(scheduler, key), calls
    for kind, key in _PARTS.items():
        if isinstance(scheduler, kind) and getattr(scheduler, key) > calls:
            yield name, key, getattr(scheduler, key), calls
