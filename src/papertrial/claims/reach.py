"""A target that a curve reaches: the points at which it is evaluated, and how it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Reading = Literal["each-step", "each-seed"]
Unit = Literal["step", "epoch"]


@dataclass(frozen=True)
class Reach:
    """By when a metric must have reached a target, and stay there to the end of the training.

    Attributes:
        by: the declared point; one of `points`.
        unit: what points count: optimizer steps or epochs.
        points: all points at which the metric is evaluated, in order; the last is the end of the
            training.
        reading: "each-step" is about the scores at each point from `by` on; "each-seed" is about
            the seeds, at least half of which must stay on the good side from `by` on.
    """

    by: int
    unit: Unit
    points: tuple[int, ...]
    reading: Reading = "each-step"

    @property
    def index(self) -> int:
        """The position of the declared point in `points`."""
        return self.points.index(self.by)

    @property
    def has_later_points(self) -> bool:
        """Whether the metric is evaluated after the declared point."""
        return self.by != self.points[-1]

    def at(self, point: int) -> str:
        """Return a point in words: "step 5,960"."""
        return f"{self.unit} {point:,}"

    @property
    def since(self) -> str:
        """Where the claim holds, in words: "from step 5,960 on", or "at step 6,200" for the end."""
        place = self.at(self.by)
        return f"from {place} on" if self.has_later_points else f"at {place}"


def worst_from(values: Sequence[float], index: int, *, at_most: bool) -> float:
    """Return the worst value of a curve from a position on: the largest if it must stay below."""
    return (max if at_most else min)(values[index:])
