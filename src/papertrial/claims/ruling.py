"""What the scores say about one claim: the verdict, and the numbers behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.t_martingale import TIE
from papertrial.claims.verdict import Verdict


@dataclass(frozen=True)
class Ruling:
    """The verdict on one claim.

    Attributes:
        verdict: final unless it is UNDECIDED.
        decided_at: the number of finished seeds when the verdict was reached; None if undecided.
        scores: [S] in seed order; for a difference, the differences.
        low, high: the interval of the number that the claim is about; each side errs with a
            probability of at most `level`. REPRODUCED exactly when it lies inside the claim's band.
        level: the error level of the interval. 0 for a deterministic training.
        series: (seeds, low, high) after each finished seed, from the first look on.
        holds_within: the smallest tolerance with which the claim would be REPRODUCED.
        held: whether the share of failed seeds is within what the rule allows.
        deterministic: whether the seed changes nothing, so that one value decides.
        pairing: for a difference, how the two sides were compared.
        withdrawn: whether the claim was REPRODUCED at an earlier look, and its interval has become
            empty since: no value agrees with all looks. The verdict is UNDECIDED, and stays so.
        levels: the error levels that the evidence for the claim, and that against it, is judged at.
            Several claims share alpha, separately for both. `level` is that of the verdict; of an
            undecided claim it is the smaller one.
        sample_term: for a claim about new samples, how far the choice of the test samples moves the
            edges of the band, in the metric's unit; 0 for other claims.
    """

    verdict: Verdict
    decided_at: int | None
    scores: tuple[float, ...]
    low: float
    high: float
    level: float
    series: tuple[tuple[int, float, float], ...]
    holds_within: float
    held: bool
    deterministic: bool = False
    pairing: str = ""
    withdrawn: bool = False
    levels: tuple[float, float] = (0.0, 0.0)
    sample_term: float = 0.0

    @property
    def is_certain(self) -> bool:
        """Whether chance plays no part: neither seeds nor the choice of the test samples."""
        return self.deterministic and self.level == 0

    @property
    def mean(self) -> float:
        """The mean of the scores; NaN if there are none."""
        return float(np.mean(self.scores)) if self.scores else math.nan

    @property
    def median(self) -> float:
        """The median of the scores; NaN if there are none."""
        return float(np.median(self.scores)) if self.scores else math.nan

    @property
    def sd(self) -> float:
        """The standard deviation of the scores (n - 1); NaN for fewer than two."""
        return sd_of(self.scores)


def sd_of(scores: ArrayLike) -> float:
    """Return the standard deviation of scores [S] (n - 1); NaN for fewer than two."""
    x = np.asarray(scores, dtype=np.float64)
    if len(x) < 2:
        return math.nan
    tied = x.min() == x.max()  # rounding may give them a nonzero deviation
    return 0.0 if tied else float(np.std(x, ddof=1))


def is_inside(claim: JudgedClaim, value: float, scale: float = 0.0) -> bool:
    """Tell whether the value of a deterministic ruling is in the claim's band, edges included.

    `scale` is the size of the scores that the value was computed from, which rounding is relative
    to; it matters for a difference of nearly equal scores.
    """
    low, high = claim.band
    slack = TIE * max(abs(edge) for edge in (low, high, value, scale) if math.isfinite(edge))
    return low - slack <= value <= high + slack


def is_partly_inside(claim: JudgedClaim, low: float, high: float) -> bool:
    """Tell whether the interval of a ruling and the claim's band have values in common."""
    first, last = claim.band
    return first <= high and low <= last


def holds_within(claim: JudgedClaim, low: float, high: float) -> float:
    """Return the smallest tolerance with which a ruling on this interval would be REPRODUCED.

    Infinite for an empty interval (`low > high`), which withdraws every such verdict.
    """
    if low > high:
        return math.inf
    below = claim.low - low if claim.side != "at-most" else 0.0
    above = high - claim.high if claim.side != "at-least" else 0.0
    return max(below, above, 0.0)
