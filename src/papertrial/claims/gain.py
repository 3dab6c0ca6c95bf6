"""The evidence that a candidate is better than a baseline, from scores that are paired by seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from papertrial.claims.choose import choose
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.plan import seeds_needed
from papertrial.claims.rule import FIRST_LOOK, Rule
from papertrial.claims.scores import Scores
from papertrial.claims.statistic import Statistic
from papertrial.errors import ClaimError

# Precision of the prior on the expected gain, in SD of the differences. Levels of many ideas are
# small: with the precision 1 of verdicts, the e-value 4,000 that the first of 100 ideas needs is
# out of reach below 8 seeds. For gains of 3 SD between seeds, a precision of 0.2 accepts 36 % on 10
# seeds where 1 accepts 14 %; from 15 seeds on they are alike.
PRIOR = 0.2
GainDecision = Literal["ACCEPTED", "REJECTED", "UNDECIDED"]


@dataclass(frozen=True)
class Gain:
    """What paired scores say about a gain; it is positive if the candidate is better.

    Attributes:
        n: number of pairs.
        mean, sd: of the gains of the single seeds, in the metric's unit.
        low, high: the interval of the expected gain at this level; infinite where there is none.
        e_value: the evidence that the expected gain is more than the minimum, after the n-th seed.
            It is the e-value at that seed, not the largest one so far, as e-LOND needs it.
        e_against: the evidence that the expected gain is less than the minimum.
        more_seeds: about how many more seeds the e-value needs to reach 1/level, if the expected
            gain and the SD are those that were measured; 0 if it did, None if it never will.
    """

    n: int
    mean: float
    sd: float
    low: float
    high: float
    e_value: float
    e_against: float
    more_seeds: int | None


def decide(e_value: float, e_against: float, level: float, alpha: float) -> GainDecision:
    """Decide on an idea: ACCEPTED at 1/level, else REJECTED at 1/alpha against it.

    A rejection spends nothing: it only says, with an error of at most alpha for this idea alone,
    that the expected gain is less than the minimum.
    """
    if e_value >= 1 / level:
        return "ACCEPTED"
    return "REJECTED" if e_against >= 1 / alpha else "UNDECIDED"


def weigh_gain(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    lower_is_better: bool,
    at_least_by: float,
    level: float,
    step: float = 0.0,
) -> Gain:
    """Weigh the scores [S] of a baseline and of a candidate with the same seeds.

    The differences are tested as those of a claim of `kind: better`: by the t-martingale (Wang &
    Ramdas, "Anytime-valid t-tests"), for normal differences whose SD is unknown.

    Args:
        baseline: its scores, in seed order.
        candidate: its scores with the same seeds.
        lower_is_better: the direction of the metric.
        at_least_by: the minimum gain; an expected gain of exactly this is not enough.
        level: the level at which the idea is tested; it affects the interval and `more_seeds`.
        step: what the metric moves in, 1/N for the accuracy on N samples; 0 if in no steps.

    Raises:
        ClaimError: there are fewer than 5 pairs, or the minimum gain is negative.
    """
    paired = PairedGains.of(
        baseline, candidate, lower_is_better=lower_is_better, at_least_by=at_least_by, step=step
    )
    statistic, n = paired.statistic, len(baseline)
    mean, sd = paired.mean, paired.sd
    low, high = paired.interval(level)
    e_value, e_against = paired.evidence()
    return Gain(
        n=n,
        mean=mean,
        sd=sd,
        low=low,
        high=high,
        e_value=e_value,
        e_against=e_against,
        more_seeds=_more_seeds(statistic, n, mean - at_least_by, max(sd, step), e_value, level),
    )


@dataclass(frozen=True)
class PairedGains:
    """The gains of single seeds, and the test of their mean.

    Attributes:
        scores: the gains [S], with both sides; positive if the candidate is better.
        at_least_by: the minimum gain.
        statistic: the test.
    """

    scores: Scores
    at_least_by: float
    statistic: Statistic

    @classmethod
    def of(
        cls,
        baseline: Sequence[float],
        candidate: Sequence[float],
        *,
        lower_is_better: bool,
        at_least_by: float,
        step: float,
    ) -> PairedGains:
        """Pair the scores; the arguments and errors are those of `weigh_gain`."""
        if len(baseline) < FIRST_LOOK:
            raise ClaimError(
                f"at least {FIRST_LOOK} seeds of both sides are needed, got {len(baseline)}: with "
                "fewer, the SD between seeds is too uncertain"
            )
        if not 0 <= at_least_by < math.inf:
            raise ClaimError(f"the minimum gain must be 0 or more, got {at_least_by}")
        sign = -1.0 if lower_is_better else 1.0
        ours, theirs = (sign * np.array(side, dtype=np.float64) for side in (candidate, baseline))
        claim = JudgedClaim(
            "score", "test", "better", at_least_by, 0.0, at_least_by, at_least_by,
            side="at-least", step=step,
        )  # fmt: skip
        rule = Rule((claim,), tuple(range(FIRST_LOOK)), prior=PRIOR)
        return cls(Scores.of_difference(ours, theirs), at_least_by, choose(claim, rule).supports)

    @property
    def mean(self) -> float:
        """The mean gain."""
        return float(self.scores.values.mean())

    @property
    def sd(self) -> float:
        """The SD of the gains of single seeds."""
        return float(self.scores.values.std(ddof=1))

    def evidence(self) -> tuple[float, float]:
        """Return the e-values after the last seed: for more than the minimum gain, and for less."""
        e_value = self.statistic.greater(self.scores, self.at_least_by)[-1]
        return float(e_value), float(self.statistic.less(self.scores, self.at_least_by)[-1])

    def interval(self, level: float) -> tuple[float, float]:
        """Return the interval of the expected gain after the last seed; infinite if it is open."""
        at = np.array([len(self.scores.values)], dtype=np.float64)
        low, high = self.statistic.interval(self.scores, 1 / level, at)
        return float(low[-1]), float(high[-1])


def _more_seeds(
    statistic: Statistic, n: int, distance: float, sd: float, e_value: float, level: float
) -> int | None:
    if e_value >= 1 / level:
        return 0
    if not distance > 0:
        return None
    # Equal differences have an SD of 0; their evidence grows with the number of seeds alone.
    needed = seeds_needed(statistic, distance, max(sd, distance * 1e-6), 1 / level)
    return max(needed - n, 1)
