"""Descriptions of claims in words."""

from __future__ import annotations

from papertrial.recipe.claims import Claim
from papertrial.vocabulary import score_name


def describe(claim: Claim) -> str:
    """Describe a claim in words: metric, value, number of runs and tolerance."""
    side = claim.judged_side
    split = None if claim.metric == "parameters" else claim.split
    name = score_name(split, claim.metric)
    if claim.kind == "better":
        marked = ", the best epoch on the test split" if claim.best_epoch_on_test else ""
        marked += on_new_samples(claim)
        return f"{name} better on our side, {versus_of(claim)}{marked}"
    if claim.by is not None:
        seeds = " in at least half of the seeds" if claim.reading == "each-seed" else ""
        when = f"by {claim.by.unit} {claim.by.point:,}"
        return f"{name} reaches {claim.number:g} {when}{seeds}"
    bound = "" if side == "about" else side.replace("-", " ") + " "
    many = "an unknown number of" if isinstance(claim.n, str) else claim.n
    runs = {
        "single-run": ", a single run",
        "best-of": f", the best of {many} runs",
        "mean": f", the mean of {many} runs",
        "expected": ", the expected score",
        "difference": f", means of {many} runs" if claim.n else "",
    }.get(claim.kind, "")
    again = claim.printed is None or claim.printed == f"{claim.number:g}"
    printed = "" if again else f" (printed: {claim.printed})"
    marked = ", the best epoch on the test split" if claim.best_epoch_on_test else ""
    marked += on_new_samples(claim)
    tolerance = f"; tolerance {claim.allowed:g}" if claim.kind != "exact" else ""
    if claim.kind == "difference":
        name = f"difference in {name}, {versus_of(claim)},"
    number = f"{claim.number:,.0f}" if claim.kind == "exact" else f"{claim.number:g}"
    return f"{name} {bound}{number}{printed}{runs}{marked}{tolerance}"


def on_new_samples(claim: Claim) -> str:
    """Return the words that mark a claim on new samples; "" for other claims."""
    return ", on new samples of the same kind" if claim.about == "new-samples" else ""


def versus_of(claim: Claim) -> str:
    """Describe the two sides of a claimed difference in words; "" for other claims."""
    if claim.versus is None:
        return ""
    with_ = f" with {', '.join(claim.versus.overrides)}" if claim.versus.set else ""
    apart = ", not paired" if claim.pairing == "none" else ""
    return f"ours minus {claim.versus.recipe or 'this recipe'}{with_}{apart}"
