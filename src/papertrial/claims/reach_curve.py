"""From which point on does a curve stay on the good side of its target?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from papertrial.claims import intervals
from papertrial.claims.choose import choose
from papertrial.claims.claim_evidence import seeds_threshold
from papertrial.claims.judge import looks
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.reach import Reach
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling, is_inside, sd_of
from papertrial.claims.scores import Array, Scores
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.numbers import as_written


@dataclass(frozen=True)
class CurvePoint:
    """What the seeds gave at one evaluated point of a curve.

    Attributes:
        at: the step or the epoch.
        mean, sd: of the scores at this point.
        low, high: the interval after the last look of what is tested here: theta of the scores at
            this point, or with `each-seed` of the worst scores from this point on. Infinite where
            nothing is known, and before the declared point if the rule gives an SD, which is that
            from the declared point on.
        confirmed: whether the curve is confirmed to stay on the good side from this point on.
    """

    at: int
    mean: float
    sd: float
    low: float
    high: float
    confirmed: bool


@dataclass(frozen=True)
class ReachCurve:
    """A curve, point by point, and from where on it is confirmed to have reached its target.

    Attributes:
        points: all evaluated points, in order.
        confirmed_from: the earliest confirmed point; None if none is.
    """

    points: tuple[CurvePoint, ...]
    confirmed_from: int | None


def reach_curves(
    rule: Rule, outcomes: Sequence[SeedOutcome], rulings: Sequence[Ruling]
) -> tuple[ReachCurve | None, ...]:
    """Return the curve of each claim of a rule; None for a claim that is not about a curve.

    Before the first finished seed it is None too.

    Args:
        rule: the rule.
        outcomes: of the seeds that ended, in seed order.
        rulings: what `judge` returns for them.
    """
    finished = [outcome for outcome in outcomes if outcome.state == "finished"]
    looked = max(looks(rule, outcomes, rule.first_look), default=0)
    return tuple(
        None
        if claim.reach is None or not finished
        else _curve(rule, claim, claim.reach, [o.scores[j] for o in finished], ruling, looked)
        for j, (claim, ruling) in enumerate(zip(rule.claims, rulings, strict=True))
    )


def _curve(
    rule: Rule,
    claim: JudgedClaim,
    reach: Reach,
    rows: Sequence[tuple[float, ...]],
    ruling: Ruling,
    looked: int,
) -> ReachCurve:
    """Return the curve of a claim.

    The points are confirmed in a fixed sequence: the last one first, then backwards, each at the
    full level, up to the first failure. (Only the first bad point in this order can be confirmed
    by mistake, so their number costs nothing: 1.6 to 2.0 % of trials confirm a bad point of 10,
    where taking any point that crosses would be wrong in 12 %.) A look counts if all points up to
    there have enough evidence at it, as for the verdict: so the claim is REPRODUCED exactly if its
    declared point is confirmed.
    """
    scores = np.array(rows, dtype=np.float64).T  # [G, S]
    tested = _worst_after(scores, claim) if reach.reading == "each-seed" else scores
    if ruling.deterministic:
        low = high = tested[:, 0]
        supported = np.array([is_inside(claim, float(value)) for value in low])
    else:
        low, high, supported = _tests(rule, claim, tested, ruling.level, looked)
    if rule.sd is not None:
        low[: reach.index], high[: reach.index] = -math.inf, math.inf
        supported[: reach.index] = False
    confirmed = np.logical_and.accumulate(supported[::-1])[::-1]
    points = tuple(
        CurvePoint(
            at=at,
            mean=float(np.mean(values)),
            sd=sd_of(values),
            low=float(low[i]),
            high=float(high[i]),
            confirmed=bool(confirmed[i]),
        )
        for i, (at, values) in enumerate(zip(reach.points, scores, strict=True))
    )
    first = next((point.at for point in points if point.confirmed), None)
    return ReachCurve(points, first)


def _worst_after(scores: Array, claim: JudgedClaim) -> Array:
    """Return the worst score [G, S] of each seed from each point on."""
    worst = np.maximum if claim.side == "at-most" else np.minimum
    return np.asarray(worst.accumulate(scores[::-1])[::-1])


def _tests(
    rule: Rule, claim: JudgedClaim, tested: Array, level: float, looked: int
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return the interval [G] at each point, and whether the points from it on [G] are supported.

    They are if the least evidence of these points reached the threshold at some look, and no later
    scores contradict that. `looked` is the number of finished seeds at the last look.
    """
    points, n = tested.shape
    if n < rule.first_look:
        nothing = np.zeros(points, dtype=np.bool_)
        return np.full(points, -math.inf), np.full(points, math.inf), nothing
    statistic, scores = choose(claim, rule).supports, Scores(tested)
    needed = seeds_threshold(statistic, claim, rule, level)
    pair = intervals.running(*statistic.interval(scores, needed), rule.first_look)
    low, high = (side[:, -1] for side in pair)
    at_most = claim.side == "at-most"
    test = statistic.less if at_most else statistic.greater
    evidence = test(scores, claim.band[1] if at_most else claim.band[0])
    least = np.minimum.accumulate(evidence[::-1])[::-1]  # of each point and all later ones
    largest = least[:, rule.first_look - 1 : looked].max(-1, initial=0.0)
    worst = _worst_after(high if at_most else low, claim)
    empty = low > worst if at_most else high < worst
    return low, high, (largest >= needed) & ~empty


def explain_curve(claim: JudgedClaim, reach: Reach, curve: ReachCurve) -> str:
    """Explain in words from which point on a curve is confirmed to have reached its target."""
    stays = f"{claim.score_name} stays at {as_written(claim.value)} or better"
    if curve.confirmed_from is None:
        last = reach.at(reach.points[-1])
        return f"It is not confirmed at any point that {stays}, not even at the end, {last}."
    of = "" if reach.reading == "each-step" else " in at least half of the seeds"
    return (
        f"Confirmed from {reach.at(curve.confirmed_from)} on: {stays}{of} to the end of the "
        "training. Points are tested backwards from the last one up to the first failure, so that "
        "looking at all of them does not raise the chance of error."
    )
