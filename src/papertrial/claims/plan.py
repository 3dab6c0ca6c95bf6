"""How many seeds a decision will probably take, estimated before the first seed is trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from papertrial.claims import intervals
from papertrial.claims.choose import choose
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.new_samples import SEEDS_PART, SampleSpread
from papertrial.claims.rule import Rule
from papertrial.claims.scores import Array, Scores
from papertrial.claims.statistic import Bounds, Statistic
from papertrial.claims.threshold import PARTS
from papertrial.claims.threshold import threshold as needed
from papertrial.errors import ClaimError

SEED = 20_261_121
SCORES, REPETITIONS = 150_000, 10_000  # upper limits on what is drawn
RATIOS = (0.5, 1, 1.5, 2, 3, 5)
CHUNK = 500_000  # scores in memory at a time; each takes about ten numbers
EVERY, STEP = 500, 0.02  # looks: at every number of seeds up to EVERY, then 2 % apart
CALIBRATED = 50  # seeds; longer fixed horizons are calibrated by fewer repetitions than verdicts
MOST = 10**12  # seeds; more than anyone will train


@dataclass(frozen=True)
class PlanRow:
    """What to expect if the scores of single seeds are normal with this SD.

    Attributes:
        ratio: half the width of the tolerance band, in SDs. (For a one-sided claim, the distance
            from the reported number to the bound.)
        spread: SD of the scores, in the metric's unit.
        decided: probability of REPRODUCED within the maximum if the true mean is the reported
            number.
        mean: mean number of seeds until then; the maximum where it does not end REPRODUCED.
        median: median number of seeds that this takes; None if it is more than the maximum.
        most: number of seeds that is enough in nine cases out of ten; None as above.
        detects: smallest distance of the true mean from the reported number, in the metric's unit,
            that ends NOT REPRODUCED within the maximum with a probability of 80 %; None if no
            distance does.
    """

    ratio: float
    spread: float
    decided: float
    mean: float
    median: int | None
    most: int | None
    detects: float | None


def plan(
    claim: JudgedClaim,
    rule: Rule,
    ratios: Sequence[float] = RATIOS,
    threshold: float | None = None,
    *,
    spreads: Sequence[float] | None = None,
) -> list[PlanRow]:
    """Plan a claim's verification: return what the rule will probably say, for a range of SDs.

    Scores are drawn with a fixed random seed, 10,000 times or fewer if the maximum is high: two
    rules with the same maximum are compared on the same scores. They are judged by the interval of
    the claim's statistic after every seed up to 500, then at steps of 2 %, which rounds larger
    numbers of seeds up. The reported number is taken as the middle of what its printed digits may
    stand for. The SD of a difference is that of the differences; if its sides are two samples, they
    are drawn independently, with equal SDs.

    Args:
        claim: a claim of any kind except "exact".
        rule: how it is decided. Other claims of the rule are not taken into account. For a claim
            about new samples the seeds have half of the level, and the edges of the band are moved
            by the largest error of a test set of its size; by nothing if that size is unknown.
        ratios: half widths of the band, in SDs. Ignored if `spreads` are given.
        threshold: what e-values must reach; None takes that of the rule, for this claim alone.
        spreads: SDs in the metric's unit.

    Raises:
        ClaimError: the claim has no tolerance and no `spreads` are given, a spread or a ratio is
            not positive, or the SD that the rule gives is of no use for the claim.
    """
    half = _half_band(claim)
    if spreads is None and not half > 0:
        raise ClaimError(
            f"{claim.score_name}: a claim without a tolerance implies no range of "
            "spreads; pass the spreads to plan for"
        )
    if not all(number > 0 for number in (ratios if spreads is None else spreads)):
        raise ClaimError(f"ratios and spreads must be positive, got {spreads or ratios}")
    if spreads is None:
        spreads = [half / ratio for ratio in ratios]
    looks, choice = _looks(len(rule.seeds)), choose(claim, rule)
    term = _sample_term(claim, rule)
    if claim.is_about_new_samples:
        rule = replace(rule, alpha=rule.alpha * SEEDS_PART)
    simulated = _Simulated(
        rule, threshold, looks, two_samples=claim.has_two_sides and not claim.paired
    )
    return [
        _row(
            claim,
            looks,
            spread,
            half,
            term,
            simulated.intervals(choice.supports, spread),
            None if choice.opposes is None else simulated.intervals(choice.opposes, spread),
        )
        for spread in spreads
    ]


def _sample_term(claim: JudgedClaim, rule: Rule) -> float:
    """Return how far the test samples may move the edges in a plan of an accuracy; else 0."""
    if not claim.is_about_new_samples or claim.has_two_sides or not claim.step:
        return 0.0
    spread = SampleSpread.largest(round(1 / claim.step))
    return spread.largest_term(claim.band, rule.alpha)


def typical_spreads(claim: JudgedClaim) -> list[float]:
    """Return the SDs, in the metric's unit, that are planned for unless others are given.

    They are the tolerance divided by `RATIOS`; none for a claim whose tolerance suggests no SD.
    """
    if claim.tolerance > 0 or (claim.side == "about" and claim.low < claim.high):
        return [_half_band(claim) / ratio for ratio in RATIOS]
    return []


def seeds_needed(statistic: Statistic, distance: float, sd: float, threshold: float) -> int:
    """Return about how many seeds REPRODUCED takes if the true value is the reported number.

    This is the smallest n whose interval is no wider than the band: half its width is at most the
    distance from the middle of the band to its edge.

    Args:
        statistic: the statistic that supports the claim.
        distance: from the true value to the edge of the band, in the metric's unit.
        sd: SD between seeds, in the metric's unit.
        threshold: what e-values must reach.

    Raises:
        ClaimError: the distance is not positive, so that no number of seeds is enough.
    """
    if not distance > 0:
        raise ClaimError(f"the distance to the edge must be positive, got {distance}")
    scaled = statistic.in_units(sd)

    def enough(n: int) -> bool:
        return scaled.half_width(n, threshold) <= distance / sd

    above = 2
    while not enough(above) and above < MOST:
        above *= 2
    below = above // 2  # not enough, or a single seed
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if enough(middle) else (middle, above)
    return above


def _half_band(claim: JudgedClaim) -> float:
    """Return the distance from the middle of what is planned for to the nearer edge of the band."""
    centre, (low, high) = (claim.low + claim.high) / 2, claim.band
    return min(centre - low, high - centre)


def _looks(most: int) -> Array:
    """Return the numbers of seeds [L], 1 to the maximum, at which a plan's simulation looks."""
    if most <= EVERY:
        return np.arange(1.0, most + 1)
    later = np.geomspace(EVERY, most, 2 + int(math.log(most / EVERY) / STEP))
    return np.concatenate([np.arange(1.0, EVERY), np.unique(later.round())])


