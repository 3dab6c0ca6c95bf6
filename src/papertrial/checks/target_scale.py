"""The scale of a regression's targets beside the outputs of the untrained model, and of claims."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.numbers import number
from papertrial.recipe.claims import Claim
from papertrial.tasks.regression import Regression
from papertrial.tasks.task import Task
from papertrial.vocabulary import split_metric

_FAR = 100  # times the outputs: targets that weights of the usual size do not reach
_SMALL = 1000  # times the targets: outputs in whose noise the targets are lost
_NEVER = 1e-3  # of the RMSE of the mean: an error that no model of real data has
_KEY = "data.target_transform"
_UNITS = {"mse": "the square of the unit of", "rmse": "the unit of", "mae": "the unit of"}


def check_target_scale(task: Task, output: Tensor, y: Tensor, reach: float) -> list[Diagnosis]:
    """Warn if outputs of the untrained model and targets differ by orders of magnitude.

    Outputs of an untrained network are of the order of 1. Adam and its relatives move a weight by
    about the learning rate in each step, and SGD has gradients in proportion to the targets, which
    diverge. Large targets within reach, such as those of a linear model that is trained for long
    with a large learning rate, are not warned about.

    Args:
        task: what the outputs mean; a task without numbers to predict has no problem.
        output: raw outputs of the untrained model for one batch, [B], [B, 1] or [B, T].
        y: the targets of the training part, [N] or [N, T].
        reach: the largest learning rate times the number of steps.
    """
    if not isinstance(task, Regression):
        return []
    targets = task.in_training_unit(y).double().reshape(len(y), -1)
    outputs = output.detach().double().reshape(len(output), -1)
    return [
        Diagnosis("warning", _KEY, message, _fix(task))
        for i, name in enumerate(task.target_names)
        if (message := _difference(name, targets[:, i], outputs[:, i], reach))
    ]


def _difference(name: str, target: Tensor, output: Tensor, reach: float) -> str:
    """Return how a target and its outputs differ by orders of magnitude; "" if they do not."""
    mean, sd = float(target.mean()), float(target.std(correction=0))
    size, given = max(abs(mean), sd), float(output.square().mean().sqrt())
    both = (
        f"outputs of the untrained model have the size {number(given)}, but {name} has the mean "
        f"{number(mean)} and the SD {number(sd)}"
    )
    if size > _FAR * max(given, 1.0) and reach < size:
        return f"{both}: the training would have to move weights by orders of magnitude"
    if sd > 0 and given > _SMALL * size:
        return f"{both}: differences between targets would be lost in the noise of the training"
    return ""


def _fix(task: Regression) -> str:
    if task.transform is None:
        return f"set {_KEY}: standardize; metrics and predictions stay in the original unit"
    return f"set {_KEY}: standardize instead of {task.transform.kind}"


def units_of_claims(claims: Iterable[Claim], task: Task) -> Iterator[str]:
    """Say in which unit claims on errors are, if the targets are transformed for the loss."""
    if not isinstance(task, Regression) or task.transform is None:
        return
    for index, claim in enumerate(claims):
        base, part = split_metric(claim.metric)
        if base == "loss":
            yield f"claims.{index}: loss is computed on the transformed target"
        elif base in _UNITS:
            names = part or ", ".join(task.target_names)
            yield (
                f"claims.{index}: {claim.metric} is in {_UNITS[base]} {names}; on the transformed "
                "target, claim loss"
            )


def check_units_of_claims(claims: Iterable[Claim], task: Task, y: Tensor) -> list[Diagnosis]:
    """Warn if a claimed error can only be one on the standardized or logarithmic target.

    Args:
        claims: the claims of the recipe.
        task: what the outputs mean.
        y: the targets of the training part, [N] or [N, T].
    """
    if not isinstance(task, Regression):
        return []
    targets, found = y.double().reshape(len(y), -1), list[Diagnosis]()
    for index, claim in enumerate(claims):
        base, part = split_metric(claim.metric)
        if base not in _UNITS or claim.value is None or claim.is_gain or claim.not_judged:
            continue
        at = [task.target_names.index(part)] if part in task.target_names else slice(None)
        guess = targets[:, at].var(0, correction=0).mean().sqrt()
        value = torch.tensor(claim.number, dtype=torch.float64)
        error = float(value.clamp(min=0).sqrt() if base == "mse" else value)
        if 0 < error < _NEVER * float(guess):
            message = (
                f"{claim.metric} {number(claim.number)} is claimed in {_UNITS[base]} "
                f"{part or ', '.join(task.target_names)}, whose SD is {number(float(guess))}: is "
                "it an error on a transformed target?"
            )
            fix = f"set {_KEY} to the transform of the paper, and claim metric: loss"
            fix = fix if task.transform is None else "claim metric: loss"
            found.append(Diagnosis("warning", f"claims.{index}.metric", message, fix))
    return found
