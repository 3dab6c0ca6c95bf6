"""Does every parameter get a gradient?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from papertrial.diagnose.finding import Finding
from papertrial.diagnose.lent_model import model_kept

_FEW = 4


def check_gradients(model: nn.Module, compute_loss: Callable[[], Tensor]) -> list[Finding]:
    """Send gradients back once, in training mode, and tell which parameters get none.

    The model, its gradients and the random generators are left as they were.

    Args:
        model: whose trainable parameters are looked at.
        compute_loss: runs the model on a batch and returns its loss, a number with a graph.
    """
    with model_kept(model):
        model.train()
        try:
            loss = compute_loss()
            if not torch.isfinite(loss.detach()).all():
                return [_not_finite(loss)]
            torch.autograd.backward(loss)
        except Exception as error:
            said = f"the model or the loss fails with gradients: {' '.join(str(error).split())}"
            fix = "mend the forward pass: nothing that gradients need may be changed in place, "
            return [Finding("error", "model", said, f"{fix}and one of its parameters must be used")]
        return _told(model)


def _told(model: nn.Module) -> list[Finding]:
    trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
    unused = [name for name, p in trainable.items() if p.grad is None]
    if trainable and len(unused) == len(trainable):
        message = "gradients must reach the parameters, but none of them gets one"
        fix = "look for detach(), .data, torch.no_grad() or argmax in the model or the loss"
        return [Finding("error", "model", message, fix)]
    found = []
    if unused:
        message = f"every parameter must get a gradient, but {_named(unused)} none"
        fix = "use them in forward(), remove them, or set requires_grad=False where they are fixed"
        found.append(Finding("warning", "model", message, fix))
    reached = {name: _values(p.grad) for name, p in trainable.items() if p.grad is not None}
    wild = [name for name, values in reached.items() if not torch.isfinite(values).all()]
    if wild:
        message = f"gradients must be finite, but {_named(wild)} NaN or infinity"
        fix = "look for a square root or a logarithm at 0, and normalise the inputs"
        found.append(Finding("error", "model", message, fix))
    dead = [name for name, values in reached.items() if not values.any()]
    if dead:
        message = f"every parameter must get a gradient, but {_named(dead)} nothing but zeros"
        fix = (
            "look for ReLUs that no sample activates, inputs that are not normalised, or a later "
            "layer that starts at zero (which is harmless)"
        )
        found.append(Finding("warning", "model", message, fix))
    return found


def _not_finite(loss: Tensor) -> Finding:
    message = f"the first loss must be a finite number, got {loss.detach().sum().item()}"
    fix = "normalise the inputs, and look for a logarithm or a division by 0 in the model"
    return Finding("error", "loss", message, fix)


def _values(gradient: Tensor) -> Tensor:
    return gradient.coalesce().values() if gradient.is_sparse else gradient


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return f"{', '.join(names[:_FEW])}{more} get{'s' if len(names) == 1 else ''}"
