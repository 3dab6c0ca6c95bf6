"""Sharpness-aware minimisation: gradients at the worst weights nearby."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from papertrial.model_call import call_model, main_output


class SAM:
    """Take the gradient at the weights that are moved by rho along the normalised gradient.

    Both passes see the same batch. Buffers, such as the statistics of batch norm, are updated by
    the first pass alone, as in the authors' code.

    Source: Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization"
    (2021), arXiv:2010.01412, equation 2 and algorithm 1.

    Args:
        rho: > 0, the radius; the paper has 0.05.

    Raises:
        ValueError: rho is not positive.
    """

    def __init__(self, rho: float = 0.05) -> None:
        if not rho > 0:
            raise ValueError(f"rho > 0 must hold, got {rho}")
        self._rho = rho

    def __call__(
        self, model: nn.Module, x: Any, y: Any, loss: Callable[[Any, Any], Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the loss at the moved weights, and the output at the present ones."""
        trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        buffers = {name: b.clone() for name, b in model.named_buffers()}
        returned = call_model(model, x)
        gradients = torch.autograd.grad(
            loss(returned, y), list(trained.values()), allow_unused=True
        )
        norm = torch.stack([g.float().norm() for g in gradients if g is not None]).norm()
        scale = self._rho / (norm + 1e-12)  # as in the authors' code, for a gradient of zeros
        moved = {
            name: p if g is None else p + scale * g
            for (name, p), g in zip(trained.items(), gradients, strict=True)
        }
        args, named = ((), dict(x)) if isinstance(x, Mapping) else ((x,), {})
        again = functional_call(model, {**moved, **buffers}, args, named)
        return loss(again, y), main_output(returned).detach()
