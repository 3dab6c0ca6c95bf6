"""The other recipe of a claimed difference."""

from __future__ import annotations

from papertrial.recipe.claims import Claim
from papertrial.recipe.load import load_recipe, to_tree
from papertrial.recipe.schema import Recipe


def other_side(recipe: Recipe, claim: Claim, *, check: bool = True) -> Recipe | None:
    """Return the other recipe of a claimed difference, without its claims; None for other claims.

    Raises:
        RecipeError: the other recipe is invalid, or its file does not exist.
    """
    if claim.versus is None:
        return None
    base: str | dict[str, object] = claim.versus.recipe or {**to_tree(recipe), "claims": []}
    return load_recipe(base, [*claim.versus.overrides, "claims=[]"], check=check)
