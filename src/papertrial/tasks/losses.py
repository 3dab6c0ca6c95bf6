"""Is a loss one for this task? Tried on made-up outputs, so that any loss can be asked."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from papertrial.data.streams import drawing_from, generator
from papertrial.errors import ModelError
from papertrial.tasks.classification import is_one_logit
from papertrial.tasks.task import Task

Loss = Callable[[Tensor, Tensor], Tensor]
Reduction = Literal["mean", "sum"]
_SHIFT = 64.0
_USE_LOGITS = (
    "one output a sample is read as a logit: use torch.nn.BCEWithLogitsLoss, and no sigmoid in "
    "the model"
)


def check_loss(loss: Loss, task: Task, output: Tensor, y: Tensor) -> Reduction:
    """Tell whether a loss is a mean or a sum over samples; refuse one that is not for this task.

    That is one that fails, or that silently gives nonsense.

    Tests on random outputs of the model's width and the targets' scale, with real targets:

    - it returns one finite number that gradients reach;
    - it does not stay the same when targets are handed to other rows, as a [B, 1] broadcast
      against [B] does (every output is then held against every target);
    - for classification, raising all logits by c does not lower it by c, as NLLLoss on logits
      does: such a loss has no minimum, unless the model's outputs are log-probabilities;
    - for one logit, it is about a logit: it changes when all rise, and a sample of the first class
      is better at -1 than at 0, which a loss of numbers, MSELoss, holds for the best.

    Args:
        loss: called as loss(output, target).
        task: what the outputs mean.
        output: the model's, for one batch, [B, ...].
        y: targets as stored, [n] or [n, T] with n >= 2, on any device.

    Returns:
        "sum" where the loss of every sample taken twice is twice the loss, else "mean".

    Raises:
        ModelError: any of these fails.
    """
    name = getattr(getattr(loss, "func", loss), "__name__", type(loss).__name__)
    if isinstance(loss, nn.Module) and any(p.requires_grad for p in loss.parameters()):
        raise ModelError(
            f"loss: {name} has parameters of its own, which no optimizer would train; move them "
            "into the model"
        )
    y, rows = _varied(y), output.shape[-1] + 3  # never a square: [K] beside [B, K] would broadcast
    y = y.repeat(-(-rows // len(y)), *[1] * (y.ndim - 1))[:rows].to(output.device)
    noise = torch.randn(rows, *output.shape[1:], generator=generator(0, "check-loss"))
    if y.is_floating_point():  # far from the targets, rounding would hide which is whose
        noise = noise * y.std().cpu() + y.mean().cpu()
    made_up = noise.to(output.device).requires_grad_()
    target = task.target(y, made_up)
    one_logit = task.family == "classification" and is_one_logit(output)
    try:
        value = _call(loss, name, made_up, target)
    except ModelError as error:
        if one_logit:
            raise ModelError(f"{error}; {_USE_LOGITS}") from error
        raise
    if isinstance(value, Tensor) and value.ndim == 0 and not torch.isfinite(value):
        # A loss for positive outputs, say: take the model's own.
        made_up = output.detach()[torch.arange(rows) % len(output)].float().requires_grad_()
        target = task.target(y, made_up)
        value = _call(loss, name, made_up, target)
    if not isinstance(value, Tensor) or value.ndim != 0:
        got = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ModelError(f"loss: {name} must return one number for a batch, got {got}")
    if not value.requires_grad:
        raise ModelError(f"loss: no gradient comes back through {name} to the model's output")
    if not torch.isfinite(value):
        raise ModelError(
            f"loss: {name} of the model's outputs is {value.item()}, not a finite number"
        )
    if one_logit:
        _check_one_logit(loss, name, made_up, target)
    moved = _call(loss, name, made_up, target.roll(1, 0))
    if torch.allclose(value, moved, rtol=1e-5, atol=0) and not torch.equal(
        target, target.roll(1, 0)
    ):
        raise ModelError(
            f"loss: {name} gives {value.item():.6g} whichever target belongs to which output, so "
            "nothing can be learnt from it; probably it broadcasts [B, 1] against [B]"
        )
    if task.family == "classification" and not one_logit:
        fall = (value - _call(loss, name, made_up + _SHIFT, target)) / _SHIFT
        sums = output.detach().cpu().double().exp().sum(1)
        if fall > 1e-3 and not torch.allclose(
            sums, torch.ones_like(sums), atol=0.05
        ):  # rough, for bf16
            raise ModelError(
                f"loss: {name} expects log-probabilities, but the model's outputs are not (each "
                f"row's exp() must sum to 1, got {sums[0].item():.4g}); use "
                "torch.nn.CrossEntropyLoss, or end the model with torch.nn.LogSoftmax(dim=1)"
            )
    twice = _call(loss, name, torch.cat([made_up, made_up]), torch.cat([target, target]))
    return "sum" if torch.allclose(twice, 2 * value, rtol=1e-3) else "mean"


def _check_one_logit(loss: Loss, name: str, output: Tensor, target: Tensor) -> None:
    """Refuse a loss that takes one logit a sample for something else."""
    here, up = (_call(loss, name, x, target) for x in (output, output + _SHIFT))
    if torch.allclose(here, up, rtol=1e-5, atol=1e-5):
        raise ModelError(
            f"loss: {name} is the same when every output rises by {_SHIFT:g}, so it tells no class "
            f"from the other; {_USE_LOGITS}"
        )
    truth = target.bool()
    at_0, below = (
        _call(loss, name, torch.where(truth, 1.0, low).requires_grad_(), target)
        for low in (0.0, -1.0)
    )
    if not truth.all() and not below < at_0:
        raise ModelError(
            f"loss: {name} finds an output of -1 no better than 0 for the first class, got "
            f"{below.item():.6g} and {at_0.item():.6g}; {_USE_LOGITS}"
        )


def _varied(y: Tensor) -> Tensor:
    """Return rows of y that are not all alike, few enough to repeat."""
    different = (y != y[:1]).reshape(len(y), -1).any(1).nonzero()[:, 0]
    return torch.cat([y[:1], y[different[:64]]]) if len(different) else y[:64]


def _call(loss: Loss, name: str, output: Tensor, target: Tensor) -> Tensor:
    try:
        # A loss that draws random numbers draws the same for all outputs that are compared.
        with drawing_from(output.device, 0), warnings.catch_warnings():
            warnings.filterwarnings("error", message="Using a target size")
            return loss(output, target)
    except Exception as error:
        plain = isinstance(error, RuntimeError | ValueError | Warning)
        said = error if plain else f"{type(error).__name__}: {error}"
        raise ModelError(
            f"loss: {name} does not take outputs {list(output.shape)} with targets "
            f"{list(target.shape)} {str(target.dtype).removeprefix('torch.')}: {said}"
        ) from error
