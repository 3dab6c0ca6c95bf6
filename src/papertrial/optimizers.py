"""Optimizers that shipped recipes use; a recipe can use any other torch.optim class as well.

This import path is stable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

__all__ = ["NormalizedMuon", "orthogonalize"]

# Of the quintic iteration X <- aX + b(XX')X + c(XX')^2 X, with a large slope at 0. It moves the
# singular values of X from (0, 1] to about 0.7 to 1.2 in few steps, not to exactly 1.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalize(matrix: Tensor, steps: int = 3) -> Tensor:
    """Return about UV' for a matrix [m, n] with the singular value decomposition USV', in bfloat16.

    Newton-Schulz iteration. Source: Jordan et al., "Muon: An optimizer for hidden layers in neural
    networks" (2024).

    Args:
        matrix: of any floating-point type.
        steps: the number of iterations.
    """
    a, b, c = _COEFFICIENTS
    x: Tensor = matrix.bfloat16()
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x  # the products below then are of the smaller side
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


class NormalizedMuon(Optimizer):
    """Muon for convolutions and matrices, as in airbench94: the weights have a constant norm.

    A parameter is seen as a matrix with a row for each output. A step scales it to the norm
    sqrt(rows), and then moves it against its orthogonalized momentum.

    Source: github.com/KellerJordan/cifar10-airbench, airbench94_muon.py. `torch.optim.Muon` is for
    matrices only and keeps the norm of the weights by weight decay.

    Args:
        params: parameters or groups of parameters with at least two dimensions each.
        lr: learning rate.
        momentum: of the sum of gradients: buffer = momentum * buffer + gradient.
        nesterov: whether to step along gradient + momentum * buffer instead of the buffer.
        steps: iterations of `orthogonalize`.

    Raises:
        ValueError: an argument is out of range, or a parameter has fewer than two dimensions.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0.0,
        nesterov: bool = False,
        steps: int = 3,
    ) -> None:
        if lr < 0 or momentum < 0:
            raise ValueError(f"lr >= 0 and momentum >= 0 must hold, got {lr} and {momentum}")
        if nesterov and momentum == 0:
            raise ValueError("nesterov needs momentum > 0, got 0")
        defaults = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "steps": steps}
        super().__init__(params, defaults)
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.ndim < 2:
                    shape = list(parameter.shape)
                    raise ValueError(f"a parameter needs at least 2 dimensions, got {shape}")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Step along the gradients; return what `closure` returns, or None without one."""
        value = None
        if closure is not None:
            with torch.enable_grad():
                value = closure()
        for group in self.param_groups:
            momentum = group["momentum"]
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(gradient)
                buffer = state["momentum_buffer"].mul_(momentum).add_(gradient)
                along = gradient + momentum * buffer if group["nesterov"] else buffer
                update = orthogonalize(along.flatten(1), group["steps"]).view_as(parameter)
                parameter.mul_(len(parameter) ** 0.5 / parameter.norm())
                parameter.add_(update, alpha=-group["lr"])
        return value
