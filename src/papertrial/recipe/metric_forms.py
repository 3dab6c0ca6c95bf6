"""Metrics of one class or target in a recipe: `{f1: {class: fraud}}`, in short `f1[fraud]`."""

from __future__ import annotations

from collections.abc import Mapping

from papertrial.recipe.plain_values import list_at
from papertrial.vocabulary import OF_CLASS, OF_TARGET, metric_of_part

PART_FORM = "{f1: {class: NAME}} or {rmse: {target: NAME}}"
_MONITORS = (("scheduler", "monitor"), ("early_stopping", "monitor"))


def metric_text(value: object) -> object:
    """Return the name of a metric that is given as a mapping; any other value as it is.

    `{f1: {class: fraud}}` is `f1[fraud]`, and `{rmse: {target: lat}}` is `rmse[lat]`.
    """
    if not isinstance(value, Mapping) or len(value) != 1:
        return value
    base, inside = next(iter(value.items()))
    if not isinstance(base, str) or not isinstance(inside, Mapping) or len(inside) != 1:
        return value
    key, part = next(iter(inside.items()))
    is_name = isinstance(part, str) or (isinstance(part, int) and not isinstance(part, bool))
    fits = (key == "class" and base not in OF_TARGET) or (key == "target" and base not in OF_CLASS)
    return metric_of_part(base, str(part)) if fits and is_name else value


def name_metrics(tree: Mapping[str, object]) -> None:
    """Replace metrics of one class or target in a plain recipe by their names, in place."""
    metrics = tree.get("metrics")
    if isinstance(metrics, list):
        metrics[:] = [metric_text(item) for item in metrics]
    owners = [(claim, "metric") for claim in list_at(tree, "claims")]
    owners += [(tree.get(section), key) for section, key in _MONITORS]
    for owner, key in [*owners, (tree, "report_metric")]:
        if isinstance(owner, dict) and key in owner:
            owner[key] = metric_text(owner[key])
