"""What the scores say about each claim, as it is printed, stored and reported."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from statistics import mean, stdev
from typing import Protocol

from papertrial.claims.collapse import explain_collapse, find_collapse
from papertrial.claims.evidence_series import EvidenceSeries, evidence_series
from papertrial.claims.explain_decision import explain_decision
from papertrial.claims.explain_ruling import explain_ruling
from papertrial.claims.explain_without_seeds import explain_not_judged
from papertrial.claims.failed_seeds import explain_worst_case, worst_case
from papertrial.claims.intervals import prediction
from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling
from papertrial.claims.run_trial import Look
from papertrial.judging.target_curves import target_curves
from papertrial.recipe.claim_words import describe
from papertrial.recipe.claims import Claim
from papertrial.record import finite_or_none
from papertrial.store.new_samples import NewSamples
from papertrial.store.report_record import (
    ClaimResult,
    CollapsedSeeds,
    Evidence,
    RankAmongOurs,
    Sides,
    SideScores,
    WorstCase,
)


class Asked(Protocol):
    """The claims of results, and how they are decided: a registration, or scores at hand."""

    @property
    def rule(self) -> Rule:
        """How the claims are decided."""

    @property
    def stated(self) -> tuple[Claim, ...]:
        """The claims as the recipe states them, in the rule's order."""


def claim_results(
    asked: Asked, look: Look, new_samples: Sequence[NewSamples | None]
) -> list[ClaimResult]:
    """Return the result of each claim that seeds decide: all that is reported about it."""
    medians = judge(asked.rule.by_median, look.outcomes)
    seeds = [outcome.seed for outcome in look.outcomes if outcome.state == "finished"]
    evidence = evidence_series(asked.rule, look.outcomes, look.rulings)
    worst = _worst_cases(asked, look)
    curves = target_curves(asked.rule, look)
    rows = zip(asked.rule.claims, asked.stated, look.rulings, medians, strict=True)
    return [
        ClaimResult.beside(
            stated,
            side=claim.side,
            tolerance=claim.tolerance,
            band=(finite_or_none(claim.band[0]), finite_or_none(claim.band[1])),
            runs=claim.runs,
            optimistic=stated.best_epoch_on_test,
            n=len(ruling.scores),
            mean=finite_or_none(ruling.mean),
            sd=finite_or_none(ruling.sd),
            low=finite_or_none(ruling.low),
            high=finite_or_none(ruling.high),
            level=None if ruling.is_certain else ruling.level,
            holds_within=finite_or_none(ruling.holds_within),
            verdict=ruling.verdict,
            verdict_median=median.verdict,
            statistic=asked.rule.statistic_of(claim),
            decided_at=ruling.decided_at,
            deterministic=ruling.deterministic,
            why=explain_ruling(claim, ruling, asked.rule),
            prediction=_prediction(ruling),
            place=_rank(claim, ruling),
            scores=tuple(zip(seeds, ruling.scores, strict=True)),
            intervals=tuple(
                (n, finite_or_none(low), finite_or_none(high)) for n, low, high in ruling.series
            ),
            pairing=ruling.pairing or None,
            arms=_sides(claim, i, look),
            evidence=_evidence(evidence[i]),
            collapse=_collapse(claim, ruling, seeds),
            worst_case=worst[i],
            curve=curves[i],
            about=claim.about,
            new_samples=new_samples[i] if new_samples else None,
            decision=explain_decision(
                claim, ruling, asked.rule, evidence[i], runs_unknown=stated.n == "unknown"
            ),
        )
        for i, (claim, stated, ruling, median) in enumerate(rows)
    ]


def not_judged_result(stated: Claim) -> ClaimResult:
    """Return the result of a claim that is not judged, in the form of those that are."""
    return ClaimResult.beside(
        stated,
        side="about",
        tolerance=stated.allowed,
        band=(None, None),
        runs=None,
        optimistic=stated.best_epoch_on_test,
        not_judged=stated.not_judged,
        n=0,
        mean=None,
        why=f"not judged: {stated.not_judged}",
        decision=explain_not_judged(
            describe(stated).partition("; tolerance")[0], stated.not_judged or ""
        ),
    )


def _worst_cases(asked: Asked, look: Look) -> list[WorstCase | None]:
    """Return for each claim's result the worst case of the failed seeds; None if none failed."""
    verdicts = worst_case(asked.rule, look.outcomes)
    if verdicts is None:
        return [None] * len(asked.rule.claims)
    finished = sum(outcome.state == "finished" for outcome in look.outcomes)
    failed = len(look.outcomes) - finished
    rows = zip(asked.rule.claims, look.rulings, verdicts, strict=True)
    return [
        WorstCase(
            verdict=worst,
            text=explain_worst_case(claim, ruling.verdict, worst, failed, finished),
        )
        for claim, ruling, worst in rows
    ]


def _evidence(series: EvidenceSeries | None) -> Evidence | None:
    return None if series is None else Evidence(**asdict(series))


def _collapse(claim: JudgedClaim, ruling: Ruling, seeds: Sequence[int]) -> CollapsedSeeds | None:
    """Return the collapsed seeds in a claim's result; None with too few scores."""
    found = find_collapse(claim, ruling.scores)
    if found is None:
        return None
    return CollapsedSeeds(
        seeds=tuple(seeds[i] for i in found.indices),
        of=found.of,
        upper=found.upper,
        text=explain_collapse(claim, found, seeds, ruling.sd),
    )


def _sides(claim: JudgedClaim, index: int, look: Look) -> Sides | None:
    """Return a difference's result for each side, its mean and SD; None for other claims."""
    pairs = [o.scores[index] for o in look.outcomes if o.state == "finished"]
    if not claim.has_two_sides or not pairs:
        return None
    ours, theirs = zip(*pairs, strict=True)
    return Sides(ours=_side(ours), theirs=_side(theirs))


def _side(scores: Sequence[float]) -> SideScores:
    return SideScores(mean=mean(scores), sd=stdev(scores) if len(scores) > 1 else None)


def _prediction(ruling: Ruling) -> tuple[float, float] | None:
    """Return the prediction in a claim's result: where one more run would fall."""
    if len(ruling.scores) < 2 or ruling.deterministic:
        return None
    low, high = prediction(list(ruling.scores))
    return float(low), float(high)


def _rank(claim: JudgedClaim, ruling: Ruling) -> RankAmongOurs | None:
    """Return the rank in a claim's result: where the reported number falls among our scores."""
    if not ruling.scores:
        return None
    spread = ruling.sd
    known = math.isfinite(spread) and spread > 0
    return RankAmongOurs(
        below=sum(score < claim.value for score in ruling.scores),
        above=sum(score > claim.value for score in ruling.scores),
        equal=sum(score == claim.value for score in ruling.scores),
        z=(claim.value - ruling.mean) / spread if known else None,
    )
