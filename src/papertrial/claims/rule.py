"""The rule that is registered before the first seed starts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.errors import ClaimError

StatisticName = Literal["mean", "median"]
Horizon = Literal["anytime", "fixed"]
FIRST_LOOK = 5  # no distribution-free test can reject at 5 % with fewer seeds
METHOD = 1  # increased whenever the same scores could lead to another verdict
_ROUNDING = 1e-9  # 0.58 of 50 seeds are 29, but 0.58 * 50 is slightly less


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
        max_diverged: the highest share of seeds that may fail for a verdict to be reached.
    """

    claims: tuple[JudgedClaim, ...]
    seeds: tuple[int, ...]
    alpha: float = 0.05
    statistic: StatisticName = "mean"
    prior: float = 1.0
    first_look: int = FIRST_LOOK
    horizon: Horizon = "anytime"
    max_diverged: float = 0.2

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

    def allows_failures(self, failed: int, ended: int) -> bool:
        """Tell whether the rule allows a verdict if this many of the ended seeds failed."""
        return failed <= self.max_diverged * ended + _ROUNDING
