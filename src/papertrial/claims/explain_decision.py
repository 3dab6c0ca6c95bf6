"""How a claim was decided, step by step, for a reader who knows no statistics."""

from __future__ import annotations

from papertrial.claims.decision_steps import (
    ALLOWED,
    CHANGE,
    CLAIMED,
    COUNTED,
    DECIDED,
    ENOUGH,
    INTERVAL,
    MEASURED,
    RESULT,
    Steps,
    sentence,
)
from papertrial.claims.evidence_series import EvidenceSeries
from papertrial.claims.explain_change import say_change, say_interval
from papertrial.claims.explain_claim import say_allowed, say_claimed, say_measured
from papertrial.claims.explain_evidence import say_counted, say_enough, say_missing, say_result
from papertrial.claims.explain_ruling import explain_ruling
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling, is_inside
from papertrial.numbers import as_written, number


def explain_decision(
    claim: JudgedClaim,
    ruling: Ruling,
    rule: Rule,
    series: EvidenceSeries | None,
    *,
    runs_unknown: bool = False,
) -> Steps:
    """Explain how a claim was decided: questions with their answers, in plain words.

    Args:
        claim: the claim.
        ruling: on it.
        rule: that it was decided by.
        series: its evidence; None before the first look and for a deterministic training.
        runs_unknown: whether the paper does not say how many runs are behind its number.
    """
    steps = [
        (CLAIMED, say_claimed(claim, runs_unknown=runs_unknown)),
        (ALLOWED, say_allowed(claim)),
    ]
    if ruling.deterministic:
        return (*steps, *_deterministic(claim, ruling, rule))
    steps.append((MEASURED, say_measured(claim, ruling, rule)))
    if series is None:
        text = f"{sentence(say_missing(ruling, rule))}, so the claim is UNDECIDED."
        change = f"At least {rule.first_look} finished seeds."
        return (*steps, (DECIDED, text), (CHANGE, change))
    return (
        *steps,
        (COUNTED, say_counted(claim, ruling, rule)),
        (ENOUGH, say_enough(claim, rule, series)),
        (RESULT, say_result(ruling, rule, series)),
        (INTERVAL, say_interval(claim, ruling, rule)),
        (CHANGE, say_change(claim, ruling, rule, series)),
    )


def _deterministic(claim: JudgedClaim, ruling: Ruling, rule: Rule) -> Steps:
    """Explain a ruling on a deterministic training, from what was measured on."""
    value = number(ruling.mean)
    inside = is_inside(claim, ruling.low)
    where = f"The score {value} is {'inside' if inside else 'outside'} the band"
    verdict = f"{where}: {ruling.verdict}. No test is needed, because chance plays no part in it."
    if claim.is_about_new_samples:
        where = sentence(explain_ruling(claim, ruling, rule))
        verdict = f"{where}: {ruling.verdict}."
    if ruling.verdict == "UNDECIDED" and not ruling.held:
        verdict = f"{where}, but {say_missing(ruling, rule)}: UNDECIDED."
    least = as_written(ruling.holds_within)
    change = (
        f"With a tolerance of {least} or more the claim is REPRODUCED, otherwise NOT REPRODUCED. "
        "More seeds do not change the score."
    )
    if claim.is_about_new_samples:
        change = (
            f"With a tolerance of {least} or more the claim is REPRODUCED. More seeds do not "
            "change the score; more test samples do."
        )
    return (
        (MEASURED, f"Different seeds give the same weights, bit for bit, so each scores {value}."),
        (DECIDED, verdict),
        (CHANGE, change),
    )
