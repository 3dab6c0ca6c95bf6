"""The other recipe of a claimed difference."""

from __future__ import annotations

from papertrial.errors import ClaimError
from papertrial.recipe.claims import Claim
from papertrial.recipe.load import load_recipe, to_tree
from papertrial.recipe.schema import AnyRecipe


def other_side(recipe: AnyRecipe, claim: Claim, *, check: bool = True) -> AnyRecipe | None:
    """Return the other recipe of a claimed difference, without its claims; None for other claims.

    Raises:
        RecipeError: the other recipe is invalid, or its file does not exist.
        ClaimError: one side trains a model, the other runs a program.
    """
    if claim.versus is None:
        return None
    base: str | dict[str, object] = claim.versus.recipe or {**to_tree(recipe), "claims": []}
    other = load_recipe(base, [*claim.versus.overrides, "claims=[]"], check=check)
    if type(other) is not type(recipe):
        raise ClaimError(
            f"claims: {recipe.name} and {other.name}, the other side of a difference, must both "
            "train a model or both run a program"
        )
    return other
