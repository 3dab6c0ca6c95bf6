"""Claims on scores that exist, given without a recipe: read and checked, all problems together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from pydantic import ValidationError

from papertrial.errors import ClaimError, Problem
from papertrial.recipe.claim_kind_rules import kind_problems
from papertrial.recipe.claim_rules import identity_of, number_problems
from papertrial.recipe.claims import Claim
from papertrial.recipe.raw_claim import Broken, RawClaim, raw_claims
from papertrial.recipe.section import Section
from papertrial.recipe.shared_keys import Claims, VerifySection
from papertrial.recipe.validate import schema_problems
from papertrial.recipe.verify import Verify
from papertrial.recipe.verify_rules import broken_verify
from papertrial.vocabulary import COUNTS


class _ScoreClaims(Section):
    """The claims, and how they are decided."""

    claims: Claims
    verify: VerifySection = Verify()


def read_score_claims(
    claims: Sequence[Mapping[str, object]], verify: Mapping[str, object]
) -> tuple[tuple[Claim, ...], Verify]:
    """Return claims on scores, and the rule that decides them, from plain values.

    Args:
        claims: each with the keys of a recipe's claim.
        verify: the keys of a recipe's section `verify`.

    Raises:
        ClaimError: they are invalid; the error has all problems.
    """
    completed = [_completed(claim) for claim in claims]
    # As those of a program, the scores may have any name.
    tree: dict[str, object] = {"claims": completed, "verify": dict(verify), "program": {}}
    found = [Problem(where, message) for where, message in (*_broken(tree), *broken_verify(tree))]
    try:
        valid = _ScoreClaims.model_validate({"claims": completed, "verify": dict(verify)})
    except ValidationError as error:
        wrong = [problem for one in error.errors() for problem in schema_problems(one)]
        found = [*wrong, *found]
    else:
        if not found:
            return valid.claims, valid.verify
    unique = {(p.where, p.message): _short(p, alone=len(claims) == 1) for p in found}
    what = "the claim has" if len(claims) == 1 else "the claims have"
    count = f"{len(unique)} problem{'s' * (len(unique) > 1)}"
    raise ClaimError("\n".join([f"{what} {count}", *(f"  - {p}" for p in unique.values())]))


def problems_of_scores(claim: RawClaim | Claim) -> Iterator[Broken]:
    """Yield (key, message) for what a claim says that scores alone cannot decide."""
    if claim.kind == "exact" or claim.metric in COUNTS:
        yield "kind", "exact is counted, and needs no scores; use kind: expected for a score"
    if claim.kind == "reaches":
        yield (
            "kind",
            "reaches needs the whole curve of each run; give the scores at the declared step, and "
            "use kind: at-most or at-least",
        )
    if claim.about == "new-samples":
        yield "about", "new-samples needs the prediction for each sample; remove it"
    if claim.best_epoch_on_test is True:
        yield (
            "best_epoch_on_test",
            "does not apply to scores that exist; give the best score of each run, and remove it",
        )
    if claim.kind == "better" and claim.facts.direction is None:
        yield "better", f"is missing: say whether a higher or a lower {claim.metric} is better"
    if claim.samples is not None and not claim.facts.is_fraction:
        rule = "is for shares of the samples, such as an accuracy"
        yield "samples", f"{rule}; {claim.metric} is not a fraction: remove it"
    if claim.is_gain and claim.versus is None:
        yield "versus", f"kind: {claim.kind} needs the scores of the other side: a versus column"


def _completed(claim: Mapping[str, object]) -> dict[str, object]:
    """Return a plain claim as that of a score: without a split, percent as fractions."""
    unit = "fraction" if claim.get("unit") == "percent" else claim.get("unit")
    return {"split": "none", **claim, "unit": unit}


def _broken(tree: Mapping[str, object]) -> Iterator[Broken]:
    seen: dict[tuple[Decimal, str], int] = {}
    for index, claim in enumerate(raw_claims(tree)):
        if claim is None:
            continue  # the schema reports it
        of_kind = [one for one in kind_problems(claim, of_program=True) if one[0] != "versus"]
        for key, message in (*of_kind, *number_problems(claim), *problems_of_scores(claim)):
            yield f"claims.{index}.{key}", message
        identity = identity_of(claim)
        if identity is not None and seen.setdefault(identity, index) != index:
            rule = "has the same metric, kind and value as"
            yield f"claims.{index}", f"{rule} claims.{seen[identity]}; keep one"


def _short(problem: Problem, *, alone: bool) -> Problem:
    """Return a problem with a key path that names the claim only if there are several."""
    where = problem.where.removeprefix("verify.")
    if alone:
        where = where.removeprefix("claims.0").removeprefix(".")
    return Problem(where, problem.message)
