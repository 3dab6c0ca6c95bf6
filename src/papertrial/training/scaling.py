"""Loss scaling for training in float16."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class LossScaling:
    """Scales losses so that gradients do not underflow in float16, with torch.amp.GradScaler.

    A step whose gradients overflow is skipped, and the scale is halved. Skipped steps are counted
    on the device, so that counting does not wait for it. A scheduler is stepped all the same, as in
    torchvision's references, so that the schedule depends on the step alone.

    Args:
        device: the device of the gradients.
    """

    def __init__(self, device: torch.device) -> None:
        self._scaler = torch.amp.GradScaler(device.type)
        self._one = torch.ones((), device=device)
        self._skipped = torch.zeros((), dtype=torch.int64, device=device)

    @property
    def skipped(self) -> int:
        """The number of steps that were skipped so far."""
        return int(self._skipped)

    def scale(self, loss: Tensor) -> Tensor:
        """Return the loss times the scale."""
        return self._scaler.scale(loss)

    def unscale(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the scale."""
        self._scaler.unscale_(optimizer)

    def step(self, optimizer: Any) -> None:
        """Take a step if all gradients are finite, and adapt the scale.

        Several optimizers step together or not at all: clipping by the norm of all gradients
        spreads a NaN to all of them, also where they were finite before.

        Args:
            optimizer: an optimizer, or a `JointOptimizer`, which the scaler takes as one.
        """
        before = self._scaler.scale(self._one)
        for one in getattr(optimizer, "optimizers", (optimizer,)):
            one._opt_called = True  # else a scheduler warns if the first step is skipped
        self._scaler.step(optimizer)
        self._scaler.update()
        self._skipped += self._scaler.scale(self._one) < before

    def state_dict(self) -> dict[str, Any]:
        """Return the scale, its growth, and the number of skipped steps."""
        return {**self._scaler.state_dict(), "skipped": self.skipped}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        own = {key: value for key, value in state.items() if key != "skipped"}
        self._scaler.load_state_dict(own)
        self._skipped.fill_(state["skipped"])
