"""The metrics that a recipe declares itself: functions of outputs and targets, with their facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from papertrial.recipe.plain_values import list_at, value_at
from papertrial.vocabulary import Better, Metric, MetricUnit


def name_of_use(use: str) -> str:
    """Return the name of a metric that gives none: the last part of its import path."""
    return use.rpartition(":")[2].rpartition(".")[2]


def declared_metrics(tree: Mapping[str, object]) -> dict[str, Metric]:
    """Return the metrics of a plain recipe that are functions or classes, by name.

    Values of a wrong type are skipped: the schema reports them.
    """
    found = {}
    for item in list_at(tree, "metrics"):
        use = value_at(item, "use")
        if isinstance(item, Mapping) and isinstance(use, str):
            given = item.get("name")
            name = given if isinstance(given, str) else name_of_use(use)
            better = next((one for one in get_args(Better) if one == item.get("better")), None)
            unit = next((one for one in get_args(MetricUnit) if one == item.get("unit")), None)
            found[name] = Metric(name, better, unit)
    return found
