"""Verdicts from scores: which claims hold, which do not, and since which seed.

A verdict is final at its first crossing, so that stopping for any reason is harmless: evidence is
the running maximum of e-values, and Ville's inequality bounds the chance that it ever crosses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from papertrial.claims import evalues, intervals
from papertrial.claims.claim import Claim
from papertrial.claims.evalues import Array
from papertrial.claims.horizon import threshold
from papertrial.claims.outcome import Outcome
from papertrial.claims.rule import Rule

Verdict = Literal["REPRODUCED", "NOT REPRODUCED", "UNDECIDED"]
_ROUNDING = 1e-9  # 0.58 of 50 seeds are 29, and 0.58 * 50 is a little less
_SAME_WEIGHTS = 2  # seeds that must agree to the bit before a training counts as deterministic


@dataclass(frozen=True)
class Ruling:
    """What the scores say of one claim.

    Attributes:
        verdict: final once it is not UNDECIDED.
        decided_at: finished seeds when it was taken.
        scores: [n] in seed order; differences for a claim on a difference.
        low, high: the interval shown, of the statistic that the claim is about; each side errs with
            a chance of at most `level`. REPRODUCED exactly when it lies inside the claim's band.
        series: (n, low, high) after each finished seed, from the first look on.
        holds_within: the smallest tolerance with which the claim would be REPRODUCED.
        held: the share of failed seeds is one that was allowed.
        deterministic: seeds change nothing: one value, compared with the band as it is.
        pairing: for a difference: how the two sides were compared, with the measured correlation.
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

    @property
    def mean(self) -> float:
        """The mean of the scores; NaN of none."""
        return float(np.mean(self.scores)) if self.scores else math.nan

    @property
    def median(self) -> float:
        """The median of the scores; NaN of none."""
        return float(np.median(self.scores)) if self.scores else math.nan

    @property
    def sd(self) -> float:
        """The standard deviation of the scores (n - 1); NaN of fewer than two."""
        if len(self.scores) < 2:
            return math.nan
        tied = min(self.scores) == max(self.scores)  # whose mean may differ by rounding
        return 0.0 if tied else float(np.std(self.scores, ddof=1))


def judge(rule: Rule, outcomes: Sequence[Outcome]) -> tuple[Ruling, ...]:
    """Return a ruling for each claim, from the seeds that ended, in the rule's order.

    Several claims: Holm's procedure on 1/max e at every look, separately for REPRODUCED and for NOT
    REPRODUCED (Holm 1979; valid, for 1 over the running maximum of an e-value is a p-value at any
    time: Ramdas, Grunwald, Vovk and Shafer 2023, "Game-theoretic statistics", section 2).

    Guarantee, for normal scores: a claim is wrongly REPRODUCED, and one is wrongly NOT REPRODUCED,
    with a chance of at most alpha each (2 alpha for NOT as the tolerance goes to nothing beside the
    spread), whenever one stops, over all claims together.
    """
    finished = [outcome for outcome in outcomes if outcome.state == "finished"]
    if is_deterministic(finished):
        return tuple(_exactly(rule, j, finished, outcomes) for j in range(len(rule.claims)))
    sides = [_Side(rule, j, finished) for j in range(len(rule.claims))]
    decided: dict[int, tuple[Verdict, int]] = {}
    n = 0
    for count, outcome in enumerate(outcomes, 1):
        n += outcome.state == "finished"
        if n < rule.first_look or not is_held(rule, count - n, count):
            continue
        kept: tuple[tuple[Verdict, str], ...] = (
            ("REPRODUCED", "supports"),
            ("NOT REPRODUCED", "opposes"),
        )
        for verdict, name in kept:
            for j in _holm(rule, sides, name, n)[0]:
                decided.setdefault(j, (verdict, n))
    held = is_held(rule, len(outcomes) - len(finished), len(outcomes))
    return tuple(
        _ruling(rule, sides, j, decided.get(j, ("UNDECIDED", None)), held)
        for j in range(len(sides))
    )


