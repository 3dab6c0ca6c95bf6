"""The other side of a claimed difference, as a recipe of its own."""

from __future__ import annotations

from typing import Any

from papertrial.recipe.claims import Claim
from papertrial.recipe.load import load_recipe, to_tree
from papertrial.recipe.schema import Recipe


def other_side(recipe: Recipe, claim: Claim, *, check: bool = True) -> Recipe | None:
    """Return what a claim's difference is taken to, without claims; None for all other claims.

    Raises:
        RecipeError: it is no recipe, or its file is gone.
    """
    if claim.versus is None:
        return None
    base: Any = claim.versus.recipe or {**to_tree(recipe), "claims": []}
    return load_recipe(base, [*claim.versus.overrides, "claims=[]"], check=check)
