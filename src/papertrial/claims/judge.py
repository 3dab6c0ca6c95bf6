"""Verdicts from scores: which claims hold, which do not, and since which seed.

A verdict is final at its first crossing, so that stopping for any reason does no harm: evidence is
the running maximum of e-values, and Ville's inequality bounds the probability that it ever crosses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from papertrial.claims.claim_evidence import ClaimEvidence, Direction, sample_spread
from papertrial.claims.reach import worst_from
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling, holds_within, is_inside, is_partly_inside
from papertrial.claims.scores import Scores
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.claims.verdict import Verdict

_SAME_WEIGHTS = 2  # seeds whose weights must be equal before a training counts as deterministic
_DIRECTION: dict[Verdict, Direction] = {"REPRODUCED": "supports", "NOT REPRODUCED": "opposes"}


def judge(rule: Rule, outcomes: Sequence[SeedOutcome]) -> tuple[Ruling, ...]:
    """Judge each claim by the seeds that ended; return the rulings in the rule's order.

    With several claims, Holm's procedure runs on 1/max e at every look, separately for REPRODUCED
    and for NOT REPRODUCED. (Holm 1979. It is valid because 1 over the running maximum of an e-value
    is a p-value at any time: Ramdas, Grunwald, Vovk and Shafer 2023, "Game-theoretic statistics",
    section 2.)

    Guarantee for normal scores, over all claims together and for any stopping rule: the probability
    that any claim is wrongly REPRODUCED is at most alpha, and so is the probability that any is
    wrongly NOT REPRODUCED (at most 2 alpha as the tolerance becomes small against the SD).
    """
    finished = [outcome for outcome in outcomes if outcome.state == "finished"]
    claims = range(len(rule.claims))
    if is_deterministic(finished):
        return tuple(_judge_one_value(rule, j, finished, outcomes) for j in claims)
    evidence = [ClaimEvidence.of_seeds(rule, j, finished) for j in claims]
    decided: dict[int, tuple[Verdict, int]] = {}
    for n in looks(rule, outcomes, rule.first_look):
        for verdict, direction in _DIRECTION.items():
            for j in _holm(rule, evidence, direction, n)[0]:
                decided.setdefault(j, (verdict, n))
    held = rule.allows_failures(len(outcomes) - len(finished), len(outcomes))
    return tuple(
        _ruling(rule, evidence, j, decided.get(j, ("UNDECIDED", None)), held)
        for j in range(len(evidence))
    )


def is_deterministic(finished: Sequence[SeedOutcome]) -> bool:
    """Tell whether all seeds, two or more, gave the same weights, bit for bit.

    Equal scores are no proof: on a coarse grid of scores they tie by chance.
    """
    return (
        len(finished) >= _SAME_WEIGHTS
        and bool(finished[0].weights)
        and len({outcome.weights for outcome in finished}) == 1
    )


def looks(rule: Rule, outcomes: Sequence[SeedOutcome], first: int) -> Iterator[int]:
    """Yield the numbers of finished seeds at which claims are judged."""
    n = 0
    for count, outcome in enumerate(outcomes, 1):
        n += outcome.state == "finished"
        if n >= first and rule.allows_failures(count - n, count):
            yield n


def _holm(
    rule: Rule, evidence: Sequence[ClaimEvidence], direction: Direction, n: int
) -> tuple[dict[int, float], float]:
    """Judge several claims after n seeds by Holm's procedure.

    Returns:
        the level at which each decided claim was decided, and the level of those that are left.
    """
    left, rejected = set(range(len(evidence))), dict[int, float]()
    while left:
        level = rule.alpha / len(left)
        found = {j: evidence[j].after(direction, n, level) for j in left}
        crossed = [j for j in left if found[j] >= evidence[j].threshold(direction, level)]
        if not crossed:
            return rejected, level
        strongest = max(crossed, key=lambda j: (found[j], -j))
        rejected[strongest] = level
        left.remove(strongest)
    return rejected, rule.alpha


def _ruling(
    rule: Rule,
    evidence: Sequence[ClaimEvidence],
    index: int,
    decided: tuple[Verdict, int | None],
    held: bool,
) -> Ruling:
    ours, (verdict, at) = evidence[index], decided
    withdrawn = False
    n = len(ours.scores.values)
    level = rule.alpha / len(evidence)
    low, high, series = -math.inf, math.inf, list[tuple[int, float, float]]()
    levels, needed = dict.fromkeys(_DIRECTION, level), math.inf
    if n >= rule.first_look:
        levels = _levels(rule, evidence, index, n)
        level = levels[verdict] if verdict in levels else min(levels.values())
        lows, highs = ours.interval(levels["REPRODUCED"])
        needed = holds_within(ours.claim, float(lows[-1]), float(highs[-1]))
        lows, highs = ours.interval(level)
        low, high = float(lows[-1]), float(highs[-1])
        series = [
            (count, float(lows[count - 1]), float(highs[count - 1]))
            for count in range(rule.first_look, n + 1)
        ]
        withdrawn = verdict == "REPRODUCED" and low > high
    return Ruling(
        verdict="UNDECIDED" if withdrawn else verdict,
        decided_at=None if withdrawn else at,
        scores=tuple(map(float, ours.scores.values)),
        low=low,
        high=high,
        level=level,
        series=tuple(series),
        holds_within=math.inf if withdrawn else needed,
        held=held,
        pairing=ours.choice.pairing if n else "",
        withdrawn=withdrawn,
        levels=(levels["REPRODUCED"], levels["NOT REPRODUCED"]),
        sample_term=0.0
        if n == 0 or ours.spread is None
        else ours.spread.largest_term(ours.claim.band, level),
    )


def _levels(
    rule: Rule, evidence: Sequence[ClaimEvidence], index: int, n: int
) -> dict[Verdict, float]:
    """Return for each verdict the level at which Holm's procedure judges a claim after n seeds."""
    levels = dict[Verdict, float]()
    for name, direction in _DIRECTION.items():
        rejected, left = _holm(rule, evidence, direction, n)
        levels[name] = rejected.get(index, left)
    return levels


