"""Warnings about the rule of a recipe: errors that are too frequent, tolerances too wide."""

from __future__ import annotations

from collections.abc import Sequence

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.trivial import too_wide
from papertrial.numbers import as_written, percent
from papertrial.recipe.claims import Claim
from papertrial.recipe.judged_claim import to_given_sd, to_judged_claim
from papertrial.recipe.schema import AnyRecipe
from papertrial.recipe.verify import Verify
from papertrial.vocabulary import score_name

_OFTEN = 0.1  # from here on, alpha is unusual


def rule_warnings(recipe: AnyRecipe) -> list[str]:
    """Return a warning for a large alpha, and for each tolerance that a known SD makes trivial.

    Claims are numbered from 1 as in a pre-registration, so only claims that need seeds count.
    """
    decided = [c for c in recipe.claims if c.not_judged is None and c.kind != "exact"]
    return warnings_on_rule(
        recipe.verify, [(claim, to_judged_claim(claim, recipe)) for claim in decided]
    )


def warnings_on_rule(verify: Verify, decided: Sequence[tuple[Claim, JudgedClaim]]) -> list[str]:
    """Return the warnings about a rule and the claims that it decides, each also as judged."""
    alpha, found = verify.alpha, list[str]()
    if decided and alpha > _OFTEN:
        found.append(
            f"verify.alpha of {as_written(alpha)} lets {percent(alpha)} of false claims be "
            f"REPRODUCED, and as many true ones be refuted; use at most {as_written(_OFTEN)}"
        )
    given = to_given_sd(verify.sd, [claim for claim, _ in decided])
    for i, (claim, judged) in enumerate(decided, 1):
        name = f"claim {i} ({score_name(claim.split, claim.metric)} {claim.number:g})"
        if given is not None and given.n is None and (judged.reported_sd or 0.0) > given.value:
            found.append(
                f"{name}: the paper reports an SD of {as_written(judged.reported_sd)}, which is "
                f"larger than verify.sd, {as_written(given.value)}"
            )
        sd = judged.reported_sd if given is None else given.value
        whose = "that the paper reports" if given is None else "in verify.sd"
        if why := too_wide(judged, sd or 0.0, whose):
            found.append(f"{name}: {why}")
    return found
