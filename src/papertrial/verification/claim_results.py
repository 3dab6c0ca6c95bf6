"""What the scores say about each claim, as it is printed, stored and reported."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev

from papertrial.claims.collapse import explain_collapse, find_collapse
from papertrial.claims.evidence_series import EvidenceSeries, evidence_series
from papertrial.claims.explain_decision import explain_decision
from papertrial.claims.explain_ruling import explain_ruling
from papertrial.claims.explain_without_seeds import explain_exact, explain_not_judged
from papertrial.claims.failed_seeds import explain_worst_case, worst_case
from papertrial.claims.headline import headline
from papertrial.claims.intervals import prediction
from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.labels import label
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling
from papertrial.claims.run_trial import Look
from papertrial.claims.verdict import Verdict, overall
from papertrial.data.files.data_folder import data_folder
from papertrial.errors import ClaimError
from papertrial.numbers import as_written, between, number
from papertrial.progress import Step
from papertrial.recipe.claim_words import describe
from papertrial.recipe.claims import Claim
from papertrial.recipe.load import require_model
from papertrial.recipe.schema import AnyRecipe
from papertrial.record import finite_or_none
from papertrial.runs import prepare
from papertrial.store.new_samples import NewSamples
from papertrial.store.report_record import (
    ClaimResult,
    CollapsedSeeds,
    Evidence,
    ExactResult,
    RankAmongOurs,
    Sides,
    SideScores,
    WorstCase,
)
from papertrial.store.verification_records import ClaimLine, EarlierLook
from papertrial.training.device import on_device
from papertrial.verification.looks_in_words import headline_on_looks, looks_at
from papertrial.verification.registration import Registration
from papertrial.verification.target_curves import target_curves


@dataclass(frozen=True)
class Conclusion:
    """What a verification comes to.

    Attributes:
        verdict: on all claims together.
        headline: the sentence that says so.
        claims: the claims that seeds decide, then those that are not judged.
        exact: the claims that were counted.
        earlier: earlier looks at the seeds that the verdict rests on.
    """

    verdict: Verdict
    headline: str
    claims: tuple[ClaimResult, ...]
    exact: tuple[ExactResult, ...]
    earlier: tuple[EarlierLook, ...] = ()

    @property
    def lines(self) -> tuple[ClaimLine, ...]:
        """A line for each claim, with those that are not judged at the end."""
        judged = [claim for claim in self.claims if claim.not_judged is None]
        others = [claim for claim in self.claims if claim.not_judged is not None]
        return (*map(_line, judged), *map(_exact_line, self.exact), *map(_line, others))


def count_exact(
    recipe: AnyRecipe, claims: Sequence[Claim], data: str | Path | None
) -> Generator[Step, None, list[ExactResult]]:
    """Return the results of exact claims: parameters and samples, counted without training.

    A number that is printed in short, 0.27M, equals every number that it may stand for.

    Raises:
        ClaimError: a claim is about a split that does not exist.
    """
    if not claims:
        return []
    with on_device("cpu", 1) as device:
        parts = yield from prepare.prepare(require_model(recipe), data_folder(data), device)
    results = []
    splits = parts.samples.dataset.splits
    for claim in claims:
        if claim.metric == "samples" and claim.split not in splits:
            rule = f"claims: there is no {claim.split} split to count the samples of"
            raise ClaimError(f"{rule}; the data have {', '.join(splits)}")
        ours = (
            len(splits[claim.split])
            if claim.metric == "samples"
            else sum(p.numel() for p in parts.train.model.parameters())
        )
        low, high = claim.printed_interval
        verdict: Verdict = "REPRODUCED" if low <= ours <= high else "NOT REPRODUCED"
        why = f"counted without training: {ours:,}"
        steps = explain_exact(describe(claim), low, high, ours, verdict)
        results.append(ExactResult.of(claim, ours, verdict, why, steps))
    return results


def progress_lines(asked: Registration, look: Look) -> list[str]:
    """Return a line for each claim with its result so far, to show while seeds are running."""
    lines = []
    several = len(asked.rule.claims) > 1
    for i, (claim, ruling) in enumerate(zip(asked.rule.claims, look.rulings, strict=True), 1):
        side = {"at-least": "at least ", "at-most": "at most "}.get(claim.side, "")
        best = f", best of {claim.best_of}" if claim.best_of else ""
        value = f"{side}{as_written(claim.value)}{best}"
        text = f"{f'claim {i}, ' if several else ''}{label(claim)}: {value} reported; ours "
        if ruling.scores:
            middle = ruling.median if asked.rule.statistic_of(claim) == "median" else ruling.mean
            text += number(middle, ruling.sd)
            sd = number(ruling.sd, ruling.sd)
            text += f" (SD {sd}, n = {len(ruling.scores)})" if len(ruling.scores) > 1 else ""
            if math.isfinite(ruling.low) and math.isfinite(ruling.high):
                what = f" of the best of {claim.best_of}" if claim.best_of else ""
                what += " on new test samples" if claim.is_about_new_samples else ""
                text += f", interval{what} {between(ruling.low, ruling.high, ruling.sd)}"
        else:
            text += "not known yet"
        lines.append(f"{text}: {_so_far(ruling, asked.rule)}")
    return lines


def _so_far(ruling: Ruling, rule: Rule) -> str:
    """Return the verdict after a look; before the first look nothing is decided."""
    if ruling.verdict == "UNDECIDED" and len(ruling.scores) < rule.first_look:
        return f"no look yet, the first is after {rule.first_look} finished seeds"
    return ruling.verdict


def conclude(
    recipe: AnyRecipe,
    asked: Registration,
    look: Look,
    exact: Sequence[ExactResult],
    earlier: Sequence[EarlierLook] = (),
    new_samples: Sequence[NewSamples | None] = (),
) -> Conclusion:
    """Return the conclusion of a verification: the verdict and the results of all claims.

    Claims that are not judged do not count for the verdict.

    Args:
        recipe: what was verified.
        asked: what was registered.
        look: the last one.
        exact: the claims that were counted.
        earlier: other verifications that trained registered seeds. The verdict does not change with
            them, but its bound does.
        new_samples: for each claim that seeds decide, our score on new samples; () if unknown.
    """
    judged = claim_results(asked, look, new_samples)
    verdicts = [*(claim.verdict for claim in judged), *(claim.verdict for claim in exact)]
    verdict = overall([one for one in verdicts if one is not None])
    seeds = sum(outcome.state == "finished" for outcome in look.outcomes)
    certain = all(ruling.is_certain for ruling in look.rulings)
    sentence = headline(
        recipe.name,
        verdict,
        len(verdicts),
        seeds,
        recipe.deviations,
        tolerances=[one.tolerance for one in asked.rule.claims if one.has_tolerance],
        alpha=None if certain else asked.rule.alpha,
    )
    if asked.not_judged:
        count = len(asked.not_judged)
        is_ = "is" if count == 1 else "are"
        sentence += f" {count} of its {len(verdicts) + count} claims {is_} not judged."
    looks = looks_at([outcome.seed for outcome in look.outcomes], earlier)
    if not certain:  # else chance plays no part
        sentence += f" {headline_on_looks(looks, asked.rule.alpha)}".rstrip()
    others = map(_not_judged_result, asked.not_judged)
    return Conclusion(verdict, sentence, (*judged, *others), tuple(exact), looks)


def _line(result: ClaimResult) -> ClaimLine:
    return ClaimLine(**{name: getattr(result, name) for name in ClaimLine.model_fields})


def _exact_line(result: ExactResult) -> ClaimLine:
    return ClaimLine(
        metric=result.metric,
        split=result.split,
        kind="exact",
        value=result.value,
        tolerance=0.0,
        n=0,
        mean=result.ours,
        sd=None,
        low=None,
        high=None,
        holds_within=None,
        verdict=result.verdict,
        why=result.why,
        verdict_median=None,
        decided_at=None,
    )


def claim_results(
    asked: Registration, look: Look, new_samples: Sequence[NewSamples | None]
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


def _not_judged_result(stated: Claim) -> ClaimResult:
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


def _worst_cases(asked: Registration, look: Look) -> list[WorstCase | None]:
    """Return for each claim's result the worst case of the failed seeds; None if none failed."""
    verdicts = worst_case(asked.rule, look.outcomes)
    if verdicts is None:
        return [None] * len(asked.rule.claims)
    failed = sum(outcome.state != "finished" for outcome in look.outcomes)
    rows = zip(asked.rule.claims, look.rulings, verdicts, strict=True)
    return [
        WorstCase(verdict=worst, text=explain_worst_case(claim, ruling.verdict, worst, failed))
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