def _judge_one_value(
    rule: Rule, index: int, finished: Sequence[SeedOutcome], outcomes: Sequence[SeedOutcome]
) -> Ruling:
    """Judge a claim by the one value of a deterministic training.

    Seeds have no noise then; the choice of the test samples still has, for a claim about new ones.
    """
    claim = rule.claims[index]
    scores = Scores.of_claim(claim, [outcome.scores[index] for outcome in finished])
    at_points = [float(one.values[0]) for one in scores.points]
    low = high = worst_from(at_points, 0, at_most=claim.side == "at-most")
    scale, level = float(scores.scale[0]), 0.0
    spread = sample_spread(claim, index, finished)
    if spread is not None:
        level = rule.alpha / len(rule.claims)
        low, high = (float(edge[0]) for edge in spread.last().widened(low, high, level))
    inside = is_inside(claim, low, scale) and is_inside(claim, high, scale)
    verdict: Verdict = "REPRODUCED" if inside else "NOT REPRODUCED"
    at = next(looks(rule, outcomes, _SAME_WEIGHTS), None)
    if at is None or (not inside and is_partly_inside(claim, low, high)):
        at, verdict = None, "UNDECIDED"
    n = len(scores.values)
    return Ruling(
        verdict=verdict,
        decided_at=at,
        scores=tuple(map(float, scores.values)),
        low=low,
        high=high,
        level=level,
        series=(),
        holds_within=holds_within(claim, low, high),
        held=rule.allows_failures(len(outcomes) - n, len(outcomes)),
        deterministic=True,
        sample_term=0.0 if spread is None else spread.largest_term(claim.band, level),
    )