def is_deterministic(finished: Sequence[Outcome]) -> bool:
    """Tell whether other seeds gave the same weights, bit for bit.

    Equal scores would not show it: on a coarse grid of scores they tie by chance.
    """
    first = finished[:_SAME_WEIGHTS]
    return (
        len(first) == _SAME_WEIGHTS
        and bool(first[0].weights)
        and (len({outcome.weights for outcome in first}) == 1)
    )


def is_held(rule: Rule, failed: int, ended: int) -> bool:
    """Tell whether no more seeds failed, of those that ended, than the rule allows."""
    return failed <= rule.max_diverged * ended + _ROUNDING


class _Side:
    """The evidence on one claim: running maxima of e-values over the finished seeds, [n] each."""

    def __init__(self, rule: Rule, index: int, finished: Sequence[Outcome]) -> None:
        self.claim, self.rule = rule.claims[index], rule
        pairs = np.array([outcome.scores[index] for outcome in finished], dtype=np.float64)
        self.both: tuple[Array, Array] | None = None  # sides of a difference
        self.arms: tuple[Array, Array] | None = None  # the same where they are not paired
        self.pairing = ""
        if self.claim.kind == "difference" and len(pairs):
            self.x = pairs[:, 0] - pairs[:, 1]
            self.both = pairs[:, 0], pairs[:, 1]
            self._pair(pairs)
        else:
            self.x = pairs[:, 0] if len(pairs) else np.empty(0)
        low, high = self.claim.band
        if len(self.x):
            # Each side is latched by itself, as the running interval is: a claim is supported once
            # both have crossed, be it at different looks (intersection-union keeps the level).
            above, below = self._running(self._above(low)), self._running(self._below(high))
            self.supports = np.minimum(above, below)
            self.opposes = self._running(self._against(low, high))

    def _pair(self, pairs: Array) -> None:
        """Choose how the two sides are compared, as soon as the first look is due.

        Paired where the correlation over the first seeds is positive, else as two samples, which
        have more degrees of freedom. The choice keeps the rates of error at 5 % for correlations
        of -.3 and more (4.0 % there; 5.8 % at -.5: `benchmarks/verdict_rates.py`).
        """
        if (
            len(pairs) < self.rule.first_look
            or self.claim.reference
            or self.rule.statistic != "mean"
        ):
            self.pairing = "paired by seed"
            return
        first = pairs[: self.rule.first_look]
        if not np.ptp(first, axis=0).all():  # pooling its SD with the other's would halve that
            self.pairing = "paired by seed (one side does not vary)"
            return
        common = float(np.asarray(np.corrcoef(first.T))[0, 1])
        self.pairing = f"paired by seed (correlation {common:+.2f})"
        if common <= 0:
            self.arms = self.both
            self.pairing = f"two samples (correlation {common:+.2f}, pairing would not help)"

    @property
    def test(self) -> str:
        """The name of the test, for `horizon.threshold`."""
        if self.rule.statistic == "median":
            return "quantile"
        return "best-of" if self.claim.best_of else "arms" if self.arms else "one-sample"

    @property
    def share(self) -> float:
        """P(score > what the claim is about): the median, or the median of the best of k."""
        return 1 - float(0.5 ** (1 / (self.claim.best_of or 1)))

    def _running(self, e: Array) -> Array:
        kept = np.where(np.arange(1, len(e) + 1) >= self.rule.first_look, e, 0.0)
        return np.maximum.accumulate(kept)

    def _above(self, m: float) -> Array:
        if m == -math.inf:
            return np.full(len(self.x), np.inf)
        prior = self.rule.prior
        if self.rule.statistic == "median":
            return evalues.greater_quantile(self.x, m, share=self.share)
        if self.claim.best_of:
            return evalues.greater_best_of(self.x, m, self.claim.best_of, prior=prior)
        if self.arms:
            return evalues.greater_arms(*self.arms, m, prior=prior)
        return evalues.greater(self.x, m, prior=prior)

    def _below(self, m: float) -> Array:
        if m == math.inf:
            return np.full(len(self.x), np.inf)
        prior = self.rule.prior
        if self.rule.statistic == "median":
            return evalues.less_quantile(self.x, m, share=self.share)
        if self.claim.best_of:
            return evalues.less_best_of(self.x, m, self.claim.best_of, prior=prior)
        if self.arms:
            return evalues.less_arms(*self.arms, m, prior=prior)
        return evalues.less(self.x, m, prior=prior)

    def _against(self, low: float, high: float) -> Array:
        """Evidence that the reported number is not ours, its own noise counted where it has any."""
        runs, none = self.claim.reference, np.zeros(len(self.x))
        if runs and self.rule.statistic == "median":
            return none  # a mean of few runs says too little of their median
        if runs:
            return np.maximum(
                self._beyond(-1, low, runs) if low > -math.inf else none,
                self._beyond(1, high, runs) if high < math.inf else none,
            )
        return np.maximum(
            self._below(low) if low > -math.inf else none,
            self._above(high) if high < math.inf else none,
        )

    def _beyond(self, sign: int, edge: float, runs: int) -> Array:
        """Evidence that ours is greater (sign 1) or less (-1) than a reported mean stands for.

        Of a reported difference nobody says whether its sides had seeds in common. If they had not,
        it has more noise than our paired differences show: 7 to 8 % of false alarms at a
        correlation of .5, 33 to 38 % at .9. So the evidence is the lesser of both readings.
        """
        e = evalues.greater_than_reported(sign * self.x, sign * edge, runs)
        if self.both is None:
            return e
        ours, theirs = (sign * side for side in self.both)
        return np.minimum(e, _arms_than_reported(ours, theirs, sign * edge, runs))

    def threshold(self, name: str, level: float) -> float:
        """What e must reach at an error level: 1/level, or less where the maximum is fixed."""
        reported = name == "opposes" and self.claim.reference and self.test == "one-sample"
        needed: float = threshold(
            "reported" if reported else self.test,
            level,
            horizon=len(self.rule.seeds) if self.rule.horizon == "fixed" else None,
            first_look=self.rule.first_look,
            prior=evalues.REPORTED_PRIOR if reported else self.rule.prior,
            runs=self.claim.reference if reported else None,
            k=self.claim.best_of,
            share=self.share,
        )
        return needed

    def interval(self, level: float) -> tuple[Array, Array]:
        """Return the running intersection of the intervals after each finished seed, [n] each."""
        at, prior = self.threshold("supports", level), self.rule.prior
        if self.test == "quantile":
            pair = intervals.interval_quantile(self.x, threshold=at, share=self.share)
        elif self.arms:
            pair = intervals.interval_arms(*self.arms, threshold=at, prior=prior)
        else:
            best_of = self.claim.best_of
            pair = intervals.interval(self.x, threshold=at, prior=prior, best_of=best_of)
        return intervals.running(*pair, self.rule.first_look)


