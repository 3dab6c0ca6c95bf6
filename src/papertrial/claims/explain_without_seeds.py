"""How a claim was decided without a test: by counting, or not at all."""

from __future__ import annotations

from papertrial.claims.decision_steps import (
    ALLOWED,
    CHANGE,
    CLAIMED,
    DECIDED,
    MEASURED,
    Steps,
    sentence,
)
from papertrial.claims.verdict import Verdict
from papertrial.numbers import whole


def explain_exact(what: str, low: float, high: float, ours: float, verdict: Verdict) -> Steps:
    """Explain how an exact claim was decided: a count is compared, without training.

    Args:
        what: the claim in words: "parameters: 4,810".
        low, high: the counts that the reported number may stand for.
        ours: our count.
        verdict: on it.
    """
    exactly = low == high
    allowed = (
        f"Exactly {whole(low)}."
        if exactly
        else f"{whole(low)} to {whole(high)}: every number that the printed digits may stand for."
    )
    inside = "equals it" if exactly else "is one of them"
    outside = "is another number" if exactly else "is outside"
    result = f"Our count {inside if low <= ours <= high else outside}: {verdict}."
    return (
        (CLAIMED, f"{sentence(what)}."),
        (ALLOWED, allowed),
        (MEASURED, f"Counted without training: {whole(ours)}. Chance plays no part in it."),
        (DECIDED, result),
        (CHANGE, "Only another count: there is no tolerance, and seeds do not change it."),
    )


def explain_not_judged(what: str, reason: str) -> Steps:
    """Explain why a claim is not judged.

    Args:
        what: the claim in words.
        reason: why it is not judged.
    """
    return (
        (CLAIMED, f"{sentence(what)}."),
        (DECIDED, f"Not judged: {reason.rstrip('.')}. The claim has no verdict."),
        (CHANGE, "A verification with the setting that the claim is about."),
    )
