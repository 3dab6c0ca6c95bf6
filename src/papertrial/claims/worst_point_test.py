"""Test of a whole curve: does it stay on the good side of a target from a declared point on?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from papertrial.claims.scores import Array, Scores
from papertrial.claims.statistic import Bounds, Statistic

Combine = Callable[[Array, Array], NDArray[np.float64]]


@dataclass(frozen=True)
class WorstPointTest:
    """A test at each evaluated point from the declared one on, as one test of the worst of them.

    Theta is the worst of the points' thetas, such as the largest expected loss from the declared
    step on: `Scores.values` are the scores at that step, `Scores.later` those at the later ones.

    - Evidence that theta is on the good side of m is the least evidence of all points. Theta is bad
      if any point is, so each point is tested at full alpha (an intersection-union test: Berger
      1982, "Multiparameter hypothesis testing and acceptance sampling"). The points may depend on
      each other in any way.
    - Evidence that theta is on the bad side is that of the declared point alone. If the declared
      point is bad, so is theta; later points need no correction because they are not used.

    So the interval ends at the declared point's bound on the good side, and at the worst bound of
    all points on the bad side. It holds for the distributions of `point`. At an alpha of 5 % and
    looks from 5 to 15 seeds, a curve whose declared point, or whose last point alone, is at the
    edge is wrongly confirmed in 1.6 to 2.0 % of trials.

    Attributes:
        point: the test at one point.
        side: "at-most" if the metric must stay below the target, "at-least" if above.
    """

    point: Statistic
    side: Literal["at-most", "at-least"]

    @property
    def standard_value(self) -> float:
        """Theta of standard normal scores at each point."""
        return self.point.standard_value

    @property
    def method(self) -> str:
        """The test in a phrase."""
        return (
            f"{self.point.method}; at each evaluated point from the declared one on, of which the "
            "least evidence counts; against the claim at the declared point alone"
        )

    def about(self, score: str) -> str:
        """Return theta in words."""
        return f"worst {self.point.about(score)}"

    def greater(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that the worst point's theta is greater than m."""
        used = scores.points if self.side == "at-least" else scores.points[:1]
        return _of_all([self.point.greater(one, m, looks) for one in used], np.minimum)

    def less(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] that the worst point's theta is less than m."""
        used = scores.points if self.side == "at-most" else scores.points[:1]
        return _of_all([self.point.less(one, m, looks) for one in used], np.minimum)

    def interval(self, scores: Scores, threshold: float, looks: Array | None = None) -> Bounds:
        """Return the values [..., S] of the worst point's theta that neither side rejects."""
        lows, highs = zip(
            *(self.point.interval(one, threshold, looks) for one in scores.points), strict=True
        )
        if self.side == "at-most":
            return lows[0], _of_all(highs, np.maximum)
        return _of_all(lows, np.minimum), highs[0]

    def half_width(self, seeds: int, threshold: float) -> float:
        """Return about half the width of the interval at one point."""
        return self.point.half_width(seeds, threshold)

    def in_units(self, unit: float) -> WorstPointTest:
        """Return the same test for scores that are divided by `unit`."""
        return replace(self, point=self.point.in_units(unit))

    def simulate(
        self, draw: np.random.Generator, rows: int, seeds: int, looks: Array | None = None
    ) -> tuple[Array, ...]:
        """Return the evidence [rows, seeds] of one point at its edge: more points have less."""
        return self.point.simulate(draw, rows, seeds, looks)


def _of_all(parts: list[Array] | tuple[Array, ...], combine: Combine) -> Array:
    return np.asarray(reduce(combine, parts))
