"""Rules for the section `verify`: enough seeds, all drawn seeds, and an SD that fits the claims."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal

from papertrial.claims.rule import FIRST_LOOK, FIRST_LOOK_OF_KNOWN_SD, MOST_FIXED
from papertrial.recipe.plain_values import is_whole_number, list_at, value_at
from papertrial.recipe.quantity import points_readings, width_of
from papertrial.recipe.raw_claim import Broken, RawClaim, converted, raw_claims, without_unit
from papertrial.vocabulary import Metric, score_name

_ROUNDED = 0.05  # relative; a converted standard error has few digits
_WITHOUT_SCORES = ("known", "bound")
_OWN_TEST = ("best-of", "difference", "better")  # kinds whose test needs the SD of our scores


def broken_verify(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Yield (key path, message) for each rule that `verify` in the plain `tree` breaks.

    Values of the wrong type are skipped: the schema reports them.
    """
    yield from _horizon_problems(tree)
    yield from _drawn_seeds_problems(tree)
    yield from _too_few_seeds(tree)
    yield from _unpaired_medians(tree)
    yield from _no_such_laboratory(tree)
    if isinstance(value_at(tree, "verify.sd"), Mapping):
        yield from _sd_problems(tree)


def _horizon_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Report the broken rule that a fixed horizon has at most as many seeds as can be simulated."""
    most = value_at(tree, "verify.max_seeds")
    if value_at(tree, "verify.horizon") != "fixed":
        return
    if isinstance(most, int) and most > MOST_FIXED:
        rule = f"must be at most {MOST_FIXED} with horizon: fixed, got {most}"
        yield "verify.max_seeds", f"{rule}; for more seeds, set verify.horizon: anytime"


def _drawn_seeds_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Report the broken rule that all drawn seeds may be used: a choice of them would be a pick."""
    most, count = value_at(tree, "verify.max_seeds"), value_at(tree, "verify.seeds.count")
    if is_whole_number(most, 1) and is_whole_number(count, 1) and most != count:
        rule = f"must be verify.seeds.count, {count}, because the seeds are drawn; got {most}"
        yield "verify.max_seeds", f"{rule}; omit it, or change verify.seeds.count"