class _Simulated:
    """Running intervals of scores that are drawn with a fixed random seed, once for each test."""

    def __init__(
        self, rule: Rule, threshold: float | None, looks: Array, *, two_samples: bool
    ) -> None:
        self._rule, self._threshold, self._looks = rule, threshold, looks
        self._two_samples = two_samples
        self._known: dict[Statistic, Bounds] = {}

    def intervals(self, statistic: Statistic, spread: float) -> Bounds:
        """Return running intervals [repetitions, L] of normal scores with this SD.

        They are relative to theta, and in units of the SD.
        """
        scaled = statistic.in_units(spread)
        if scaled not in self._known:
            self._known[scaled] = self._draw(scaled, self._needed(statistic))
        return self._known[scaled]

    def _needed(self, statistic: Statistic) -> float:
        if self._threshold is not None:
            return self._threshold
        rule = self._rule
        horizon = len(rule.seeds) if rule.horizon == "fixed" else None
        if rule.sd is not None:  # in units of that SD, so that one calibration serves all SDs
            statistic = statistic.in_units(rule.sd.value)
        parts = (
            PARTS
            if len(rule.seeds) <= CALIBRATED
            else max(CALIBRATED * PARTS // len(rule.seeds), 1)
        )
        return needed(
            statistic, rule.alpha, horizon=horizon, first_look=rule.first_look, parts=parts
        )

    def _draw(self, statistic: Statistic, threshold: float) -> Bounds:
        most = len(self._rule.seeds)
        repetitions = max(min(REPETITIONS, SCORES // most), 400)
        draw, parts = np.random.default_rng(SEED), []  # the same scores for every statistic
        size = max(CHUNK // most, 1)
        for begin in range(0, repetitions, size):
            x = draw.standard_normal((min(size, repetitions - begin), most))
            bounds = statistic.interval(self._scores(x, begin), threshold, self._looks)
            parts.append(intervals.running(*bounds, self._rule.first_look))
        low, high = (np.concatenate(side) for side in zip(*parts, strict=True))
        return low - statistic.standard_value, high - statistic.standard_value

    def _scores(self, x: Array, begin: int) -> Scores:
        """Return scores with the values x [R, S]; two samples have sides that are independent."""
        if not self._two_samples:
            return Scores(x)
        other = np.random.default_rng((SEED, begin)).standard_normal(x.shape)
        return Scores(x, ((other + x) / 2, (other - x) / 2))


def _row(
    claim: JudgedClaim,
    looks: Array,
    spread: float,
    half: float,
    term: float,
    supports: Bounds,
    opposes: Bounds | None,
) -> PlanRow:
    edge = (half - term) / spread
    inside = np.ones(supports[0].shape, dtype=bool)
    if claim.side != "at-most":
        inside &= supports[0] >= -edge
    if claim.side != "at-least":
        inside &= supports[1] <= edge
    decided = inside.any(-1)
    maximum = int(looks[-1])
    taken = np.where(decided, looks[inside.argmax(-1)], maximum + 1)
    median, most = (_within(taken, part, maximum) for part in (0.5, 0.9))
    return PlanRow(
        ratio=half / spread,
        spread=spread,
        decided=float(decided.mean()),
        mean=float(np.minimum(taken, maximum).mean()),
        median=median,
        most=most,
        detects=None if opposes is None else _detects(claim, spread, half + term, opposes),
    )


def _within(taken: Array, part: float, maximum: int) -> int | None:
    """Return the planned number of seeds: enough for this part of the simulated repetitions."""
    number = int(np.quantile(taken, part, method="inverted_cdf"))
    return number if number <= maximum else None


def _detects(claim: JudgedClaim, spread: float, half: float, opposes: Bounds) -> float | None:
    """Return the distance at which a plan's repetitions end NOT REPRODUCED in 80 % of cases.

    If the true mean lies `distance` below the reported number, the running interval moves down by
    as much; the claim is NOT REPRODUCED once its upper bound is below the band.
    """
    sides = []
    if claim.side != "at-most":
        sides.append(opposes[1][:, -1])
    if claim.side != "at-least":
        sides.append(-opposes[0][:, -1])
    reach = max(float(np.quantile(side, 0.8, method="higher")) for side in sides)
    return half + spread * reach if math.isfinite(reach) else None
