"""Mark the claims that overrides make meaningless: their numbers are about another setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.schema import not_training
from papertrial.recipe.validate import validated
from papertrial.vocabulary import COUNTS

_NOT_SETTING = ("timeout", "keep")  # keys of a program that cannot change a score


def mark_claims(
    tree: Mapping[str, object], reported: Mapping[str, object], overrides: Sequence[str]
) -> None:
    """Mark claims as `not_judged` if overrides change the setting of the reported numbers.

    It is also set for a claim whose metric is no longer computed.
    """
    sections = {text: text.partition("=")[0].partition(".")[0].strip() for text in overrides}
    before, after = (_training_values(side) for side in (reported, tree))
    claims, metrics = tree.get("claims"), tree.get("metrics")
    judged = [
        claim
        for claim in (claims if isinstance(claims, list) else ())
        if isinstance(claim, dict) and claim.get("not_judged") is None
    ]
    if before is not None and after is not None and before != after:
        parts = [text for text, section in sections.items() if section in after]
        for claim in judged:
            claim["not_judged"] = f"the setting differs: {', '.join(parts)}"
        return
    fewer = [text for text, section in sections.items() if section == "metrics"]
    if not fewer or not isinstance(metrics, list) or not metrics:
        return
    for claim in judged:
        if claim.get("metric") not in (*metrics, *COUNTS):
            claim["not_judged"] = f"it is not computed: {', '.join(fewer)}"


def _training_values(tree: Mapping[str, object]) -> dict[str, object] | None:
    """Return the values that training depends on; if overrides change them, claims are marked.

    Returns None if they are invalid. Defaults are included. Claims are ignored, so an invalid claim
    does not matter here.
    """
    recipe, _ = validated({key: value for key, value in tree.items() if key != "claims"})
    if recipe is None:
        return None
    left_out = not_training(recipe)
    values = {key: value for key, value in recipe.model_dump().items() if key not in left_out}
    if isinstance(recipe, ProgramRecipe):
        values["program"] = {k: v for k, v in values["program"].items() if k not in _NOT_SETTING}
    return values
