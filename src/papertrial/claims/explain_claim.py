"""What was claimed, what counts as the same, and what was measured, in plain words."""

from __future__ import annotations

from papertrial.claims.decision_steps import sentence
from papertrial.claims.error_words import taken_as_given
from papertrial.claims.explain_target import explain_target, measured_of
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.labels import score_label
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling
from papertrial.numbers import as_written, band, number, plural


def say_claimed(claim: JudgedClaim, *, runs_unknown: bool) -> str:
    """Return what was claimed. `runs_unknown`: the paper does not say how many runs it is of."""
    if claim.reach is not None:
        return explain_target(claim, claim.reach)
    score, value = score_label(claim), as_written(claim.value)
    chosen = " It is from the epoch that was best on the test split." * claim.best_epoch_on_test
    if claim.is_about_new_samples:
        chosen += (
            " It is claimed for new test samples of the same kind, not only for this test set."
        )
    if claim.kind == "better":
        name = claim.score_name
        side = "above" if claim.side == "at-least" else "below"
        return (
            f"The {name} is better on our side than on the other: the {score} is {side} 0.{chosen}"
        )
    if claim.side != "about":
        said = f"The {score} is {claim.side.replace('-', ' ')} {value}."
    elif claim.best_of:
        said = f"The best of {plural(claim.best_of, 'run')} has a {score} of {value}."
    elif claim.kind == "single-run":
        said = f"A single run has a {score} of {value}."
    elif runs_unknown:
        said = f"The mean {score} is {value}; the paper does not say how many runs: counted as one."
    elif claim.reference:
        said = f"The mean {score} of {plural(claim.reference, 'run')} is {value}."
    else:
        said = f"The expected {score}, the mean over very many runs, is {value}."
    return f"{said}{chosen}"


def say_allowed(claim: JudgedClaim) -> str:
    """Return what counts as the same number."""
    if claim.kind == "better":
        return f"{sentence(band(*claim.band))}: any gain, however small. This is the band."
    if claim.reach is not None:
        return f"{sentence(band(*claim.band))}. These numbers are the band of the claim."
    widths = [f"the tolerance is {as_written(claim.tolerance)}"] * claim.has_tolerance
    if claim.low != claim.high:
        widths.append(f"the printed digits may stand for {band(claim.low, claim.high)}")
    width = f": {', and '.join(widths)}" * bool(widths)
    return f"{sentence(band(*claim.band))}{width}. These numbers are the band of the claim."


def say_measured(claim: JudgedClaim, ruling: Ruling, rule: Rule) -> str:
    """Return what our seeds gave."""
    n = len(ruling.scores)
    if n == 0:
        return "No seed finished, so there is no score."
    what = "difference" if claim.has_two_sides else "score"
    if claim.reach is not None:
        what = measured_of(claim.reach)
    where = " on both sides" if claim.has_two_sides else ""
    trained = f"{plural(n, 'seed')} finished{where}"
    if n == 1:
        return f"{trained}: the {what} is {number(ruling.mean)}."
    middle = f"the mean {what} is {number(ruling.mean, ruling.sd)}"
    if rule.statistic_of(claim) == "median":
        middle = f"the median {what} is {number(ruling.median, ruling.sd)}, {middle}"
    given = taken_as_given(rule.sd)
    return (
        f"{trained}: {middle}, and the standard deviation (SD), which says how much seeds differ, "
        f"is {number(ruling.sd, ruling.sd)}.{f' {sentence(given)}.' if given else ''}"
    )
