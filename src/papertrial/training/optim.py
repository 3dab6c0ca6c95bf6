"""What optimizers and schedulers need from us: fused kernels, closures, when to step."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from papertrial.errors import ModelError, PapertrialError

_FUSED_ON_MPS = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)
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
    floating = all(p.is_floating_point() for p in trainable(model))
    devices = {p.device.type for p in trainable(model)}
    known = devices <= {"cpu", "cuda"} or (devices == {"mps"} and target in _FUSED_ON_MPS)
    fits = takes_fused and floating and known and not chosen and not sparse
    return {"fused": True} if fits else {}


def needs_closure(optimizer: Optimizer) -> bool:
    """Tell whether step() must be given the loss as a function, as torch.optim.LBFGS's must."""
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    return closure is not None and closure.default is closure.empty


class Computed(Protocol):
    """What a gradient computation returns, at least."""

    @property
    def loss(self) -> Tensor:
        """The loss, without dimensions."""
        ...


R = TypeVar("R", bound=Computed)


class Stepper:
    """Steps an optimizer, which may evaluate the loss itself and several times."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self._closure = needs_closure(optimizer)

    def step(self, compute: Callable[[], R]) -> R:
        """Compute gradients and take one step; return the first computation's result.

        Raises:
            ModelError: the optimizer fails, as some do on sparse gradients.
        """
        try:
            if self._closure:
                return self._step_with_closure(compute)
            result = compute()
            self.optimizer.step()
            return result
        except PapertrialError:
            raise
        except Exception as error:
            name = type(self.optimizer).__name__
            raise ModelError(f"optimizer: {name} cannot step: {error}") from error

    def _step_with_closure(self, compute: Callable[[], R]) -> R:
        results: list[R] = []

        def closure() -> Tensor:
            results.append(compute())
            return results[-1].loss

        self.optimizer.step(closure)  # type: ignore[arg-type]  # typed as giving a float
        return results[0]


@dataclass
class Schedule:
    """A learning-rate scheduler (or none) and when it is stepped.

    With `monitor`, its step() takes that validation metric after each evaluation; else it is
    stepped after each epoch or each optimizer step.

    Raises:
        ModelError: its step() takes a metric and none is monitored, or the other way round; later,
            when it fails, as one made for fewer steps does.
    """

    scheduler: Any = None
    interval: Literal["epoch", "step"] = "epoch"
    monitor: str | None = None

    def __post_init__(self) -> None:
        if self.scheduler is None:
            return
        first = [*inspect.signature(type(self.scheduler).step).parameters.values()][1:2]
        takes_metric = any(p.name == "metrics" or p.default is p.empty for p in first)
        if takes_metric and self.monitor is None:
            raise ModelError(f"scheduler: {self._name} takes a metric; name one as monitor: loss")
        rises = self.monitor not in (None, "loss", "mse", "rmse", "mae")
        if rises and getattr(self.scheduler, "mode", "max") == "min":
            rule = f"{self.monitor} is better when it is higher"
            raise ModelError(f"scheduler: {rule}, but {self._name} has mode: min; set mode: max")
        if self.monitor is not None and not takes_metric:
            raise ModelError(f"scheduler: {self._name} takes no metric; remove monitor")

    @property
    def _name(self) -> str:
        return type(self.scheduler).__name__

    def step(self, end_of_epoch: bool) -> None:
        """Count one optimizer step."""
        due = end_of_epoch or self.interval == "step"
        if self.scheduler is not None and self.monitor is None and due:
            self._call()

    def rehearse(self, steps: int, per_epoch: int) -> None:
        """Step as often as a training of `steps` will, on an optimizer to be thrown away.

        Raises:
            ModelError: the scheduler was made for fewer steps.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that the optimizer was not stepped
                for step in range(1, steps + 1) if self.interval == "step" else ():
                    self.step(end_of_epoch=step % per_epoch == 0)
                for _ in range(steps // per_epoch) if self.interval == "epoch" else ():
                    self.step(end_of_epoch=True)
        except ModelError as error:
            raise ModelError(f"{error}; the training has {steps} steps") from error

    def evaluated(self, metrics: dict[str, Any]) -> None:
        """Hand on the monitored metric of an evaluation."""
        if self.scheduler is not None and self.monitor is not None:
            value = metrics[self.monitor]
            if not isinstance(value, int | float):
                raise ModelError(f"scheduler: the metric {self.monitor} is not defined here")
            self._call(value)

    def _call(self, *metric: float) -> None:
        try:
            self.scheduler.step(*metric)
        except Exception as error:
            raise ModelError(f"scheduler: {self._name} cannot step: {error}") from error

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
