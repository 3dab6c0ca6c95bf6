"""Claims on the scores of a program: they name its scores, which say unit and direction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from papertrial.errors import did_you_mean
from papertrial.recipe.plain_values import list_at, value_at
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.raw_claim import Broken, RawClaim

_HUNDRED = (50.0, 200.0)  # the ratio of a percentage and a fraction that say the same
_DIRECTED = ("better", "reaches")  # kinds that need to know which values are better


def complete_program_claims(tree: Mapping[str, object]) -> None:
    """Add to the claims on a program, in place, what its scores say: unit, direction, no split.

    What a claim says itself is left as it is; `program_claim_problems` compares both.
    """
    if "program" not in tree:
        return
    for claim in list_at(tree, "claims"):
        metric = value_at(claim, "metric")
        if not isinstance(claim, dict) or not isinstance(metric, str):
            continue
        score = score_of(tree, metric)
        if claim.get("split") is None:
            claim["split"] = "none"
        if score is None:
            continue
        for key, said in (("unit", unit_of(score)), ("better", score.get("better"))):
            if claim.get(key) is None and said is not None:
                claim[key] = said


def score_of(tree: Mapping[str, object], metric: str) -> Mapping[str, object] | None:
    """Return the score of a program's plain recipe that a claim names; None if it has none."""
    scores = value_at(tree, "program.scores")
    score = scores.get(metric) if isinstance(scores, Mapping) else None
    return score if isinstance(score, Mapping) else None


def unit_of(score: Mapping[str, object]) -> object:
    """Return the unit of the scores that are read: percent are converted to fractions."""
    unit = score.get("unit")
    return "fraction" if unit == "percent" else unit


def claimed_in_hundreds(recipe: ProgramRecipe, metric: str, score: float) -> float | None:
    """Return a claimed value that a score is about 100 times, or a 100th of; None without one.

    One of the two is then probably in percent, and the other one a fraction.
    """
    for claim in recipe.claims:
        value = claim.value
        if claim.metric != metric or not isinstance(value, float) or claim.versus is not None:
            continue
        least, most = sorted((abs(score), abs(value)))
        if least and _HUNDRED[0] <= most / least <= _HUNDRED[1]:
            return value
    return None


def program_claim_problems(tree: Mapping[str, object], claim: RawClaim) -> Iterator[Broken]:
    """Yield (key, message) for each rule for a program's claims that a claim breaks."""
    scores = value_at(tree, "program.scores")
    score = score_of(tree, claim.metric)
    if score is None:
        known = tuple(map(str, scores)) if isinstance(scores, Mapping) else ()
        having = f"; it has {', '.join(known)}" if known else ""
        hint = did_you_mean(claim.metric, known) or having
        yield "metric", f"program.scores has no {claim.metric}{hint}, got {claim.metric!r}"
        return
    for key, said in (("unit", unit_of(score)), ("better", score.get("better"))):
        given = getattr(claim, key)
        if None not in (given, said) and given != said:
            where = f"program.scores.{claim.metric}.{key}"
            yield key, f"contradicts {where}, which is {score.get(key)}; got {given}"
    if claim.split != "none":
        yield "split", "is not for the score of a program, which says it by its name; remove it"
    if claim.kind == "exact":
        yield "kind", "exact is only for the parameters and samples of a model; use kind: expected"
    if claim.kind in _DIRECTED and claim.facts.direction is None:
        where = f"program.scores.{claim.metric}.better"
        yield "kind", f"{claim.kind} needs to know which values are better; set {where}"
    if claim.best_epoch_on_test is True:
        where = f"program.scores.{claim.metric}"
        yield "best_epoch_on_test", f"is not for programs; set which: best in {where}"
    if claim.about == "new-samples":
        yield (
            "about",
            "new-samples needs the prediction for each sample, which a program does not give; "
            "remove it",
        )
    if claim.samples is not None and not claim.facts.is_fraction:
        rule = "is for shares of the samples, such as an accuracy"
        yield "samples", f"{rule}; {claim.metric} is not a fraction: remove it"


def training_claim_problems(claim: RawClaim) -> Iterator[Broken]:
    """Yield (key, message) for each key of a trained recipe's claim that is for programs only."""
    if claim.samples is not None:
        yield "samples", "is only for the scores of programs; the size of the split is known"
    if claim.split == "none":
        yield "split", "none is only for the scores of programs; use test, validation or train"
