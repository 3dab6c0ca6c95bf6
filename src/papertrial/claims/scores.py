"""The scores of finished seeds, as the statistics take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores in seed order, in the metric's unit.

    Attributes:
        values: [..., S] one score for each of S seeds; ours - theirs for a difference.
        sides: ours and theirs, each [..., S], for a difference. None for a single sample, or if
            only the differences are known.
    """

    values: Array
    sides: tuple[Array, Array] | None = None

    @property
    def scale(self) -> Array:
        """The largest score so far [..., S], in absolute value: what rounding is relative to.

        For a difference it is that of the sides, because 0.3 - (0.1 + 0.2) is no difference.
        """
        sides = [self.values] if self.sides is None else list(self.sides)
        largest = np.max([np.abs(side) for side in sides], axis=0)
        return np.asarray(np.maximum.accumulate(largest, -1))

    @property
    def negated(self) -> Scores:
        """The scores with the opposite sign."""
        return Scores(-self.values, self.sides and (-self.sides[0], -self.sides[1]))

    @classmethod
    def of_difference(cls, ours: Array, theirs: Array) -> Scores:
        """Return the differences of two sides [..., S] that were trained with the same seeds."""
        return cls(ours - theirs, (ours, theirs))

    @classmethod
    def of_claim(cls, rows: Sequence[tuple[float, ...]]) -> Scores:
        """Return the scores of one claim from what each seed gave: (score,) or (ours, theirs)."""
        table = np.array(rows, dtype=np.float64)
        if len(rows) == 0 or table.shape[1] == 1:
            return cls(table.ravel())
        return cls.of_difference(table[:, 0], table[:, 1])
