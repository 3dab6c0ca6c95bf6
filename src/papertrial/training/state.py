"""The state of a training between two steps, which can be saved and restored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from papertrial.errors import RunError
from papertrial.training.average import AveragedWeights
from papertrial.training.joint import JointOptimizer, JointSchedule
from papertrial.training.optim import Schedule
from papertrial.training.scaling import LossScaling

_KEYS = {"model", "optimizer", "schedule", "step", "losses", "objective", "average", "scaling"}


@dataclass
class TrainState:
    """The state of a training between two steps.

    It does not include the random generators: every draw is a function of (seed, epoch, step), so
    `step` determines their state.
    """

    model: nn.Module
    optimizer: Optimizer | JointOptimizer
    schedule: Schedule | JointSchedule
    step: int = 0  # optimizer steps done
    losses: list[Tensor] = field(default_factory=list)  # of the steps since the last logged one
    objective: nn.Module | None = None  # an objective with parameters or buffers
    average: AveragedWeights | None = None
    scaling: LossScaling | None = None  # for fp16
    _frozen_at_start: dict[str, tuple[float, float]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._frozen_at_start = self._frozen_sums()

    @property
    def evaluated(self) -> nn.Module:
        """The model that is evaluated and kept: the average of the weights, if there is one."""
        return self.model if self.average is None else self.average.model

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The parameters of the model and of the objective."""
        own = () if self.objective is None else self.objective.parameters()
        return [*self.model.parameters(), *own]

    @property
    def objective_trains(self) -> bool:
        """Whether the objective has parameters of its own that are trained."""
        module = self.objective
        return module is not None and any(p.requires_grad for p in module.parameters())

    def state_dict(self) -> dict[str, Any]:
        """Return the state as a dict of tensors and plain values."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "step": self.step,
            "losses": [one.detach().clone() for one in self.losses],
            "objective": self._objective_state(),
            "average": {} if self.average is None else self.average.state_dict(),
            "scaling": {} if self.scaling is None else self.scaling.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned; the keys must be exactly the same.

        Raises:
            RunError: the state belongs to another model, optimizer or scheduler.
        """
        if not isinstance(state, dict) or set(state) != _KEYS:
            got = sorted(state) if isinstance(state, dict) else type(state).__name__
            raise RunError(f"a training state has the keys {sorted(_KEYS)}, got {got}")
        every = set[str]() if self.objective is None else set(self.objective.state_dict())
        if not set(self._objective_state()) <= set(state["objective"]) <= every:
            raise RunError("the training state belongs to another objective")
        for name, part in (("average", self.average), ("scaling", self.scaling)):
            if bool(state[name]) != (part is not None):
                had = "has" if state[name] else "lacks"
                raise RunError(f"the training state {had} {name}, unlike this training")
        if set(state["schedule"]) != set(self.schedule.state_dict()):
            raise RunError("the training state belongs to another scheduler")
        try:
            self.model.load_state_dict(state["model"], strict=True)
            self.optimizer.load_state_dict(state["optimizer"])
            self.schedule.load_state_dict(state["schedule"])
            if self.objective is not None:
                self.objective.load_state_dict(state["objective"], strict=False)
            if self.average is not None:
                self.average.load_state_dict(state["average"])
            if self.scaling is not None:
                self.scaling.load_state_dict(state["scaling"])
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(f"the training state belongs to another model: {error}") from error
        self.step = state["step"]
        device = next(self.model.parameters()).device
        self.losses = [one.to(device) for one in state["losses"]]

    def _objective_state(self) -> dict[str, Tensor]:
        """Return what the training changes in an objective.

        These are not the weights of a frozen teacher, except those that the objective itself has
        changed, as a teacher that follows the model.
        """
        if self.objective is None:
            return {}
        now = self._frozen_sums()
        same = {name for name, sums in now.items() if sums == self._frozen_at_start.get(name)}
        return {k: v for k, v in self.objective.state_dict().items() if k not in same}

    def _frozen_sums(self) -> dict[str, tuple[float, float]]:
        """Return two sums of each frozen parameter of the objective, by which a change is seen."""
        if self.objective is None:
            return {}
        return {
            name: (
                p.detach().sum(dtype=torch.float64).item(),
                torch.linalg.vector_norm(p.detach(), dtype=torch.float64).item(),
            )
            for name, p in self.objective.named_parameters()
            if not p.requires_grad
        }
