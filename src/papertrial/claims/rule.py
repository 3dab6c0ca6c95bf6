"""The rule that is registered before the first seed starts."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.errors import ClaimError

StatisticName = Literal["mean", "median"]
Horizon = Literal["anytime", "fixed"]
SdMeaning = Literal["known", "bound", "paper"]
Combine = Literal["same-setup", "own-sd", "lab-means"]  # several laboratories; see laboratories.py
FIRST_LOOK = 5  # no distribution-free test can reject at 5 % with fewer seeds
FIRST_LOOK_OF_KNOWN_SD = 2  # a known SD needs no seeds to be estimated
MOST_FIXED = 500  # seeds of a fixed horizon; simulating its threshold takes time and memory
METHOD = 3  # increased whenever the same scores could lead to another verdict
_ROUNDING = 1e-9  # 0.58 of 50 seeds are 29, but 0.58 * 50 is slightly less


@dataclass(frozen=True)
class GivenSd:
    """What is known of the SD between seeds before the first seed is trained.

    Attributes:
        value: the SD, in the metric's unit.
        meaning: "known"; "bound", an upper bound on it; or "paper", the SD between the runs of a
            paper, which is pooled with ours as if both were equal.
        n: number of the paper's runs; None for the others.
    """

    value: float
    meaning: SdMeaning
    n: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.value < math.inf:
            raise ClaimError(f"an SD must be positive and finite, got {self.value}")
        if (self.meaning == "paper") != (self.n is not None):
            raise ClaimError(f"n is for the SD of a paper alone, got {self.meaning}, n={self.n}")
        if self.n is not None and self.n < 2:
            raise ClaimError(f"an SD needs at least 2 runs, got n={self.n}")


@dataclass(frozen=True)
class Rule:
    """How the claims are decided: everything that a verdict depends on, except the scores.

    Attributes:
        claims: the claims that seeds decide, in the recipe's order.
        seeds: in the order in which verdicts are taken; their number is the maximum.
        alpha: the probability of an error on each side.
        statistic: what the claims are about, the mean or the median of the scores.
        prior: precision c2 of the prior on (mean - edge)/SD.
        first_look: the number of finished seeds before which nothing is decided.
        horizon: "anytime" allows any number of seeds; "fixed" is calibrated to the maximum.
        sd: what is known of the SD between seeds; None if only our scores tell it.
        max_diverged: the highest share of seeds that may fail for a verdict to be reached.
        one_look: whether all scores are judged together, once. Their order then does not matter;
            `first_look` must be the number of seeds that finished.
        is_part: whether these are the seeds of one of several laboratories. A trial then goes on
            although too many seeds failed for a verdict on these seeds alone.
    """

    claims: tuple[JudgedClaim, ...]
    seeds: tuple[int, ...]
    alpha: float = 0.05
    statistic: StatisticName = "mean"
    prior: float = 1.0
    first_look: int = FIRST_LOOK
    horizon: Horizon = "anytime"
    max_diverged: float = 0.2
    sd: GivenSd | None = None
    one_look: bool = False
    is_part: bool = False

    def __post_init__(self) -> None:
        twice = sorted(seed for seed, count in Counter(self.seeds).items() if count > 1)
        if twice:
            got = ", ".join(map(str, twice))
            raise ClaimError(
                f"seeds must differ, because a repeated seed counts one score twice; got {got} "
                "more than once"
            )
        if len(self.seeds) < self.first_look:
            raise ClaimError(
                f"at least {self.first_look} seeds are needed, got {len(self.seeds)}: with fewer, "
                "no test can decide with at most 5 % errors; increase --max-seeds"
            )
        if not 0 < self.alpha < 0.5:
            raise ClaimError(f"0 < alpha < 0.5 must hold, got {self.alpha}")
        if not 0 <= self.max_diverged < 1:
            raise ClaimError(f"0 <= max_diverged < 1 must hold, got {self.max_diverged}")
        if not self.prior > 0:
            raise ClaimError(f"prior > 0 must hold, got {self.prior}")

    @property
    def by_median(self) -> Rule:
        """The same rule for the median, whose test needs no SD."""
        return replace(self, statistic="median", sd=None)

    def statistic_of(self, claim: JudgedClaim) -> StatisticName:
        """Return what a claim is about: a target for each seed is always about the median."""
        each_seed = claim.reach is not None and claim.reach.reading == "each-seed"
        return "median" if each_seed else self.statistic

    def allows_failures(self, failed: int, ended: int) -> bool:
        """Tell whether the rule allows a verdict if this many of the ended seeds failed."""
        return failed <= self.max_diverged * ended + _ROUNDING
