"""A reported number, and what the scores of single seeds must show about it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["mean", "single-run", "best-of", "at-least", "at-most", "difference", "exact"]
Side = Literal["about", "at-least", "at-most"]


@dataclass(frozen=True)
class Claim:
    """A reported number with its tolerance, all in the metric's own unit.

    `low` and `high` are what the printed digits may stand for: "55 %" cut off is 0.55 to 0.56; both
    are `value` where nothing is known of them. `runs` is the number of runs behind the reported
    number (the k of best-of-k); None where it is taken as the expected score itself.
    """

    metric: str
    split: str
    kind: Kind
    value: float
    tolerance: float
    low: float
    high: float
    runs: int | None = None
    side: Side = "about"
    best_epoch_on_test: bool = False

    @property
    def band(self) -> tuple[float, float]:
        """What counts as the reported number: the printed interval, wider by the tolerance.

        Widened by the rounding, never shifted. One side of a bound is open.
        """
        low = -math.inf if self.side == "at-most" else self.low - self.tolerance
        high = math.inf if self.side == "at-least" else self.high + self.tolerance
        return low, high

    @property
    def reference(self) -> int | None:
        """How many runs' own noise is in the reported number; None where it has none."""
        return self.runs if self.kind in ("mean", "single-run", "difference") else None

    @property
    def best_of(self) -> int | None:
        """Of how many runs the reported number is the best; None for all other kinds."""
        return self.runs if self.kind == "best-of" else None
