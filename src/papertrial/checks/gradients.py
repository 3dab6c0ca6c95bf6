"""Does every parameter get a gradient?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.diagnose.lent_model import model_kept

_FEW = 4


def check_gradients(
    model: nn.Module,
    compute_loss: Callable[[], Tensor],
    compute_output: Callable[[], Tensor] | None = None,
) -> list[Diagnosis]:
    """Run one backward pass in training mode, and report parameters that get no gradient.

    Those that the output in evaluation mode depends on are reported separately: a copy of the
    weights inside the model, such as an AveragedModel, that nothing updates.

    The model, its gradients and the random generators are restored afterwards.

    Args:
        model: the model whose trainable parameters are checked.
        compute_loss: runs the model on a batch and returns its loss, a scalar with a graph.
        compute_output: runs the model on a batch and returns its output.
    """
    with model_kept(model):
        model.train()
        try:
            loss = compute_loss()
            if not torch.isfinite(loss.detach()).all():
                return [_not_finite(loss)]
            torch.autograd.backward(loss)
        except Exception as error:
            reason = " ".join(str(error).split())
            message = f"the model or the loss fails when gradients are computed: {reason}"
            fix = (
                "fix the forward pass: it must use a parameter, and must not change in place a "
                "tensor that the backward pass needs"
            )
            return [Diagnosis("error", "model", message, fix)]
        evaluated = set[str]()
        if compute_output is not None:
            evaluated = _evaluated_alone(model, compute_output)
        return _check_reached(model, evaluated)


def _evaluated_alone(model: nn.Module, compute_output: Callable[[], Tensor]) -> set[str]:
    """Return the parameters without a gradient that the output in evaluation mode depends on."""
    without = {n: p for n, p in model.named_parameters() if p.requires_grad and p.grad is None}
    if not without:
        return set()
    model.eval()
    output = compute_output()
    if not output.requires_grad:
        return set()
    found = torch.autograd.grad(output.sum(), list(without.values()), allow_unused=True)
    return {name for name, gradient in zip(without, found, strict=True) if gradient is not None}


def _check_reached(model: nn.Module, evaluated: set[str]) -> list[Diagnosis]:
    """Report parameters whose gradient is missing, not finite or zero after a backward pass."""
    trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
    unused = [name for name, p in trainable.items() if p.grad is None]
    if trainable and len(unused) == len(trainable):
        message = "every parameter must get a gradient, but none of them gets one"
        fix = "look for detach(), .data, torch.no_grad() or argmax in the model or the loss"
        return [Diagnosis("error", "model", message, fix)]
    found = []
    if evaluated:
        names = [name for name in unused if name in evaluated]
        message = (
            f"evaluations depend on parameters that no gradient reaches: {_subject(names)} none in "
            "training mode, so they may keep their initial values"
        )
        fix = (
            "let the recipe average the weights, average: {use: ema}; if the forward pass updates "
            "them itself, set requires_grad=False"
        )
        found.append(Diagnosis("warning", "model", message, fix))
    unused = [name for name in unused if name not in evaluated]
    if unused:
        message = f"every parameter must get a gradient, but {_subject(unused)} none"
        fix = "use them in forward(), remove them, or set requires_grad=False if they are fixed"
        found.append(Diagnosis("warning", "model", message, fix))
    reached = {name: _values(p.grad) for name, p in trainable.items() if p.grad is not None}
    wild = [name for name, values in reached.items() if not torch.isfinite(values).all()]
    if wild:
        message = f"gradients must be finite, but {_subject(wild)} NaN or infinity"
        fix = "look for a square root or a logarithm of 0, and normalise the inputs"
        found.append(Diagnosis("error", "model", message, fix))
    dead = [name for name, values in reached.items() if not values.any()]
    if dead:
        message = f"every parameter must get a gradient, but {_subject(dead)} nothing but zeros"
        fix = (
            "look for ReLUs that no sample activates, inputs that are not normalised, or a later "
            "layer that is initialised to zero (which is harmless)"
        )
        found.append(Diagnosis("warning", "model", message, fix))
    return found


def _not_finite(loss: Tensor) -> Diagnosis:
    """Return the error for a loss that has no usable gradients, because it is NaN or infinite."""
    message = f"the first loss must be a finite number, got {loss.detach().sum().item()}"
    fix = "normalise the inputs, and look for a logarithm or a division by 0 in the model"
    return Diagnosis("error", "loss", message, fix)


def _values(gradient: Tensor) -> Tensor:
    """Return the stored values of a dense or sparse gradient."""
    return gradient.coalesce().values() if gradient.is_sparse else gradient


def _subject(names: Sequence[str]) -> str:
    """Return the parameters and the verb of a message on their gradients: "fc.bias gets"."""
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return f"{', '.join(names[:_FEW])}{more} get{'s' if len(names) == 1 else ''}"
