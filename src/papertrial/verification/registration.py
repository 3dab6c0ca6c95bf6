"""Pre-registration: what of a recipe's claims is fixed before the first seed starts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from papertrial.claims.describe_rule import rule_lines
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import FIRST_LOOK, METHOD, Rule
from papertrial.errors import ClaimError
from papertrial.recipe.claim_warnings import claim_warnings
from papertrial.recipe.claim_words import describe
from papertrial.recipe.claims import Claim as Stated
from papertrial.recipe.digest import recipe_hash, training_hash
from papertrial.recipe.judged_claim import to_judged_claim
from papertrial.recipe.portable import portable
from papertrial.recipe.schema import Recipe
from papertrial.recipe.versus import other_side

_LAST_SEED = 2**63 - 1  # a seed is a signed number of 64 bits
_DIVERGED = (
    "a seed is diverged when its loss, its outputs or a claimed metric are no finite numbers, and "
    "crashed when its worker process died twice; the claims concern the seeds that finished"
)
_DETERMINISTIC = (
    "when the first two seeds give the same weights, bit for bit, the one value is compared with "
    "the band as it is"
)
_SEVERAL = "Holm's procedure on 1/max e, separately for REPRODUCED and for NOT REPRODUCED"


@dataclass(frozen=True)
class Registration:
    """What is fixed: the rule, the claims as the recipe states them, and the other sides.

    Attributes:
        rule: how the claims that seeds decide are decided.
        stated: those claims as the recipe states them, in the rule's order.
        exact: claims on the number of parameters or samples, decided without training.
        not_judged: claims whose setting an override changed.
        versus: recipes of the other sides of differences, each once.
        arms: for each claim of the rule the number of its other side in `versus`, or None.
        registered: all of that as plain values, of which the hash is taken.
        warnings: what a reader should know of the claims themselves.
    """

    rule: Rule
    stated: tuple[Stated, ...]
    exact: tuple[Stated, ...]
    not_judged: tuple[Stated, ...]
    versus: tuple[Recipe, ...]
    arms: tuple[int | None, ...]
    registered: dict[str, Any]
    warnings: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """What is registered, in words."""
        counted = [f"counted without training: {describe(claim)}" for claim in self.exact]
        left = [f"not judged: {describe(claim)}; {claim.not_judged}" for claim in self.not_judged]
        if not self.stated:  # no seed is trained
            return [*counted, *left]
        said = rule_lines(self.rule, [describe(claim) for claim in self.stated])
        return [*said, *counted, *left]


def register(recipe: Recipe, *, threads: int, device: str) -> Registration:
    """Fix how a recipe's claims are decided.

    Args:
        recipe: with its claims and its section `verify`.
        threads: CPU threads that each seed is trained with.
        device: the kind of device, "cpu", "mps" or "cuda".

    Raises:
        ClaimError: there is no claim that can be judged, or the rule does not hold together.
        RecipeError: the other side of a difference is no recipe.
    """
    judged = [claim for claim in recipe.claims if claim.not_judged is None]
    not_judged = tuple(claim for claim in recipe.claims if claim.not_judged is not None)
    exact = tuple(claim for claim in judged if claim.kind == "exact")
    stated = tuple(claim for claim in judged if claim.kind != "exact")
    if not judged:
        why = (
            f"its claims are not judged: {not_judged[0].not_judged}; they are about another "
            "setting: write a recipe of your own, with claims of its own (`papertrial show`)"
            if not_judged
            else "it has no claims; add `claims:` with a metric, a value and a tolerance"
        )
        raise ClaimError(f"{recipe.name}: there is nothing to verify; {why}")
    versus, arms = _other_sides(recipe, stated)
    asked = recipe.verify
    first = min(recipe.seed, _LAST_SEED - asked.max_seeds + 1)
    seeds = asked.seeds or tuple(range(first, first + asked.max_seeds))
    rule = Rule(
        claims=tuple(to_judged_claim(claim) for claim in stated),
        seeds=tuple(seeds[: asked.max_seeds]),
        alpha=asked.alpha,
        statistic=asked.statistic,
        prior=float(asked.prior),
        first_look=FIRST_LOOK,
        horizon=asked.horizon,
        max_diverged=asked.max_diverged,
    )
    registered = {
        "method": METHOD,
        "recipe": recipe.name,
        "recipe_hash": recipe_hash(recipe),
        "training_hash": training_hash(recipe),
        "versus": [training_hash(other) for other in versus],
        "files": [_files(side) for side in (recipe, *versus)],
        "threads": threads,
        "device": device,
        "claims": [
            {**asdict(claim), "stated": _said(said), "versus": arm}
            for claim, said, arm in zip(rule.claims, stated, arms, strict=True)
        ],
        "exact": [_said(claim) for claim in exact],
        "not_judged": [_said(claim) for claim in not_judged],
        **{key: value for key, value in asdict(rule).items() if key not in ("claims", "seeds")},
        "seeds": list(rule.seeds),
        "maximum": len(rule.seeds),
        "reported_epoch": recipe.report,
        "several_claims": _SEVERAL,
        "diverged": _DIVERGED,
        "deterministic": _DETERMINISTIC,
    }
    # As it comes back from its file, so that what was written and what is asked for compare.
    registered = json.loads(json.dumps(registered))
    warnings = claim_warnings(recipe)
    if len(seeds) > len(rule.seeds):
        warnings.append(
            f"verify.seeds names {len(seeds)} seeds, of which the first {len(rule.seeds)} may be "
            f"used; set verify.max_seeds={len(seeds)} for all of them"
        )
    return Registration(rule, stated, exact, not_judged, versus, arms, registered, tuple(warnings))


def _files(recipe: Recipe) -> dict[str, str]:
    """Return the SHA-256 of each file that a recipe's training depends on, by name."""
    return {one.name: one.sha256 for one in portable(recipe).dependencies}


