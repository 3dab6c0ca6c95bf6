"""Notes on numbers that lose their differences in float32, in which models learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from papertrial.numbers import number
from papertrial.reading_note import ReadingNote

_COARSE = 0.001  # of a standard deviation, from which the steps of float32 matter


def precision_notes(values: np.ndarray | Tensor, names: Sequence[str]) -> list[ReadingNote]:
    """Return a note on the columns of a table whose numbers float32 cannot tell apart.

    Timestamps and identifiers are such numbers: near 1.7e12, those of float32 are 131,072 apart.

    Args:
        values: a table of finite numbers as it was given, [N, F].
        names: the names of its columns.
    """
    array = values.numpy() if isinstance(values, Tensor) else values
    if array.dtype.kind not in "iuf" or array.dtype in (np.float32, np.float16):
        return []
    largest = np.abs(array).max(0).astype(np.float32)
    spread = array.astype(np.float64).std(0)
    steps = np.spacing(largest).astype(np.float64)
    coarse = np.flatnonzero((spread > 0) & (steps > _COARSE * spread))
    if not len(coarse):
        return []
    worst = int(coarse[np.argmax(steps[coarse] / spread[coarse])])
    return [
        ReadingNote(
            action="converted",
            what=f"to float32, whose numbers are {number(steps[worst])} apart there, while "
            f"the standard deviation is {number(spread[worst])}",
            count=len(coarse),
            unit="column",
            example=names[worst],
            where=f"such as {array[0, worst]}",
            change="return differences, such as from the first value, or divide by the unit",
        )
    ]
