"""Warnings about the columns of a table: identifiers, copies of the target, groups."""

from __future__ import annotations

from papertrial.checks.crossing_groups import crossing_groups
from papertrial.checks.identifiers import identifiers
from papertrial.checks.table_sample import sample_table
from papertrial.checks.telling_features import telling_features
from papertrial.data.column import Dataset
from papertrial.data.sources.spec import LoadedSet
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.recipe.schema import Recipe
from papertrial.vocabulary import SOURCES


def table_hints(recipe: Recipe, loaded: LoadedSet, dataset: Dataset) -> list[Diagnosis]:
    """Return warnings about the columns of a table, or of a table of texts.

    Args:
        recipe: the recipe.
        loaded: the table before its splits are cut.
        dataset: the data set with its splits, as the recipe cuts them.
    """
    splits, kind = recipe.data.splits, loaded.dataset.kind
    if kind not in ("table", "text") or recipe.task == "prediction":
        return []
    found, groups = list[Diagnosis](), tuple[str, ...]()
    if splits.group is None and recipe.data.source_name not in SOURCES:
        found, groups = crossing_groups(
            loaded, dataset, is_stratified=splits.stratify and splits.folds is None
        )
    if kind != "table":
        return found
    sample = sample_table(loaded)
    suspects = identifiers(sample, loaded.dataset, in_order=splits.draw != "random", skip=groups)
    groups += sample.group_features
    named = [*groups, *(one.feature for one in suspects)]
    suspects += telling_features(sample, loaded.dataset, skip=named)
    features = list(dict.fromkeys(one.feature for one in suspects))
    fix = sample.leave_out(features)
    return [
        *found,
        *(Diagnosis("warning", "data.table.features", one.message, fix) for one in suspects),
    ]
