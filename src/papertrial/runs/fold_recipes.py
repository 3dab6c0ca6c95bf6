"""The recipe of each fold of a run, and the seed that its splits are drawn with."""

from __future__ import annotations

from papertrial.data.folds import FoldCuts
from papertrial.data.streams import derive
from papertrial.recipe.schema import Recipe
from papertrial.recipe.verify import Verify


def split_seed(recipe: Recipe) -> int:
    """Return the seed of a recipe's splits, 32 bits; with `each` it follows the training seed."""
    seed = recipe.data.splits.seed
    return recipe.seed % 2**32 if seed == "each" else seed


def fold_cuts(recipe: Recipe) -> FoldCuts:
    """Return how the folds of a recipe that has folds are cut."""
    cuts = recipe.data.splits
    assert cuts.folds is not None, "the recipe has folds"
    return FoldCuts(
        cuts.folds,
        cuts.repeats,
        draw=cuts.draw,
        stratify=cuts.stratify,
        seed=split_seed(recipe),
        grouped=cuts.group is not None,
    )


def fold_recipes(recipe: Recipe) -> list[Recipe]:
    """Return the recipe of each fold that a run trains, in order; none without folds.

    A fold has a seed of its own, from the stream ("fold", repetition, fold) of the run's seed, and
    no claims: these are about the mean over the folds.
    """
    cuts = recipe.data.splits
    if not cuts.count:
        return []
    assert cuts.folds is not None, "a run trains folds"
    found = []
    for fold in range(cuts.count):
        one = cuts.model_copy(update={"fold": fold, "seed": split_seed(recipe)})
        changed = {
            "data": recipe.data.model_copy(update={"splits": one}),
            "seed": derive(recipe.seed, "fold", *divmod(fold, cuts.folds)),
            "claims": (),
            "verify": Verify(),
        }
        found.append(recipe.model_copy(update=changed))
    return found