def _arms_than_reported(a: Array, b: Array, m: float, runs: int) -> Array:
    """`evalues.greater_than_reported` of mean(a) - mean(b), sides and reported sides independent.

    The two-sample t statistic of `evalues.greater_arms`, with n * runs / (n + runs) in place of n.
    """
    _, mean_a, scatter_a = evalues.moments(a)
    _, mean_b, scatter_b = evalues.moments(b)
    n = evalues.counts(a)
    size, nu = n * runs / (n + runs) / 2, 2 * n - 2
    t = evalues.t_statistic(mean_a - mean_b, m, size, scatter_a + scatter_b, nu)
    r = evalues.REPORTED_PRIOR / (evalues.REPORTED_PRIOR + size)
    return np.exp(np.minimum(evalues.log_greater(t, nu, r), evalues.LARGEST))


def _holm(rule: Rule, sides: Sequence[_Side], name: str, n: int) -> tuple[dict[int, float], float]:
    """Return the claims that Holm's procedure rejects after n seeds, by level; and what is left."""
    left, rejected = set(range(len(sides))), dict[int, float]()
    while left:
        level = rule.alpha / len(left)
        evidence = {j: float(getattr(sides[j], name)[n - 1]) for j in left}
        crossed = [j for j in left if evidence[j] >= sides[j].threshold(name, level)]
        if not crossed:
            return rejected, level
        strongest = max(crossed, key=lambda j: (evidence[j], -j))
        rejected[strongest] = level
        left.remove(strongest)
    return rejected, rule.alpha


