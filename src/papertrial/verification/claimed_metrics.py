"""Whether the recipes of a verification compute the metrics that its claims are about."""

from __future__ import annotations

from papertrial.errors import ClaimError
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.schema import AnyRecipe
from papertrial.runs import prepare
from papertrial.verification.registration import Registration


def check_claimed_metrics(recipe: AnyRecipe, asked: Registration) -> None:
    """Refuse to verify claims on a metric that their recipe, or the other side, does not compute.

    Raises:
        ClaimError: one does not; the message names the first.
    """
    for claim, arm in zip(asked.stated, asked.arms, strict=True):
        for side in (recipe, *([] if arm is None else [asked.versus[arm]])):
            computed = (
                tuple(side.program.scores)
                if isinstance(side, ProgramRecipe)
                else prepare.metrics_to_compute(side)
            )
            if claim.metric not in computed:
                other = "" if side is recipe else f", the other side: {side.name}"
                raise ClaimError(
                    f"claims.{recipe.claims.index(claim)}{other}: the recipe does not compute "
                    f"{claim.metric}; it computes {', '.join(computed)}; add it to `metrics`"
                )
