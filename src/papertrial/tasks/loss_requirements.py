"""What a task requires of a loss, checked by calling the loss on random outputs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from papertrial.data.nested import first_of, mapped, row_count, shapes_of
from papertrial.data.streams import drawing_from, generator
from papertrial.errors import ModelError
from papertrial.tasks.classification import is_one_logit
from papertrial.tasks.probability_losses import takes_probabilities
from papertrial.tasks.task import Task

Loss = Callable[[Tensor, Tensor], Tensor]
Reduction = Literal["mean", "sum"]
_SHIFT = 64.0
CLASSES_LAST = "for classes on the last axis, use papertrial.positions.cross_entropy"
_USE_LOGITS = (
    "one output per sample must be a logit: use torch.nn.BCEWithLogitsLoss, and no sigmoid in the "
    "model"
)
_USE_LABEL_LOGITS = (
    "the output of each label must be a logit of its own: use torch.nn.BCEWithLogitsLoss, and no "
    "sigmoid or softmax in the model"
)


def check_loss(loss: Loss, task: Task, output: Tensor, y: Any) -> Reduction:
    """Check a task's requirements of a loss; return whether it is a mean or a sum over samples.

    The loss is called on random outputs with the shape of the model's outputs and the scale of the
    targets, and on real targets. These properties are checked:

    - It returns one finite number with a gradient for the outputs.
    - It changes if targets are moved to other rows. A loss that broadcasts [B, 1] and [B] to [B, B]
      compares every output with every target and does not change.
    - For classification, adding c to all logits does not lower it by c, as for NLLLoss on logits:
      such a loss has no minimum, unless the outputs of the model are log-probabilities.
    - One output per sample, and each output of a multi-label classification, is treated as a
      logit: the loss changes if all outputs rise, and is smaller at -1 than at 0 for the first
      class, or where no label is set. MSELoss is smallest at 0. BCELoss takes probabilities
      instead: the outputs must be from 0 to 1.

    Args:
        loss: called as loss(output, target).
        task: what the outputs mean.
        output: the outputs of the model for a batch, [B, ...].
        y: targets as stored, [n] or [n, T] with n >= 2, on any device.

    Of `task: prediction` only this is checked: it returns one finite number with a gradient.

    Returns:
        "sum" if the loss doubles when every sample is repeated, else "mean".

    Raises:
        ModelError: the loss does not have these properties.
    """
    name = getattr(getattr(loss, "func", loss), "__name__", type(loss).__name__)
    if isinstance(loss, nn.Module) and any(p.requires_grad for p in loss.parameters()):
        raise ModelError(
            f"loss: {name} has parameters, which no optimizer would train; move them into the model"
        )
    if task.family == "prediction":
        return _check_tensors(loss, name, output, y)
    probabilities = takes_probabilities(loss) and task.family != "regression"
    if probabilities:
        _check_probabilities(name, output)
    one_logit = not probabilities and task.family == "classification" and is_one_logit(output)
    labels = not probabilities and task.family == "multilabel"
    use = _USE_LABEL_LOGITS if labels else _USE_LOGITS if one_logit else ""
    try:
        tried, target, value = _first_value(loss, name, task, output, y)
    except ModelError as error:
        if use:
            raise ModelError(f"{error}; {use}") from error
        raise
    _check_value(name, value)
    if use:
        _check_logits(loss, name, tried, target, use)
    _check_pairing(loss, name, tried, target, value)
    if task.family == "classification" and not one_logit and not probabilities:
        _check_log_probabilities(loss, name, tried, target, value, output)
    twice = _call(loss, name, torch.cat([tried, tried]), torch.cat([target, target]))
    return "sum" if torch.allclose(twice, 2 * value, rtol=1e-3) else "mean"


def _check_probabilities(name: str, output: Tensor) -> None:
    """Raise ModelError unless outputs are, as a loss requires, probabilities."""
    if not bool(((output >= 0) & (output <= 1)).all()):
        raise ModelError(
            f"loss: {name} takes probabilities from 0 to 1, but the model gives outputs from "
            f"{output.min().item():.3g} to {output.max().item():.3g}; use "
            "torch.nn.BCEWithLogitsLoss, which takes logits, or end the model with a sigmoid"
        )


def _check_tensors(loss: Loss, name: str, output: Tensor, y: Any) -> Reduction:
    """Check a loss whose targets have no known meaning, as `prediction` requires: on a batch."""
    rows = min(len(output), row_count(y))
    tried = output.detach()[:rows].float().requires_grad_()
    target = mapped(lambda one: one[:rows].to(output.device), y)
    try:
        value = _call(loss, name, tried, target)
    except ModelError as error:
        classes = isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss)
        if classes and isinstance(target, Tensor) and target.shape == tried.shape[:-1]:
            raise ModelError(f"{error}; {CLASSES_LAST}") from error
        raise
    _check_value(name, value)
    twice = mapped(lambda one: torch.cat([one, one]), target)
    doubled = _call(loss, name, torch.cat([tried, tried]), twice)
    return "sum" if torch.allclose(doubled, 2 * value, rtol=1e-3) else "mean"


def _first_value(
    loss: Loss, name: str, task: Task, output: Tensor, y: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return random outputs to try a task's loss on, their targets, and the loss of both."""
    y, rows = _varied(y), output.shape[-1] + 3  # never a square: [K] beside [B, K] would broadcast
    y = y.repeat(-(-rows // len(y)), *[1] * (y.ndim - 1))[:rows].to(output.device)
    noise = torch.randn(rows, *output.shape[1:], generator=generator(0, "check-loss"))
    if y.is_floating_point():
        # Far from the targets, rounding would hide which target belongs to which output.
        scaled = task.target(y, noise.to(y.device))
        noise = noise * scaled.std().cpu() + scaled.mean().cpu()
    if takes_probabilities(loss):
        noise = noise.sigmoid()
    tried = noise.to(output.device).requires_grad_()
    target = task.target(y, tried)
    value = _call(loss, name, tried, target)
    if isinstance(value, Tensor) and value.ndim == 0 and not torch.isfinite(value):
        # The loss may need outputs such as positive ones: use those of the model.
        tried = output.detach()[torch.arange(rows) % len(output)].float().requires_grad_()
        target = task.target(y, tried)
        value = _call(loss, name, tried, target)
    return tried, target, value


def _check_value(name: str, value: object) -> None:
    """Raise ModelError unless a loss is, as required, one finite number with a gradient."""
    if not isinstance(value, Tensor) or value.ndim != 0:
        got = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ModelError(f"loss: {name} must return one number for a batch, got {got}")
    if not value.requires_grad:
        raise ModelError(f"loss: {name} has no gradient for the model's outputs")
    if not torch.isfinite(value):
        raise ModelError(
            f"loss: {name} of the model's outputs is {value.item()}, not a finite number"
        )


def _check_pairing(loss: Loss, name: str, tried: Tensor, target: Tensor, value: Tensor) -> None:
    """Raise ModelError unless a loss depends, as required, on which target belongs to an output."""
    rolled = target.roll(1, 0)
    moved = _call(loss, name, tried, rolled)
    if torch.allclose(value, moved, rtol=1e-5, atol=0) and not torch.equal(target, rolled):
        raise ModelError(
            f"loss: {name} returns {value.item():.6g} whichever target belongs to which output, so "
            "nothing can be learnt from it; it probably broadcasts [B, 1] and [B] to [B, B]"
        )


def _check_log_probabilities(
    loss: Loss, name: str, tried: Tensor, target: Tensor, value: Tensor, output: Tensor
) -> None:
    """Raise ModelError if a loss requires log-probabilities, and the model's outputs are others."""
    fall = (value - _call(loss, name, tried + _SHIFT, target)) / _SHIFT
    sums = output.detach().cpu().double().exp().sum(1)
    near = torch.allclose(sums, torch.ones_like(sums), atol=0.05)  # rough, for bf16
    if fall > 1e-3 and not near:
        raise ModelError(
            f"loss: {name} expects log-probabilities, but the model's outputs are not (each row's "
            f"exp() must sum to 1, got {sums[0].item():.4g}); use torch.nn.CrossEntropyLoss, or "
            "end the model with torch.nn.LogSoftmax(dim=1)"
        )


def _check_logits(loss: Loss, name: str, output: Tensor, target: Tensor, use: str) -> None:
    """Raise ModelError unless a loss treats each output, as required, as a logit of its own."""
    here, up = (_call(loss, name, x, target) for x in (output, output + _SHIFT))
    if torch.allclose(here, up, rtol=1e-5, atol=1e-5):
        raise ModelError(
            f"loss: {name} does not change if all outputs rise by {_SHIFT:g}, so it cannot "
            f"distinguish 0 from 1; {use}"
        )
    truth = target.bool()
    at_0, below = (
        _call(loss, name, torch.where(truth, 1.0, low).requires_grad_(), target)
        for low in (0.0, -1.0)
    )
    if not truth.all() and not below < at_0:
        raise ModelError(
            f"loss: {name} must be smaller at -1 than at 0 for the target 0, got "
            f"{below.item():.6g} and {at_0.item():.6g}; {use}"
        )


def _varied(y: Tensor) -> Tensor:
    """Return at most 65 targets to try a task's loss on, which differ if any targets in y do."""
    different = (y != y[:1]).reshape(len(y), -1).any(1).nonzero()[:, 0]
    return torch.cat([y[:1], y[different[:64]]]) if len(different) else y[:64]


def _call(loss: Loss, name: str, output: Tensor, target: Any) -> Tensor:
    """Try a task's loss on outputs and targets; raise ModelError if it does not take them."""
    try:
        # A loss that draws random numbers must draw the same ones for all outputs.
        with drawing_from(output.device, 0), warnings.catch_warnings():
            warnings.filterwarnings("error", message="Using a target size")
            return loss(output, target)
    except Exception as error:
        is_clear = isinstance(error, RuntimeError | ValueError | Warning)
        reason = error if is_clear else f"{type(error).__name__}: {error}"
        raise ModelError(
            f"loss: {name} does not take outputs {list(output.shape)} with targets "
            f"{shapes_of(target)} {str(first_of(target).dtype).removeprefix('torch.')}: {reason}"
        ) from error
