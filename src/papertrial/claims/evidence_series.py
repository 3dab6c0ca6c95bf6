"""The evidence for and against a claim, seed by seed, as reports show it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from papertrial.claims.claim_evidence import ClaimEvidence
from papertrial.claims.judge import is_deterministic, judge
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling
from papertrial.claims.seed_outcome import SeedOutcome

LARGEST = 1e6  # evidence above it is not distinguished


@dataclass(frozen=True)
class EvidenceSeries:
    """The evidence on one claim.

    Attributes:
        after: (finished seeds, evidence for the claim, evidence against it) from the first look
            on: the largest e-values so far, at most `LARGEST`.
        level: the error level of the threshold for the claim: that of the look at which it was
            decided, or of the last look. Several claims share alpha by Holm's procedure.
        level_against: that of the threshold against it.
        supports, opposes: what the evidence must reach; None if no evidence can decide.
        refuted_within: with every smaller tolerance, the claim would be NOT REPRODUCED on these
            scores; None if it would not be with any.
    """

    after: tuple[tuple[int, float, float], ...]
    level: float
    level_against: float
    supports: float | None
    opposes: float | None
    refuted_within: float | None


def evidence_series(
    rule: Rule, outcomes: Sequence[SeedOutcome], rulings: Sequence[Ruling]
) -> tuple[EvidenceSeries | None, ...]:
    """Return the evidence on each claim of a rule; None before the first look.

    A deterministic training has no evidence either, because one value decides.

    Args:
        rule: the rule.
        outcomes: of the seeds that ended, in seed order.
        rulings: what `judge` returns for them.
    """
    finished = [outcome for outcome in outcomes if outcome.state == "finished"]
    if len(finished) < rule.first_look or is_deterministic(finished):
        return (None,) * len(rule.claims)
    return tuple(
        _series(rule, finished, j, _levels(rule, outcomes, j, ruling))
        for j, ruling in enumerate(rulings)
    )


def _series(
    rule: Rule, finished: Sequence[SeedOutcome], index: int, levels: tuple[float, float]
) -> EvidenceSeries:
    found, (level, against) = ClaimEvidence.of_seeds(rule, index, finished), levels
    supports, opposes = found.threshold("supports", level), found.threshold("opposes", against)
    return EvidenceSeries(
        after=tuple(
            (
                n,
                min(found.after("supports", n, level), LARGEST),
                min(found.after("opposes", n, against), LARGEST),
            )
            for n in range(rule.first_look, len(finished) + 1)
        ),
        level=level,
        level_against=against,
        supports=supports if math.isfinite(supports) else None,
        opposes=opposes if math.isfinite(opposes) else None,
        refuted_within=_refuted_within(found, against),
    )


def _levels(
    rule: Rule, outcomes: Sequence[SeedOutcome], index: int, ruling: Ruling
) -> tuple[float, float]:
    """Return the levels at which a claim was decided, or those that it is judged by now."""
    n = 0
    for count, outcome in enumerate(outcomes, 1):
        n += outcome.state == "finished"
        if n == ruling.decided_at:
            return judge(rule, outcomes[:count])[index].levels
    return ruling.levels


def _refuted_within(found: ClaimEvidence, level: float) -> float | None:
    """Return the tolerance below which the evidence against a claim reaches its threshold."""
    bounds = found.refuting_interval(level)
    if bounds is None:
        return None
    lows, highs = bounds
    claim, sides = found.claim, list[float]()
    if claim.side != "at-most":
        sides.append(claim.low - float(highs[-1]))
    if claim.side != "at-least":
        sides.append(float(lows[-1]) - claim.high)
    largest = max(sides)
    return largest if largest > 0 else None
