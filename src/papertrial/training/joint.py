"""Several optimizers that step together, each on parameters of its own, and their schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from papertrial.errors import ModelError
from papertrial.training.optim import Schedule, needs_closure
from papertrial.vocabulary import MetricValue


class JointOptimizer:
    """Several optimizers as one; the first is the main optimizer.

    Raises:
        ModelError: one of them evaluates the loss several times in a step, as LBFGS does. The
            others would move the weights in between.
    """

    def __init__(self, optimizers: Sequence[Optimizer]) -> None:
        for optimizer in optimizers:
            if needs_closure(optimizer):
                raise ModelError(
                    f"optimizer.groups: {type(optimizer).__name__} evaluates the loss several "
                    "times in a step, so it must be the only optimizer; remove the groups with use"
                )
        self.optimizers = tuple(optimizers)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The parameter groups of all optimizers."""
        return [group for one in self.optimizers for group in one.param_groups]

    @property
    def state(self) -> dict[Tensor, Any]:
        """The state of all optimizers by parameter."""
        return {key: value for one in self.optimizers for key, value in one.state.items()}

    def step(self) -> None:
        """Take a step with each optimizer.

        Raises:
            ModelError: one of them fails.
        """
        for one in self.optimizers:
            try:
                one.step()
            except Exception as error:
                name = type(one).__name__
                raise ModelError(f"optimizer: {name} cannot step: {error}") from error

    def state_dict(self) -> dict[str, Any]:
        """Return the states of the optimizers by their number."""
        return {str(i): one.state_dict() for i, one in enumerate(self.optimizers)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned; KeyError if it belongs to other optimizers."""
        if len(state) != len(self.optimizers):
            raise KeyError(f"expected {len(self.optimizers)} optimizers, got {len(state)}")
        for i, one in enumerate(self.optimizers):
            one.load_state_dict(state[str(i)])


class JointSchedule:
    """The schedules of several optimizers; the first is that of the main optimizer."""

    def __init__(self, schedules: Sequence[Schedule]) -> None:
        self.schedules = tuple(schedules)

    def step(self, end_of_epoch: bool) -> None:
        """Step each scheduler if it is due after an optimizer step."""
        for one in self.schedules:
            one.step(end_of_epoch)

    def rehearse(self, steps: int, per_epoch: int) -> None:
        """Step each as often as a training will; ModelError if one was made for fewer steps."""
        for one in self.schedules:
            one.rehearse(steps, per_epoch)

    def evaluated(self, metrics: Mapping[str, MetricValue]) -> None:
        """Step the scheduler of the main optimizer with its metric, if it takes one."""
        for one in self.schedules:
            one.evaluated(metrics)

    def state_dict(self) -> dict[str, Any]:
        """Return the states of the schedules by their number."""
        return {str(i): one.state_dict() for i, one in enumerate(self.schedules)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned; KeyError if it belongs to other schedules."""
        for i, one in enumerate(self.schedules):
            one.load_state_dict(state[str(i)])
