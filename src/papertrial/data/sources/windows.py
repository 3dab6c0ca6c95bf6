"""Windows of a series: an input, and the steps that follow it."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from papertrial.data.column import DenseColumn, Split
from papertrial.errors import DataError


def windows(series: Tensor, length: int, ahead: int, *, target: int, stride: int = 1) -> Split:
    """Return windows of a series as samples, which share its memory.

    Args:
        series: [T, ...].
        length: steps of an input.
        ahead: steps from the start of an input to the start of its target.
        target: steps of a target.
        stride: steps between the starts of two inputs.

    Returns:
        Inputs [N, length, ...] and targets [N, target, ...].

    Raises:
        DataError: the series is shorter than an input and its target.
    """
    steps = len(series) - max(length, ahead + target) + 1
    if steps < 1:
        raise DataError(
            f"data.window: a part has {len(series):,} steps, but an input of {length:,} and its "
            f"target need {max(length, ahead + target):,}; lower data.window.length"
        )
    x = series[: steps + length - 1].unfold(0, length, stride).movedim(-1, 1)
    y = series[ahead : ahead + steps + target - 1].unfold(0, target, stride).movedim(-1, 1)
    return Split(DenseColumn(x), y, np.arange(0, steps, stride))
