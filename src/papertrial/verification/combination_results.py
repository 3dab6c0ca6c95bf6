"""What several laboratories come to: each laboratory, whether they differ, and the conclusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

from papertrial.claims.explain_without_seeds import explain_exact
from papertrial.claims.heterogeneity import Heterogeneity
from papertrial.claims.judge import is_deterministic
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import Combine, Rule
from papertrial.claims.ruling import Ruling
from papertrial.claims.run_trial import Look
from papertrial.errors import RunError
from papertrial.judging.conclusion import Conclusion
from papertrial.numbers import band, between, percent, sequence
from papertrial.recipe.claim_words import describe
from papertrial.recipe.claims import Claim
from papertrial.record import finite_or_none
from papertrial.store.laboratory_records import LabDifference, LaboratoryLine, LabScores
from papertrial.store.report_record import ClaimResult, ExactResult
from papertrial.verification.laboratory import Laboratory

_LARGEST = 1e6  # evidence above it is not distinguished
_UNIT = {
    "own-sd": "the product of the laboratories' evidence",
    "lab-means": "the means of the laboratories",
}


def laboratory_line(name: str, lab: Laboratory) -> LaboratoryLine:
    """Return what combination.json and the report say about one laboratory."""
    state = lab.state
    return LaboratoryLine(
        name=name,
        folder=str(lab.path),
        preregistration=lab.sha256,
        registered=lab.registered.registered.isoformat(timespec="milliseconds"),
        state="not started" if state is None else state.state,
        registered_seeds=lab.rule.seeds,
        seeds=tuple(outcome.seed for outcome in lab.outcomes),
        failed=sum(outcome.state != "finished" for outcome in lab.outcomes),
        device=lab.registered.device,
        hardware=lab.hardware(),
        threads=lab.registered.threads,
        host=None if state is None else state.host,
        verdict=lab.verdict,
        scores=tuple(
            LabScores(
                n=len(ruling.scores),
                mean=finite_or_none(ruling.mean),
                sd=finite_or_none(ruling.sd),
                low=finite_or_none(ruling.low),
                high=finite_or_none(ruling.high),
                verdict=ruling.verdict,
            )
            for ruling in lab.look.rulings
        ),
    )


def difference_record(found: Heterogeneity) -> LabDifference:
    """Return what combination.json says about a difference between laboratories."""
    return LabDifference(
        evidence=min(found.e, _LARGEST), needed=found.needed, found=found.found, text=found.text
    )


def exact_results(labs: Sequence[Laboratory], stated: Sequence[Claim]) -> list[ExactResult]:
    """Return the results of exact claims, as the laboratories counted them.

    Raises:
        RunError: no laboratory has counted, or they counted other numbers.
    """
    if not stated:
        return []
    counted = [lab for lab in labs if lab.is_finished]
    if not counted:
        raise RunError(
            "no laboratory has finished, so the exact claims are not counted yet; resume one with "
            "`papertrial verify`"
        )
    first, *others = counted
    for lab in others:
        for mine, theirs in zip(first.exact, lab.exact, strict=False):
            if mine.mean != theirs.mean:
                raise RunError(
                    f"{first.path} counted {mine.mean} {mine.metric}, {lab.path} {theirs.mean}; "
                    "they did not train the same"
                )
    results = []
    for claim, line in zip(stated, first.exact, strict=True):
        low, high = claim.printed_interval
        assert line.mean is not None, "a count"
        assert line.verdict is not None, "decided"
        ours = round(line.mean)
        steps = explain_exact(describe(claim), low, high, ours, line.verdict)
        results.append(ExactResult.of(claim, ours, line.verdict, line.why, steps))
    return results


def with_laboratories(
    conclusion: Conclusion,
    labs: Sequence[Laboratory],
    rule: Rule,
    look: Look,
    combine: Combine,
    marks: Sequence[str],
) -> Conclusion:
    """Return a conclusion that says that it is that of several laboratories.

    Args:
        conclusion: on all seeds.
        labs: the laboratories.
        rule: with all seeds.
        look: at all seeds.
        combine: how the laboratories were combined.
        marks: sentences that the headline needs, such as that one laboratory is missing.
    """
    count = f"{len(labs)} laboratories"
    sentence = " ".join([conclusion.headline, f"The seeds are those of {count}.", *marks])
    finished = [outcome for outcome in look.outcomes if outcome.state == "finished"]
    if combine == "same-setup" or is_deterministic(finished):
        return replace(conclusion, headline=sentence)
    rows = list(zip(rule.claims, look.rulings, strict=True))
    claims = [
        _by_laboratories(result, *rows[i], labs, i, combine) if i < len(rows) else result
        for i, result in enumerate(conclusion.claims)
    ]
    return replace(conclusion, headline=sentence, claims=tuple(claims))


def _by_laboratories(
    result: ClaimResult,
    claim: JudgedClaim,
    ruling: Ruling,
    labs: Sequence[Laboratory],
    index: int,
    combine: Combine,
) -> ClaimResult:
    """Return a result without what describes one sequence of seeds, which did not decide it."""
    units = [lab.look.rulings[index].mean for lab in labs if lab.look.rulings[index].scores]
    why = _why(claim, ruling, combine, len(labs))
    changed: dict[str, object] = {
        "why": why,
        "verdict_median": None,
        "worst_case": None,
        "evidence": None,
        "intervals": (),
        "prediction": None,
        "decision": (
            ("How are the laboratories combined?", f"By {_UNIT[combine]}, as registered."),
            ("What is the verdict?", f"{ruling.verdict}: {why}."),
        ),
    }
    if combine == "lab-means" and units:
        changed["mean"] = mean(units)
    return result.model_copy(update=changed)


def _why(claim: JudgedClaim, ruling: Ruling, combine: Combine, labs: int) -> str:
    """Return the reason of a verdict that products or means of laboratories gave."""
    if not ruling.held:
        return "more seeds failed than the rule allows"
    if ruling.withdrawn:
        return f"{_UNIT[combine]} leaves no value: the {labs} laboratories contradict each other"
    places = {"REPRODUCED": "inside", "NOT REPRODUCED": "outside", "UNDECIDED": "partly inside"}
    interval = between(ruling.low, ruling.high, ruling.sd)
    return (
        f"by {_UNIT[combine]} ({labs}) it is {interval}, {places[ruling.verdict]} the band "
        f"({band(*claim.band)}); each side errs at most {percent(ruling.level)}"
    )


def marks_on(labs: Sequence[Laboratory], of: int, without: Sequence[int]) -> list[str]:
    """Return the sentences by which a headline marks how laboratories were registered."""
    if all(lab.part is None for lab in labs):
        return ["They were not registered together."]
    if not without:
        return []
    is_ = "is" if len(without) == 1 else "are"
    return [f"Laboratory {sequence(without)} of {of} {is_} left out."]
