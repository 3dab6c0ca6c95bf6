"""When the state of a training is due to be stored."""

from __future__ import annotations

import time


class CheckpointTimes:
    """Says, between two steps of a training, whether its state is due to be stored.

    Without `steps`, storing takes a small share of the training: an epoch that ends so soon after
    the last checkpoint that storing another one would take more than `share` of the time in
    between gets none.

    Args:
        seconds: seconds after which the state is due; None for no limit.
        steps: the state is due after each multiple of this many steps; None if steps do not count.
        epochs: whether it is due after each epoch.
        share: largest share of the time that checkpoints after epochs may take.
    """

    def __init__(
        self,
        seconds: float | None = 60.0,
        *,
        steps: int | None = None,
        epochs: bool = True,
        share: float = 0.01,
    ) -> None:
        self.asked = False  # somebody wants the training to stop: the state is due at once
        self._seconds = seconds
        self._steps = steps
        self._epochs = epochs
        self._share = share
        self._last = time.perf_counter()
        self._cost = 0.0

    def due(self, step: int, *, end_of_epoch: bool = False) -> bool:
        """Return whether the state is due after `step` optimizer steps."""
        if self.asked or (self._steps is not None and step % self._steps == 0):
            return True
        if self._seconds is None and not end_of_epoch:
            return False
        passed = time.perf_counter() - self._last
        if self._seconds is not None and passed >= self._seconds:
            return True
        return end_of_epoch and self._epochs and self._cost <= self._share * passed

    def stored(self, seconds: float) -> None:
        """Take note that the state was stored just now, which took so many seconds."""
        self._last, self._cost = time.perf_counter(), seconds
