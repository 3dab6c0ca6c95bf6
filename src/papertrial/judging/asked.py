"""What scores are asked: the claims with their columns, and how they are decided."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.errors import ClaimError, nearest
from papertrial.recipe.claims import Claim, Versus
from papertrial.recipe.judged_claim import judged_claim
from papertrial.recipe.load import load_recipe
from papertrial.recipe.plain_values import is_whole_number
from papertrial.recipe.score_claims import problems_of_scores, read_score_claims
from papertrial.recipe.shared_keys import Paper
from papertrial.recipe.verify import Verify
from papertrial.score_tables.score_column import Unit
from papertrial.vocabulary import moves_in_steps

VERIFY_KEYS = ("alpha", "statistic", "prior", "horizon", "sd", "max_diverged")


@dataclass(frozen=True)
class AskedClaim:
    """A claim that scores decide.

    Attributes:
        stated: as it was given.
        judged: as the tests take it.
        unit: how its scores are written.
    """

    stated: Claim
    judged: JudgedClaim
    unit: Unit


@dataclass(frozen=True)
class AskedOfScores:
    """What scores are asked.

    Attributes:
        claims: that scores decide.
        not_judged: the others, with the reason in `not_judged`.
        verify: how they are decided.
        recipe: the name of the recipe with the claims; None without one.
        paper: where its numbers come from.
        deviations: in what it deviates from the paper.
    """

    claims: tuple[AskedClaim, ...]
    verify: Verify
    not_judged: tuple[Claim, ...] = ()
    recipe: str | None = None
    paper: Paper = field(default_factory=Paper)
    deviations: tuple[str, ...] = ()


def asked_by_keys(
    claims: Sequence[Mapping[str, object]],
    verify: Mapping[str, object],
    versus_column: str | None,
) -> AskedOfScores:
    """Return what is asked by claims with the keys of a recipe's claim.

    Args:
        claims: `unit` may also be "percent", for scores such as 93.1.
        verify: the keys of a recipe's section `verify`.
        versus_column: the column of the other side of a difference.

    Raises:
        ClaimError: they are invalid; the error has all problems.
    """
    if not claims:
        raise ClaimError("there is no claim; give metric and value, or a recipe with claims")
    for claim in claims:
        if not isinstance(claim, Mapping):
            raise ClaimError(f"a claim must be a mapping of keys to values, got {claim!r}")
        _check_unit(claim.get("unit"))
    completed = [_with_other_side(claim, versus_column) for claim in claims]
    stated, how = read_score_claims(completed, verify)
    units = [_unit_of(one, claim.get("unit")) for one, claim in zip(stated, claims, strict=True)]
    return AskedOfScores(
        tuple(_asked(one, unit) for one, unit in zip(stated, units, strict=True)), how
    )


def asked_by_recipe(
    source: str,
    verify: Mapping[str, object],
    versus_column: str | None,
    *,
    unit: object,
    samples: object,
) -> AskedOfScores:
    """Return what is asked by the claims of a recipe; scores cannot decide all kinds.

    Args:
        source: the name of a shipped recipe, or the path of a YAML file.
        verify: keys of its section `verify` that are given otherwise.
        versus_column: the column of the other side of a difference.
        unit: "percent" for scores such as 93.1.
        samples: size of the test set, for the claims that do not say it.

    Raises:
        RecipeError: there is no such recipe, or it is not valid.
        ClaimError: scores can decide none of its claims.
    """
    _check_unit(unit)
    if samples is not None and not is_whole_number(samples, 1):
        raise ClaimError(f"samples must be a whole number, at least 1, got {samples!r}")
    set_ = [f"verify.{key}={_as_override(value)}" for key, value in verify.items()]
    recipe = load_recipe(source, set_, check=False)
    judged, others = list[AskedClaim](), list[Claim]()
    for claim in recipe.claims:
        why = claim.not_judged or next((why for _, why in problems_of_scores(claim)), None)
        if why is None and claim.is_gain and versus_column is None:
            why = "it needs the scores of the other side: a versus column"
        if why is None:
            lacks = claim.samples is None and moves_in_steps(claim.metric)
            known = claim.model_copy(update={"samples": samples}) if lacks else claim
            judged.append(_asked(known, _unit_of(claim, unit)))
        else:
            others.append(claim.model_copy(update={"not_judged": why}))
    if not judged:
        why = f": {others[0].not_judged}" if others else "; add `claims:` to it"
        raise ClaimError(f"{recipe.name} has no claim that scores can decide{why}")
    return AskedOfScores(
        tuple(judged), recipe.verify, tuple(others), recipe.name, recipe.paper, recipe.deviations
    )


def _asked(claim: Claim, unit: Unit) -> AskedClaim:
    judged = judged_claim(claim)
    if claim.samples is not None:
        judged = replace(judged, step=1 / claim.samples)
    return AskedClaim(claim, judged, unit)


def _with_other_side(claim: Mapping[str, object], column: str | None) -> dict[str, object]:
    """Return a plain claim whose other side is a column, if one is given."""
    if column is None or claim.get("kind") not in ("difference", "better"):
        return dict(claim)
    return {**claim, "versus": Versus(recipe=column).model_dump()}


def _check_unit(unit: object) -> None:
    units = get_args(Unit)
    if unit is not None and unit not in units:
        hint = nearest(unit, units)
        raise ClaimError(f"unit must be one of {', '.join(units)}, got {unit!r}{hint}")


def _unit_of(claim: Claim, given: object) -> Unit:
    if given == "percent":
        return "percent"
    return "fraction" if claim.facts.is_fraction else "none"


def _as_override(value: object) -> str:
    """Return a value of the section `verify` as text of an override; JSON is YAML as well."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
