"""How many seeds a decision will probably take, told before the first one is trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from papertrial.claims import intervals
from papertrial.claims.claim import Claim
from papertrial.claims.evalues import REPORTED_PRIOR, Array, expected_maximum
from papertrial.claims.horizon import threshold as needed
from papertrial.claims.rule import Rule
from papertrial.errors import ClaimError

SEED = 20_261_121
SCORES, REPETITIONS = 150_000, 10_000  # drawn: no more than either
RATIOS = (0.5, 1, 1.5, 2, 3, 5)
CHUNK = 500_000  # scores in memory at once, with some ten numbers for each
EVERY, STEP = 500, 0.02  # looks: at every number of seeds up to this, then 2 % apart
MOST = 10**12  # seeds; no one will train as many


@dataclass(frozen=True)
class Row:
    """What to expect if single seeds' scores are normal with this spread.

    Attributes:
        ratio: the tolerance band's half width over the spread. (Of a one-sided claim: the distance
            from the reported number to the bound.)
        spread: SD of the scores, in the metric's unit.
        decided: probability of REPRODUCED by the maximum if the true mean is the reported number.
        median: of the number of seeds that this takes; None where it is more than the maximum.
        most: what it takes in nine cases of ten; None as above.
        detects: smallest distance of the true mean from the reported number, in the metric's unit,
            that ends NOT REPRODUCED by the maximum with a probability of 80 %; None where none
            does.
    """

    ratio: float
    spread: float
    decided: float
    median: int | None
    most: int | None
    detects: float | None


def plan(
    claim: Claim,
    rule: Rule,
    ratios: Sequence[float] = RATIOS,
    threshold: float | None = None,
    *,
    spreads: Sequence[float] | None = None,
) -> list[Row]:
    """Return what the rule will probably say of a claim, for a range of spreads.

    Scores are drawn from a fixed seed, 10,000 times or less where the maximum is high, and
    judged by the inverted tests of `intervals`: after every seed up to 500, then at steps of 2 %,
    so that where more are needed their number is rounded up by as much. The reported number is the
    middle of what its printed digits stand for. A claim on a difference is taken as paired.

    Args:
        claim: of any kind but "exact".
        rule: how it is decided; of its other claims nothing is taken into account.
        ratios: half widths of the band, in spreads. Ignored where `spreads` are given.
        threshold: what e-values must reach; None takes that of the rule, for this claim alone.
        spreads: SDs in the metric's unit.

    Raises:
        ClaimError: for a claim without any tolerance, unless `spreads` are given; for a spread or a
            ratio that is not positive.
    """
    centre, (low, high) = (claim.low + claim.high) / 2, claim.band
    half = min(centre - low, high - centre)
    if spreads is None and not half > 0:
        raise ClaimError(
            f"{claim.split} {claim.metric}: a claim without tolerance says nothing of the spread; "
            "name spreads in its stead"
        )
    if not all(number > 0 for number in (ratios if spreads is None else spreads)):
        raise ClaimError(f"ratios and spreads must be positive, got {spreads or ratios}")
    if spreads is None:
        spreads = [half / ratio for ratio in ratios]
    looks = _looks(len(rule.seeds))
    ours, against = _simulated(claim, rule, threshold, looks)
    return [_row(claim, looks, spread, half, ours, against) for spread in spreads]


def seeds_needed(tolerance_over_sd: float, *, threshold: float, prior: float) -> int:
    """Return about how many seeds REPRODUCED takes where the mean is the reported number.

    The smallest n whose interval is no wider than the band: half_width(n) <= tolerance / SD.

    Raises:
        ClaimError: for a tolerance that is not positive: no number of seeds would do.
    """
    if not tolerance_over_sd > 0:
        raise ClaimError(f"tolerance / SD must be positive, got {tolerance_over_sd}")

    def enough(n: int) -> bool:
        return intervals.half_width(n, threshold=threshold, prior=prior) <= tolerance_over_sd

    above = 2
    while not enough(above) and above < MOST:
        above *= 2
    below = above // 2  # not enough, or a single seed
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if enough(middle) else (middle, above)
    return above


Bounds = tuple[Array, Array]


def _looks(most: int) -> Array:
    """Return the numbers of seeds [m], 1 to the maximum, at which a simulation looks."""
    if most <= EVERY:
        return np.arange(1.0, most + 1)
    later = np.geomspace(EVERY, most, 2 + int(math.log(most / EVERY) / STEP))
    return np.concatenate([np.arange(1.0, EVERY), np.unique(later.round())])


def _simulated(
    claim: Claim, rule: Rule, threshold: float | None, looks: Array
) -> tuple[Bounds, Bounds | None]:
    """Return running intervals [repetitions, looks] of standard scores.

    They are in SDs from what is estimated. The first for REPRODUCED; the second, of what does not
    contradict them, for NOT REPRODUCED: None where nothing can.
    """
    most = len(rule.seeds)
    horizon = most if rule.horizon == "fixed" else None
    repetitions = max(min(REPETITIONS, SCORES // most), 400)
    k, runs = claim.best_of, claim.reference

    def reach(test: str, prior: float = rule.prior, share: float = 0.5) -> float:
        if threshold is not None:
            return threshold
        return needed(
            test,
            rule.alpha,
            horizon=horizon,
            first_look=rule.first_look,
            prior=prior,
            runs=runs if test == "reported" else None,
            k=k if test == "best-of" else None,
            share=share,
        )

    def look(bounds: Callable[[Array], Bounds], estimated: float) -> Bounds:
        draw, parts = np.random.default_rng(SEED), []  # of both intervals the same scores
        size = max(CHUNK // most, 1)
        for begin in range(0, repetitions, size):
            x = draw.standard_normal((min(size, repetitions - begin), most))
            parts.append(intervals.running(*bounds(x), rule.first_look))
        low, high = (np.concatenate(side) for side in zip(*parts, strict=True))
        return low - estimated, high - estimated

    if rule.statistic == "median":
        share = 1 - 0.5 ** (1 / (k or 1))  # of scores above the median of the best of k
        at = reach("quantile", share=share)
        estimated = NormalDist().inv_cdf(1 - share)
        ours = look(
            lambda x: intervals.interval_quantile(x, threshold=at, share=share, looks=looks),
            estimated,
        )
        return ours, None if runs else ours  # of a mean of few runs the sign test says too little
    at = reach("best-of" if k else "one-sample")
    ours = look(
        lambda x: intervals.interval(x, threshold=at, prior=rule.prior, best_of=k, looks=looks),
        expected_maximum(k) if k else 0.0,
    )
    if not runs:
        return ours, ours
    apart = reach("reported", REPORTED_PRIOR)

    def reported(x: Array) -> Bounds:
        return intervals.interval_reported(
            x, runs, threshold=apart, prior=REPORTED_PRIOR, looks=looks
        )

    return ours, look(reported, 0.0)


def _row(
    claim: Claim, looks: Array, spread: float, half: float, ours: Bounds, against: Bounds | None
) -> Row:
    edge = half / spread
    inside = np.ones(ours[0].shape, dtype=bool)
    if claim.side != "at-most":
        inside &= ours[0] >= -edge
    if claim.side != "at-least":
        inside &= ours[1] <= edge
    decided = inside.any(-1)
    maximum = int(looks[-1])
    taken = np.where(decided, looks[inside.argmax(-1)], maximum + 1)
    median, most = (_within(taken, part, maximum) for part in (0.5, 0.9))
    return Row(
        ratio=edge,
        spread=spread,
        decided=float(decided.mean()),
        median=median,
        most=most,
        detects=None if against is None else _detects(claim, spread, half, against),
    )


def _within(taken: Array, part: float, maximum: int) -> int | None:
    """Return the number of seeds that this part of the repetitions does not exceed."""
    number = int(np.quantile(taken, part, method="inverted_cdf"))
    return number if number <= maximum else None


def _detects(claim: Claim, spread: float, half: float, against: Bounds) -> float | None:
    """Return the distance that 80 % of the repetitions tell from the band.

    Scores whose mean is `distance` below the reported number are told NOT REPRODUCED once the upper
    bound of their running interval, which moves along with them, is below the band.
    """
    sides = []
    if claim.side != "at-most":
        sides.append(against[1][:, -1])
    if claim.side != "at-least":
        sides.append(-against[0][:, -1])
    reach = max(float(np.quantile(side, 0.8, method="higher")) for side in sides)
    return half + spread * reach if math.isfinite(reach) else None
