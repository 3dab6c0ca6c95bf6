"""Why a claim is decided as it is, or what a decision would take."""

from __future__ import annotations

import math

from papertrial.claims.choose import choose
from papertrial.claims.claim_evidence import seeds_threshold
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.labels import theta_label
from papertrial.claims.plan import seeds_needed
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling, is_inside, is_partly_inside
from papertrial.numbers import band, between, margin, number, percent

_MANY = 100_000  # seeds; larger estimates are not shown as a number


def explain_ruling(claim: JudgedClaim, ruling: Ruling, rule: Rule) -> str:
    """Explain a ruling in a sentence: why the claim is decided as it is, or what a decision takes.

    What our scores gave is rounded by their SD. The edges of the band follow from the claim alone
    and keep their digits.
    """
    if ruling.deterministic:
        return _one_value(claim, ruling, rule)
    if ruling.withdrawn:
        return (
            "it was REPRODUCED at an earlier look, but the scores have changed since: no value "
            f"agrees with all looks up to {len(ruling.scores)} seeds, so that verdict is withdrawn"
        )
    if ruling.verdict == "UNDECIDED":
        return _undecided(claim, ruling, rule)
    ours, allowed = _ours(claim, ruling, rule), band(*claim.band)
    if ruling.verdict == "REPRODUCED":
        return f"{ours}, inside the band ({allowed})"
    if claim.reference is None:
        return f"{ours}, outside the band ({allowed})"
    return (
        f"{ours}; the band is {allowed}, and {_source(claim)} of the same distribution would not "
        "be so far away"
    )


def _one_value(claim: JudgedClaim, ruling: Ruling, rule: Rule) -> str:
    """Explain the ruling on a deterministic training."""
    if not claim.is_about_new_samples:
        side = "inside" if is_inside(claim, ruling.low) else "outside"
        return (
            f"different seeds give the same weights, so one value decides: {number(ruling.low)} is "
            f"{side} the band ({band(*claim.band)})"
        )
    about = theta_label(claim, choose(claim, rule).supports)
    return (
        f"different seeds give the same weights and score {number(ruling.mean)}; the {about} is "
        f"{between(ruling.low, ruling.high)}, {_place(claim, ruling)} the band "
        f"({band(*claim.band)})"
    )


def _place(claim: JudgedClaim, ruling: Ruling) -> str:
    """Return where the interval of a ruling lies: "inside", "outside" or "partly inside"."""
    low, high = claim.band
    if low <= ruling.low and ruling.high <= high:
        return "inside"
    return "partly inside" if is_partly_inside(claim, ruling.low, ruling.high) else "outside"


def _undecided(claim: JudgedClaim, ruling: Ruling, rule: Rule) -> str:
    """Explain why a ruling is UNDECIDED."""
    if not ruling.held:
        return f"more seeds failed than the {percent(rule.max_diverged)} that the rule allows"
    if len(ruling.scores) < rule.first_look:
        return f"{len(ruling.scores)} finished seeds; the first look is after {rule.first_look}"
    so_far = f"{_ours(claim, ruling, rule)}; the band is {band(*claim.band)}"
    return "; ".join(
        filter(None, (so_far, _noise(claim, ruling), explain_cost(claim, ruling, rule)))
    )


def _ours(claim: JudgedClaim, ruling: Ruling, rule: Rule) -> str:
    """Return the part of an explanation that says what our scores gave."""
    about, n = theta_label(claim, choose(claim, rule).supports), len(ruling.scores)
    interval = between(ruling.low, ruling.high, ruling.sd)
    is_ = "may be" if ruling.low == -math.inf and ruling.high == math.inf else "is"
    empty = " (no value agrees with all looks: the scores changed over the seeds)"
    return (
        f"after {n} seeds the {about} {is_} {interval}{empty if ruling.low > ruling.high else ''}"
    )


def _source(claim: JudgedClaim) -> str:
    return "a single run" if claim.reference == 1 else f"a mean of {claim.reference} runs"


def _noise(claim: JudgedClaim, ruling: Ruling) -> str:
    """Explain an undecided ruling by the noise of the reported number; empty if it does not."""
    low, high = claim.band
    if claim.reference and (ruling.low > high or ruling.high < low):
        return f"it lies outside, but the noise of {_source(claim)} may explain the difference"
    away = claim.low - ruling.mean if ruling.mean < claim.low else ruling.mean - claim.high
    if claim.reference == 1 and away <= 2 * ruling.sd:
        return "the reported number is compatible with one run"
    return ""


def explain_cost(claim: JudgedClaim, ruling: Ruling, rule: Rule) -> str:
    """Explain about how many seeds an UNDECIDED ruling needs; empty if ours are enough."""
    width, if_ = _distance(claim, ruling.mean)
    if width == 0:
        return (
            "without a tolerance, no number of seeds can show that a number is exactly right"
            if claim.side == "about"
            else "no number of seeds can decide while the mean lies exactly on the bound"
        )
    sd = ruling.sd if rule.sd is None or rule.sd.n is not None else rule.sd.value
    if not (width > 0 and sd > 0):
        return ""
    if ruling.sample_term >= width:
        return (
            f"the choice of the test samples alone may explain {margin(ruling.sample_term)}, so "
            f"that no number of seeds can decide if {if_}; more test samples can"
        )
    statistic, level = choose(claim, rule).supports, max(ruling.levels[0], 1e-9)
    at = seeds_threshold(statistic, claim, rule, level)
    needed = seeds_needed(statistic, width - ruling.sample_term, sd, at)
    if needed <= len(ruling.scores):
        return ""
    count = f"about {needed:,}" if needed <= _MANY else f"more than {_MANY:,}"
    if claim.reach is not None and claim.reach.has_later_points and is_inside(claim, ruling.mean):
        count = f"at least {count}"  # every later point must be confirmed too
    return f"with an SD of {number(sd, sd)} between seeds, a decision takes {count} seeds if {if_}"


def _distance(claim: JudgedClaim, mean: float) -> tuple[float, str]:
    """Return the distance from the band's edge that explains the cost, and what it assumes."""
    low, high = claim.band
    if claim.side == "about":
        return (high - low) / 2, "the claim is exactly right"
    edge = low if claim.side == "at-least" else high
    return abs(mean - edge), "the mean stays where it is"