def _no_such_laboratory(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Report the broken rule that a laboratory is one of those that are registered."""
    number, of = (value_at(tree, f"verify.labs.part.{key}") for key in ("number", "of"))
    if is_whole_number(number, 1) and is_whole_number(of, 2) and number > of:
        rule = f"must be at most verify.labs.part.of, {of}, got {number}"
        yield "verify.labs.part.number", f"{rule}; use the file that `papertrial register` wrote"


def _unpaired_medians(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Report the broken rule that the median of differences is one of pairs."""
    if value_at(tree, "verify.statistic") != "median":
        return
    for index, claim in enumerate(list_at(tree, "claims")):
        if value_at(claim, "pairing") == "none":
            rule = "none does not apply to verify.statistic: median, whose test compares two sides"
            yield f"claims.{index}.pairing", f"{rule} seed by seed; remove one of the two"


def _too_few_seeds(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Report the broken rule that the seeds reach the first look."""
    if value_at(tree, "verify.sd.is") in _WITHOUT_SCORES:
        return  # the schema has the least number
    seeds = value_at(tree, "verify.seeds")
    drawn = value_at(seeds, "count")
    counts = {
        # Of drawn seeds, the maximum is their number.
        "verify.max_seeds": value_at(tree, "verify.max_seeds") if drawn is None else None,
        "verify.seeds": len(seeds) if isinstance(seeds, list | tuple) else None,
        "verify.seeds.count": drawn,
    }
    for key, count in counts.items():
        if is_whole_number(count, FIRST_LOOK_OF_KNOWN_SD) and count < FIRST_LOOK:
            what = f"{count} seeds" if key == "verify.seeds" else str(count)
            yield (
                key,
                f"must be at least {FIRST_LOOK}, because fewer scores cannot decide with at most "
                f"5 % errors unless verify.sd is known or a bound; got {what}",
            )


def _sd_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Report an SD between seeds that contradicts itself, or that a claim has no use for."""
    meaning, n = value_at(tree, "verify.sd.is"), value_at(tree, "verify.sd.n")
    if meaning == "paper" and n is None:
        yield "verify.sd.n", "is missing: give the number of the paper's runs, at least 2"
    if meaning in _WITHOUT_SCORES and n is not None:
        rule = f"is only for is: paper, got is: {meaning}"
        yield "verify.sd.n", f"{rule}; remove it, or use is: paper, which is estimated from n runs"
    if value_at(tree, "verify.statistic") == "median":
        yield "verify.sd", "does not apply to statistic: median, whose test needs no SD; remove it"
    found = raw_claims(tree)
    claims = {
        index: claim
        for index, claim in enumerate(found)
        if claim is not None and claim.not_judged is None and claim.kind != "exact"
    }
    scores = {
        (claim.metric, claim.split) for claim in claims.values() if isinstance(claim.split, str)
    }
    if len(scores) > 1:
        names = ", ".join(sorted(score_name(split, metric) for metric, split in scores))
        yield "verify.sd", f"is one number, but the claims are about {names}; verify them apart"
    for index, claim in claims.items():
        if claim.kind in _OWN_TEST:
            rule = f"does not apply to claims.{index}, kind: {claim.kind}"
            yield "verify.sd", f"{rule}, whose test needs the SD of our own scores; remove it"
        elif claim.kind == "reaches" and (meaning == "paper" or claim.reading == "each-seed"):
            rule = f"does not apply to claims.{index}, kind: reaches"
            why = (
                "the SD of a paper is that of one step"
                if meaning == "paper"
                else ("reading: each-seed counts the seeds that stay on the good side")
            )
            yield "verify.sd", f"{rule}, because {why}; remove it"
    if len(scores) == 1:
        yield from _sd_value_problems(value_at(tree, "verify.sd.value"), claims)
        yield from _sd_of_paper_problems(tree, claims)


def _sd_value_problems(value: object, claims: Mapping[int, RawClaim]) -> Iterator[Broken]:
    """Report an SD of 0, or in a unit that does not suit the claims' metric."""
    claim = next(iter(claims.values()))
    bare = without_unit(value)
    needed = [(i, key) for i, one in claims.items() for key in one.percentages]
    if needed and bare is not None and bare > 0:
        place = "claims.{}.{}".format(*needed[0])
        rule = f"needs a unit because {place} is in percent or points"
        yield "verify.sd.value", f"{rule}; write {points_readings(bare)}, got {value}"
        return
    try:
        number = _width(value, claim.facts)
    except ValueError as error:
        yield "verify.sd.value", str(error)
        return
    if number == 0:
        yield "verify.sd.value", "must be positive: with an SD of 0 every seed would score the same"


def _width(given: object, metric: Metric) -> Decimal | None:
    """Convert an SD that a rule compares; None for anything that the schema rejects."""
    return converted(given, lambda width: width_of(width, metric), ("points",))


def _sd_of_paper_problems(
    tree: Mapping[str, object], claims: Mapping[int, RawClaim]
) -> Iterator[Broken]:
    """Report an SD of the paper that contradicts what a claim says about the same runs."""
    if value_at(tree, "verify.sd.is") != "paper":
        return
    value, n = value_at(tree, "verify.sd.value"), value_at(tree, "verify.sd.n")
    for index, claim in claims.items():
        if is_whole_number(n, 1) and is_whole_number(claim.n, 1) and n != claim.n:
            yield "verify.sd.n", f"contradicts the claim: claims.{index}.n is {claim.n}, got {n}"
        if value_at(claim.plus_minus, "is") not in ("sd", "se"):
            continue
        try:
            ours = _width(value, claim.facts)
            theirs = _width(claim.plus_minus_value, claim.facts)
        except ValueError:
            continue  # reported where it stands
        if ours is None or theirs is None:
            continue
        said = f"claims.{index}.plus_minus says {claim.plus_minus_value}"
        spread = float(theirs)
        if value_at(claim.plus_minus, "is") == "se":
            if not is_whole_number(claim.n, 1):
                continue
            spread *= math.sqrt(claim.n)
            said += f", a standard error of {claim.n} runs, so the SD is {spread:.3g}"
        if abs(float(ours) - spread) > _ROUNDED * spread:
            yield "verify.sd.value", f"contradicts the claim: {said}, got {value}"
