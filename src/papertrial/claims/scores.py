"""The scores of finished seeds, as the statistics take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from papertrial.claims.judged_claim import JudgedClaim

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores in seed order, in the metric's unit.

    Attributes:
        values: [..., S] one score for each of S seeds; ours - theirs for a difference.
        sides: ours and theirs, each [..., S], for a difference. None for a single sample, or if
            only the differences are known.
        later: [K, ..., S] for a claim on a curve: the scores at the K points after the declared
            one, which `values` are from. None for all other claims.
    """

    values: Array
    sides: tuple[Array, Array] | None = None
    later: Array | None = None

    @property
    def points(self) -> list[Scores]:
        """The scores at each point of a curve from the declared one on; for others, these."""
        first = Scores(self.values, self.sides)
        return [first] if self.later is None else [first, *map(Scores, self.later)]

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
        return Scores(
            -self.values,
            self.sides and (-self.sides[0], -self.sides[1]),
            None if self.later is None else -self.later,
        )

    @classmethod
    def of_difference(cls, ours: Array, theirs: Array) -> Scores:
        """Return the differences of two sides [..., S] that were trained with the same seeds."""
        return cls(ours - theirs, (ours, theirs))

    @classmethod
    def of_claim(cls, claim: JudgedClaim, rows: Sequence[tuple[float, ...]]) -> Scores:
        """Return the scores of a claim from what each seed gave.

        A row is (score,), or (ours, theirs) for two sides, or the scores at all points of a curve.
        """
        table = np.array(rows, dtype=np.float64).reshape(len(rows), claim.scores_per_seed)
        if claim.has_two_sides:
            return cls.of_difference(table[:, 0], table[:, 1])
        if claim.reach is not None and claim.reach.reading == "each-step":
            points = table.T[claim.reach.index :]
            return cls(points[0], later=points[1:])
        return cls(np.array([claim.score_of(row) for row in rows], dtype=np.float64))
