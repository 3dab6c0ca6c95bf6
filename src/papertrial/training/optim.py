"""What an optimizer and its scheduler need from us: fused kernels, closures, when to step."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from papertrial.errors import ModelError

_EXCLUDES_FUSED = ("fused", "foreach", "capturable", "differentiable")


def trainable(model: nn.Module) -> list[Tensor]:
    """Return the parameters that gradients are for.

    Raises:
        ModelError: there are none.
    """
    parameters: list[Tensor] = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise ModelError(f"the model {type(model).__name__} has no parameter to train")
    return parameters


def fused_arguments(target: Any, kwargs: dict[str, Any], model: nn.Module) -> dict[str, bool]:
    """Return {"fused": True} where the optimizer class has a fused kernel for this model."""
    takes_fused = "fused" in inspect.signature(target).parameters
    chosen = any(kwargs.get(name) is not None for name in _EXCLUDES_FUSED)
    sparse = any(getattr(module, "sparse", False) for module in model.modules())
    kinds = {(p.device.type, p.is_floating_point()) for p in trainable(model)}
    known = all(device in ("cpu", "cuda", "mps") and floating for device, floating in kinds)
    return {"fused": True} if takes_fused and known and not chosen and not sparse else {}


def needs_closure(optimizer: Optimizer) -> bool:
    """Tell whether step() must be given the loss as a function, as torch.optim.LBFGS's must."""
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    return closure is not None and closure.default is closure.empty


@dataclass
class Schedule:
    """A learning-rate scheduler (or none) and when it is stepped.

    With `monitor`, its step() takes that validation metric after each evaluation; else it is
    stepped after each epoch or each optimizer step.
    """

    scheduler: Any = None
    interval: Literal["epoch", "step"] = "epoch"
    monitor: str | None = None

    def step(self, end_of_epoch: bool) -> None:
        """Count one optimizer step."""
        due = end_of_epoch or self.interval == "step"
        if self.scheduler is not None and self.monitor is None and due:
            self.scheduler.step()

    def evaluated(self, metrics: dict[str, Any]) -> None:
        """Hand on the monitored metric of an evaluation."""
        if self.scheduler is not None and self.monitor is not None:
            self.scheduler.step(metrics[self.monitor])

    def state_dict(self) -> dict[str, Any]:
        """Return the scheduler's state, {} without one."""
        return {} if self.scheduler is None else dict(self.scheduler.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state)


def learning_rate(optimizer: Optimizer) -> float:
    """Return the learning rate of the first parameter group."""
    rate = optimizer.param_groups[0]["lr"]
    return float(rate.item()) if isinstance(rate, torch.Tensor) else float(rate)
