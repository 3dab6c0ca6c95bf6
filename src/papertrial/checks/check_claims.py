"""Can the claims of a recipe be judged, and would a verdict on them mean something?"""

from __future__ import annotations

from collections.abc import Iterator

from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.errors import InvalidRecipeError, PapertrialError
from papertrial.recipe.claim_warnings import claim_warnings
from papertrial.recipe.claims import Claim
from papertrial.recipe.rule_warnings import rule_warnings
from papertrial.recipe.schema import AnyRecipe, Recipe
from papertrial.recipe.versus import other_side

_SAME_TEST_SET = ("source", "path", "limit", "splits")  # keys of data that choose the test set


def check_claims(recipe: AnyRecipe) -> list[Diagnosis]:
    """Return errors for claims that cannot be judged, and warnings for those that say little."""
    found: list[Diagnosis] = []
    for i, claim in enumerate(recipe.claims):
        if claim.kind != "exact" and claim.not_judged is None:
            found += _check_metric(recipe, claim, f"claims.{i}.metric")
            found += _check_other_side(recipe, claim, f"claims.{i}.versus")
    fix = "change the key of the claim or of verify that the message names"
    warnings = [*claim_warnings(recipe), *rule_warnings(recipe)]
    found += [Diagnosis("warning", "claims", message, fix) for message in warnings]
    return found


def _check_metric(recipe: AnyRecipe, claim: Claim, where: str) -> Iterator[Diagnosis]:
    """Yield an error if the recipe's runs do not compute the claim's metric."""
    if not isinstance(recipe, Recipe):
        return  # a program's claims name its scores, which the rules of the recipe check
    from papertrial.runs.prepare import metrics_to_compute  # noqa: PLC0415  (imports torch)

    computed = metrics_to_compute(recipe)
    if claim.metric not in computed:
        message = f"{recipe.name} does not compute {claim.metric}; it computes "
        fix = f"add {claim.metric} to the metrics of {recipe.name}"
        yield Diagnosis("error", where, message + ", ".join(computed), fix)


def _check_other_side(recipe: AnyRecipe, claim: Claim, where: str) -> Iterator[Diagnosis]:
    """Load the other recipe of a difference, and yield what keeps the two from being compared."""
    try:
        other = other_side(recipe, claim)
    except InvalidRecipeError as error:
        for problem in error.problems:
            message = f"the other recipe is not valid: {problem.where}: {problem.message}"
            yield Diagnosis("error", where, message, "fix versus.set, or the recipe that it names")
        return
    except PapertrialError as error:
        fix = "set versus.recipe to the name of a shipped recipe or to a file"
        yield Diagnosis("error", where, str(error), fix)
        return
    if other is None:
        return
    yield from _check_metric(other, claim, where)
    if not (isinstance(recipe, Recipe) and isinstance(other, Recipe)):
        return
    unlike = [
        f"data.{key}"
        for key in _SAME_TEST_SET
        if getattr(recipe.data, key) != getattr(other.data, key)
    ]
    if unlike:
        named = ", ".join(unlike)
        message = f"the two sides are not tested on the same set: they differ in {named}"
        yield Diagnosis("warning", where, message, f"give both sides the same {named}")
