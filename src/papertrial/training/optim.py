"""Drive optimizers and schedulers: fused kernels, closures, and when a scheduler is stepped."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import torch
from torch import Tensor, nn

from papertrial.errors import ModelError, PapertrialError
from papertrial.training.scaling import LossScaling
from papertrial.vocabulary import Metric, MetricValue

_FUSED_ON_MPS = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)
_EXCLUDES_FUSED = ("fused", "foreach", "capturable", "differentiable")


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """Return the parameters for the optimizer: those that require gradients.

    Raises:
        ModelError: the model has none.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise ModelError(f"the model {type(model).__name__} has no parameter to train")
    return parameters


def fused_arguments(
    target: Any, kwargs: Mapping[str, object], parameters: Sequence[Tensor], model: nn.Module
) -> dict[str, bool]:
    """Return {"fused": True} if the optimizer class has a fused kernel for these parameters.

    Args:
        target: the optimizer class.
        kwargs: all arguments and options that the recipe sets.
        parameters: the parameters of the optimizer.
        model: the model that has them.
    """
    takes_fused = "fused" in inspect.signature(target).parameters
    chosen = any(kwargs.get(name) is not None for name in _EXCLUDES_FUSED)
    sparse = any(getattr(module, "sparse", False) for module in model.modules())
    floating = all(p.is_floating_point() for p in parameters)
    devices = {p.device.type for p in parameters}
    known = devices <= {"cpu", "cuda"} or (devices == {"mps"} and target in _FUSED_ON_MPS)
    fits = takes_fused and floating and known and not chosen and not sparse
    return {"fused": True} if fits else {}


def needs_closure(optimizer: HasGroups) -> bool:
    """Return whether an optimizer's step() requires a closure, as that of torch.optim.LBFGS."""
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    return closure is not None and closure.default is closure.empty


class Computed(Protocol):
    """The result of a gradient computation."""

    @property
    def loss(self) -> Tensor:
        """The loss, a scalar."""
        ...


class HasGroups(Protocol):
    """An optimizer, or several that step together."""

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of parameters, with their options."""
        ...

    def step(self) -> Any:
        """Take a step."""
        ...


R = TypeVar("R", bound=Computed)


class Stepper:
    """Steps an optimizer, including one that evaluates the loss several times by a closure.

    Args:
        optimizer: the optimizer.
        scaling: scales the losses, of fp16.

    Raises:
        ModelError: the optimizer needs a closure, and losses are scaled.
    """

    def __init__(self, optimizer: HasGroups, scaling: LossScaling | None = None) -> None:
        self.optimizer = optimizer
        self.scaling = scaling
        self._closure = needs_closure(optimizer)
        if self._closure and scaling is not None:
            raise ModelError(
                f"optimizer: {type(optimizer).__name__} evaluates the loss several times in a "
                "step, which precision: fp16 does not support; use precision: bf16 or fp32"
            )

    def unscale(self) -> None:
        """Divide the gradients by the scale of the losses, if these are scaled."""
        if self.scaling is not None:
            self.scaling.unscale(self.optimizer)

    def step(self, compute: Callable[[], R]) -> R:
        """Compute gradients and take one step; return the result of the first computation.

        Raises:
            ModelError: the optimizer fails, as some do for sparse gradients.
        """
        try:
            if self._closure:
                return self._step_with_closure(compute)
            result = compute()
            if self.scaling is None:
                self.optimizer.step()
            else:
                self.scaling.step(self.optimizer)
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

        self.optimizer.step(closure)  # type: ignore[call-arg]  # as its signature requires
        return results[0]


@dataclass
class Schedule:
    """A learning-rate scheduler, or none, and when it is stepped.

    With `monitor`, step() is called with that validation metric after each evaluation. Otherwise it
    is called after each epoch or after each optimizer step.

    Raises:
        ModelError: step() takes a metric but none is monitored, or the reverse. The methods also
            raise it if the scheduler fails, as one that was made for fewer steps does.
    """

    scheduler: Any = None
    interval: Literal["epoch", "step"] = "epoch"
    monitor: Metric | None = None
    where: str = "scheduler"  # its key path, for messages

    def __post_init__(self) -> None:
        if self.scheduler is None:
            return
        first = [*inspect.signature(type(self.scheduler).step).parameters.values()][1:2]
        takes_metric = any(p.name == "metrics" or p.default is p.empty for p in first)
        if takes_metric and self.monitor is None:
            raise ModelError(
                f"{self.where}: {self._name} takes a metric; name one as monitor: loss"
            )
        rises = self.monitor is not None and not self.monitor.lower_is_better
        if self.monitor is not None and rises and getattr(self.scheduler, "mode", "max") == "min":
            rule = f"{self.monitor.name} is better when it is higher"
            raise ModelError(f"{self.where}: {rule}, but {self._name} has mode: min; set mode: max")
        if self.monitor is not None and not takes_metric:
            raise ModelError(f"{self.where}: {self._name} takes no metric; remove monitor")

    @property
    def _name(self) -> str:
        return type(self.scheduler).__name__

    def step(self, end_of_epoch: bool) -> None:
        """Step the scheduler if it is due after an optimizer step."""
        due = end_of_epoch or self.interval == "step"
        if self.scheduler is not None and self.monitor is None and due:
            self._call()

    def rehearse(self, steps: int, per_epoch: int) -> None:
        """Step as often as a training of `steps` will; the optimizer must be a disposable one.

        Raises:
            ModelError: the scheduler was made for fewer steps.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch warns that the optimizer was not stepped
                for step in range(1, steps + 1) if self.interval == "step" else ():
                    self.step(end_of_epoch=step % per_epoch == 0)
                for _ in range(steps // per_epoch) if self.interval == "epoch" else ():
                    self.step(end_of_epoch=True)
        except ModelError as error:
            raise ModelError(f"{error}; the training has {steps} steps") from error

    def evaluated(self, metrics: Mapping[str, MetricValue]) -> None:
        """Step the scheduler with the monitored metric of an evaluation, if it takes one."""
        if self.scheduler is not None and self.monitor is not None:
            value = metrics[self.monitor.name]
            if not isinstance(value, int | float):
                raise ModelError(
                    f"{self.where}: the metric {self.monitor.name} is not defined here"
                )
            self._call(value)

    def _call(self, *metric: float) -> None:
        """Call step(), and name the scheduler in the error if it fails."""
        try:
            self.scheduler.step(*metric)
        except Exception as error:
            raise ModelError(f"{self.where}: {self._name} cannot step: {error}") from error

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the scheduler, or {} without one."""
        return {} if self.scheduler is None else dict(self.scheduler.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state)


def learning_rate(optimizer: HasGroups) -> float:
    """Return an optimizer's learning rate, that of its first parameter group."""
    rate = optimizer.param_groups[0]["lr"]
    return float(rate.item()) if isinstance(rate, torch.Tensor) else float(rate)