def _ruling(
    rule: Rule,
    sides: Sequence[_Side],
    index: int,
    decided: tuple[Verdict, int | None],
    held: bool,
) -> Ruling:
    side, n = sides[index], len(sides[index].x)
    verdict, at = decided
    level = rule.alpha / len(sides)
    low, high, series = -math.inf, math.inf, list[tuple[int, float, float]]()
    if n >= rule.first_look:
        # The level at which the claim was or would be decided, so that interval and verdict agree.
        levels = {name: _holm(rule, sides, name, n) for name in ("supports", "opposes")}
        mine = {name: rejected.get(index, left) for name, (rejected, left) in levels.items()}
        level = {
            "REPRODUCED": mine["supports"],
            "NOT REPRODUCED": mine["opposes"],
            "UNDECIDED": min(mine.values()),
        }[verdict]
        lows, highs = side.interval(level)
        low, high = float(lows[-1]), float(highs[-1])
        series = [
            (count, float(lows[count - 1]), float(highs[count - 1]))
            for count in range(rule.first_look, n + 1)
        ]
    return Ruling(
        verdict=verdict,
        decided_at=at,
        scores=tuple(map(float, side.x)),
        low=low,
        high=high,
        level=level,
        series=tuple(series),
        holds_within=margin(side.claim, low, high),
        held=held,
        pairing=side.pairing,
    )


def is_inside(claim: Claim, value: float) -> bool:
    """Tell whether one value lies in the claim's band, its edges included but for rounding."""
    low, high = claim.band
    slack = evalues.TIE * max(abs(edge) for edge in (low, high, value) if math.isfinite(edge))
    return low - slack <= value <= high + slack


def margin(claim: Claim, low: float, high: float) -> float:
    """Return the smallest tolerance with which an interval would lie inside the claim's band."""
    below = claim.low - low if claim.side != "at-most" else 0.0
    above = high - claim.high if claim.side != "at-least" else 0.0
    return max(below, above, 0.0)


def _exactly(
    rule: Rule, index: int, finished: Sequence[Outcome], outcomes: Sequence[Outcome]
) -> Ruling:
    """Compare the one value of a deterministic training with the band."""
    claim = rule.claims[index]
    score = finished[0].scores[index]
    value = score[0] - score[1] if claim.kind == "difference" else score[0]
    verdict: Verdict = "REPRODUCED" if is_inside(claim, value) else "NOT REPRODUCED"
    at, n = None, 0  # since when there are two, and few enough failed
    for count, outcome in enumerate(outcomes, 1):
        n += outcome.state == "finished"
        if at is None and n >= _SAME_WEIGHTS and is_held(rule, count - n, count):
            at = n
    return Ruling(
        verdict="UNDECIDED" if at is None else verdict,
        decided_at=at,
        scores=tuple(
            o.scores[index][0] - (o.scores[index][1] if claim.kind == "difference" else 0.0)
            for o in finished
        ),
        low=value,
        high=value,
        level=0.0,
        series=(),
        holds_within=margin(claim, value, value),
        held=is_held(rule, len(outcomes) - n, len(outcomes)),
        deterministic=True,
    )
