"""A reported number as `judge` takes it: the number, its tolerance, and the runs behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from papertrial.claims.reach import Reach, worst_from
from papertrial.vocabulary import Better, Metric, MetricUnit, score_name

ClaimKind = Literal[
    "mean", "expected", "single-run", "best-of", "at-least", "at-most", "difference", "better",
    "reaches", "exact",
]  # fmt: skip
ClaimSide = Literal["about", "at-least", "at-most"]
ClaimAbout = Literal["test-set", "new-samples"]


@dataclass(frozen=True)
class JudgedClaim:
    """A reported number with its tolerance, all in the metric's unit.

    Attributes:
        metric: name of the metric.
        split: the split that the metric is computed on; "none" for the score of a program.
        kind: what the number is: a mean, an exact expectation, a single run, the best of several
            runs, a bound, a difference of two scores, only which of two scores is better, or a
            target that a curve reaches.
        value: the reported number.
        tolerance: how far from it still counts as the same result.
        low, high: the interval that the printed digits may stand for: "55 %", truncated, is 0.55 to
            0.56. Both are `value` if the printed digits are not known.
        runs: how many runs are behind the number (k for the best of k), whose noise it has. None
            means that it has no noise: it is an expectation or a bound.
        side: whether the score must be close to the number or only on one side of it.
        best_epoch_on_test: the number comes from the epoch that was best on the test split.
        paired: whether the two sides of a difference are compared seed by seed.
        step: what the metric moves in: 1/N for the accuracy on N samples; 0 if in no steps.
        reported_sd: the SD between the paper's runs, in the metric's unit; None if unknown.
        reach: for a target that a curve reaches, by when, and where the curve is evaluated.
        about: whether the number is the expected score on this test set, or on new test samples of
            the same kind.
        better, unit: what the claim says of a metric that is not one of papertrial's own.
    """

    metric: str
    split: str
    kind: ClaimKind
    value: float
    tolerance: float
    low: float
    high: float
    runs: int | None = None
    side: ClaimSide = "about"
    best_epoch_on_test: bool = False
    paired: bool = True
    step: float = 0.0
    reported_sd: float | None = None
    reach: Reach | None = None
    about: ClaimAbout = "test-set"
    better: Better | None = None
    unit: MetricUnit | None = None

    @property
    def facts(self) -> Metric:
        """What is known of the metric; a bound says which values are better."""
        better = self.better
        if better is None and self.side != "about" and not Metric(self.metric).is_known:
            better = "lower" if self.side == "at-most" else "higher"
        return Metric(self.metric, better, self.unit)

    @property
    def score_name(self) -> str:
        """The name of the score: "test accuracy"; the metric alone for that of a program."""
        return score_name(self.split, self.metric)

    @property
    def band(self) -> tuple[float, float]:
        """The scores that count as the reported number.

        This is the printed interval, widened by the tolerance on both sides; it is not shifted. A
        bound ("at least") leaves one side open, which is infinite.
        """
        low = -math.inf if self.side == "at-most" else self.low - self.tolerance
        high = math.inf if self.side == "at-least" else self.high + self.tolerance
        return low, high

    @property
    def has_tolerance(self) -> bool:
        """Whether a tolerance says something: a bound holds without one."""
        return self.side == "about" or self.tolerance > 0

    @property
    def reference(self) -> int | None:
        """The number of runs whose noise is in the reported number; None if it has no noise."""
        return self.runs if self.kind in ("mean", "single-run", "difference") else None

    @property
    def has_noise(self) -> bool:
        """Whether the reported number has the noise of the runs behind it."""
        return self.reference is not None or self.best_of is not None

    @property
    def scores_per_seed(self) -> int:
        """2 for two sides, which are trained with the same seed; 1 for each point of a curve."""
        if self.reach is not None:
            return len(self.reach.points)
        return 2 if self.has_two_sides else 1

    def score_of(self, row: Sequence[float]) -> float:
        """Return the one number of a seed from its scores.

        For two sides it is ours - theirs. For a curve it is the score at the declared point, or
        the worst from there on if the claim is about each seed.
        """
        if self.has_two_sides:
            return row[0] - row[1]
        if self.reach is None:
            return row[0]
        if self.reach.reading == "each-step":
            return row[self.reach.index]
        return worst_from(row, self.reach.index, at_most=self.side == "at-most")

    @property
    def has_two_sides(self) -> bool:
        """Whether the score is a difference between two recipes."""
        return self.kind in ("difference", "better")

    @property
    def is_about_new_samples(self) -> bool:
        """Whether a verdict allows for the choice of the test samples."""
        return self.about == "new-samples"

    @property
    def best_of(self) -> int | None:
        """The k of a best-of-k claim; None for all other kinds."""
        return self.runs if self.kind == "best-of" else None