def rule_of(registered: Mapping[str, Any]) -> Rule:
    """Return the rule that a pre-registration holds.

    Raises:
        ClaimError: it is not one that this version of papertrial wrote.
    """
    try:
        if registered["method"] != METHOD:
            rule = f"it was registered for method {registered['method']}"
            raise ClaimError(f"{rule}, this version of papertrial decides by method {METHOD}")
        names = JudgedClaim.__dataclass_fields__
        return Rule(
            claims=tuple(
                JudgedClaim(**{key: value for key, value in claim.items() if key in names})
                for claim in registered["claims"]
            ),
            seeds=tuple(registered["seeds"]),
            **{
                key: registered[key]
                for key in ("alpha", "statistic", "prior", "first_look", "horizon", "max_diverged")
            },
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ClaimError(f"the pre-registration is damaged: {error!r}") from error


def _said(claim: Stated) -> dict[str, Any]:
    """Return what a recipe states of a claim; the other side stands there by its hash alone."""
    said: dict[str, Any] = claim.model_dump(mode="json", by_alias=True, exclude={"versus"})
    return {
        key: value
        for key, value in said.items()
        if value is not None and value is not False and value not in ([], {})  # 0 says something
    }


def _other_sides(
    recipe: Recipe, claims: tuple[Stated, ...]
) -> tuple[tuple[Recipe, ...], tuple[int | None, ...]]:
    """Load what differences are taken to, each recipe once."""
    sides: dict[str, Recipe] = {}
    arms: list[int | None] = []
    for claim in claims:
        other = other_side(recipe, claim)
        if other is None:
            arms.append(None)
            continue
        if claim.best_epoch_on_test and other.evaluate.test != "every-epoch":
            raise ClaimError(
                f"claims: {other.name}, the other side of a difference with best_epoch_on_test, "
                "has no test score of each epoch; set evaluate.test: every-epoch in it"
            )
        digest = training_hash(other)
        if digest == training_hash(recipe):
            raise ClaimError(
                "claims: versus is the recipe itself: no difference can be found; name what "
                "differs under versus.set"
            )
        sides.setdefault(digest, other)
        arms.append(list(sides).index(digest))
    return tuple(sides.values()), tuple(arms)
