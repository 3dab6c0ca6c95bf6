"""Where our number lies, and what would have changed the verdict, in plain words."""

from __future__ import annotations

import math

from papertrial.claims.choose import choose
from papertrial.claims.decision_steps import sentence
from papertrial.claims.error_words import valid_scores
from papertrial.claims.evidence_series import EvidenceSeries
from papertrial.claims.explain_ruling import explain_cost
from papertrial.claims.explain_target import other_targets
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.labels import theta_label
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling
from papertrial.numbers import between, margin, percent
from papertrial.vocabulary import least_value


def say_interval(claim: JudgedClaim, ruling: Ruling, rule: Rule) -> str:
    """Return where our number lies, and how often that is wrong."""
    about = theta_label(claim, choose(claim, rule).supports)
    if ruling.low > ruling.high:
        return (
            f"No {about} agrees with the scores at all looks: they changed in the course of the "
            "seeds."
        )
    if math.isinf(ruling.low) and math.isinf(ruling.high):
        return f"The scores do not yet limit the {about} on either side."
    low, high = claim.band
    inside = low <= ruling.low and ruling.high <= high
    outside = ruling.high < low or ruling.low > high
    where = "inside" if inside else "outside" if outside else "partly inside"
    return (
        f"The {about} is {between(ruling.low, ruling.high, ruling.sd)}, {where} the band. For "
        f"{valid_scores(rule, claim)}, each side of this interval is wrong with a probability of "
        f"at most {percent(ruling.level)}.{_beyond_the_metric(claim, ruling)}"
        f"{_without_width(ruling)}"
    )


def _without_width(ruling: Ruling) -> str:
    """Return what an interval without a width means; "" if it has one."""
    if ruling.low < ruling.high or len({*ruling.scores}) > 1:
        return ""
    return (
        " All scores are equal, and no step of this metric is known, so their SD is taken as 0 and "
        "the interval has no width: it does not allow for differences that rounding may hide."
    )


def _beyond_the_metric(claim: JudgedClaim, ruling: Ruling) -> str:
    """Return why an interval has values that the metric cannot have; "" if it has none.

    An interval may be intersected with the possible values. But then it could lie inside a band
    that the test, which knows no bounds, has not confirmed.
    """
    facts = claim.facts
    if not facts.is_fraction:
        return ""
    least, most = least_value(claim.metric) if facts.is_known else -math.inf, 1.0
    if claim.has_two_sides:
        least, most = least - most, most - least
    ends = [end for end in (ruling.low, ruling.high) if math.isfinite(end)]
    possible = all(least <= score <= most for score in ruling.scores)
    if not possible or all(least <= end <= most for end in ends):
        return ""
    side = f"above {most:g}" if any(end > most for end in ends) else f"below {least:g}"
    return (
        f" The test takes scores as normal, without bounds, so the interval can reach {side}. It "
        "is not cut there, so that it lies inside the band exactly when the claim is REPRODUCED."
    )


def say_change(claim: JudgedClaim, ruling: Ruling, rule: Rule, series: EvidenceSeries) -> str:
    """Return which tolerances, and how many seeds, would have given another verdict."""
    has_tolerance = claim.reach is None and claim.has_tolerance
    texts = [_tolerances(ruling, series) if has_tolerance else other_targets(claim, ruling)]
    if ruling.withdrawn:
        texts.append("More of these seeds do not change the verdict.")
    elif ruling.verdict == "UNDECIDED":
        if not ruling.held:
            allowed = percent(rule.max_diverged)
            texts.append(f"At most {allowed} of the seeds may fail for a claim to be decided.")
        cost = explain_cost(claim, ruling, rule)
        if cost:
            texts.append(f"{sentence(cost)}; there are {len(ruling.scores)}.")
    return " ".join(texts)


def _tolerances(ruling: Ruling, series: EvidenceSeries) -> str:
    """Return a sentence on the verdicts that other tolerances would have given on these scores."""
    within, against = ruling.holds_within, series.refuted_within
    if within == 0:
        return "On these scores, the claim is REPRODUCED with every tolerance, even with 0."
    least, most = margin(within, ruling.sd), margin(against, ruling.sd, "down")
    if math.isinf(within):
        if against is None:
            return "On these scores, no tolerance decides the claim."
        return (
            f"On these scores, the claim is NOT REPRODUCED with a tolerance of less than {most}, "
            "and UNDECIDED with more."
        )
    if against is None:
        return (
            f"On these scores, the claim is REPRODUCED with a tolerance of {least} or more, and "
            "UNDECIDED with less."
        )
    return (
        f"On these scores, the claim is REPRODUCED with a tolerance of {least} or more, NOT "
        f"REPRODUCED with less than {most}, and UNDECIDED in between."
    )
