"""A user's own table: columns of numbers and categories, and a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.sources.spec import LoadedSet, SourceSpec
from papertrial.data.sources.table_parts import Tables, make_splits, read_parts
from papertrial.data.sources.table_targets import (
    check_has_target,
    read_targets,
)
from papertrial.data.tables.layout import Layout
from papertrial.data.tables.table_file import TableFile, check_has_columns
from papertrial.errors import DataError, did_you_mean
from papertrial.progress import Step, Steps

_Gaps = dict[str, np.ndarray]  # by column: which cells are missing, [N] bool


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load a table as a set: x float32 [N, F]; y as `read_targets` returns it.

    `spec.path` is a file, which is the training part, or a folder: see `find_parts`.

    Raises:
        DataError: the files, the columns or the cells are not valid.
    """
    yield Step(f"reading {spec.path}", 0, None, "rows")
    return make_set(spec, read_parts(spec.path, spec.table.delimiter, spec.files), spec.classes)


def make_set(spec: SourceSpec, tables: Tables, classes: Sequence[str] | None = None) -> LoadedSet:
    """Return the set in the table of each part; see `load` and `read_targets`."""
    options, path = spec.table, spec.path
    targets, missing = options.targets, options.missing
    check_has_columns(tables["train"], targets, "data.table.target")
    chosen = options.features if spec.layout is None else spec.layout.columns
    if options.group is not None:
        check_has_columns(tables["train"], [options.group], "data.splits.group")
    names = _feature_columns(tables["train"], targets, chosen, options.categorical, options.group)
    for part, table in tables.items():
        check_has_target(table, targets, part)
        check_has_columns(table, names, "data.table.features")
    fills = missing in ("mean", "median")
    gaps = {part: _gaps(table, names) for part, table in tables.items()}
    if missing == "error":
        _check_no_gaps(tables, gaps)
    if missing == "drop":
        tables = {part: _drop_gaps(table, gaps[part]) for part, table in tables.items()}
    if fills and spec.layout is None:
        _check_fillable(tables["train"], gaps["train"], missing)
    layout = spec.layout or Layout.learn(
        tables["train"], names, categorical=options.categorical, fills_missing=fills
    )
    found = read_targets(tables, targets, spec.targets, classes)
    columns = {part: DenseColumn(layout.encode(table)) for part, table in tables.items()}
    dataset = Dataset.from_splits(
        path.name or str(path),
        "table",
        make_splits(tables, columns, found.y, options.group),
        classes=found.classes,
        features=layout.names,
        target=targets[0],
        targets=found.columns,
    )
    return LoadedSet(dataset, layout, tables["train"])


def select_features(dataset: Dataset, features: Sequence[str]) -> Dataset:
    """Restrict the table of any source to the columns of data.table.features, in this order.

    Raises:
        DataError: a feature does not exist or is named twice, there are none, or the set does not
            hold tables.
    """
    if dataset.kind != "table":
        rule = "data.table.features chooses columns of a table"
        raise DataError(f"{rule}, but {dataset.name} holds {dataset.kind}s; remove it")
    _check_choice(features)
    for name in features:
        if name not in dataset.features:
            near = did_you_mean(name, dataset.features)
            raise DataError(f"data.table.features: {dataset.name} has no feature {name!r}{near}")
    columns = torch.tensor([dataset.features.index(name) for name in features])

    def narrowed(split: Split) -> Split:
        x = split.x.take(slice(0, len(split)), copy=False)
        return replace(split, x=DenseColumn(x[:, columns]))

    narrow = dataset.with_splits({part: narrowed(split) for part, split in dataset.splits.items()})
    return replace(narrow, features=tuple(features))


def _feature_columns(
    table: TableFile,
    targets: Sequence[str],
    features: Sequence[str] | None,
    categorical: Sequence[str],
    group: str | None,
) -> list[str]:
    if features is not None:
        _check_choice(features)
        check_has_columns(table, features, "data.table.features")
    names = (
        list(features)
        if features is not None
        else [n for n in table.columns if n not in targets and n != group]
    )
    for target in targets:
        if target in names or target in categorical:
            key, what = ("features" if target in names else "categorical"), "the target"
            what = what if len(targets) == 1 else "a target"
            raise DataError(
                f"data.table.{key}: {target} is {what}, so the model must not see it; remove it"
            )
    if not names:
        rest = ", ".join(targets)
        raise DataError(f"{table.path} has no column but the target {rest}; add features")
    check_has_columns(table, categorical, "data.table.categorical")
    unused = [name for name in categorical if name not in names]
    if unused:
        raise DataError(
            f"data.table.categorical: {unused[0]} is not in data.table.features; add it there, or "
            "remove it here"
        )
    return names


def _check_choice(features: Sequence[str]) -> None:
    twice = sorted({name for name in features if list(features).count(name) > 1})
    if twice:
        raise DataError(f"data.table.features names {twice[0]!r} more than once; name it once")
    if not features:
        raise DataError("data.table.features is empty; name at least one column, or remove the key")


def _gaps(table: TableFile, names: Sequence[str]) -> _Gaps:
    """Return which cells of a user's table are missing, for the columns that have missing cells."""
    masks = {name: table.missing(name) for name in names}
    return {name: mask for name, mask in masks.items() if mask.any()}


def _check_no_gaps(tables: Tables, gaps: dict[str, _Gaps]) -> None:
    found = []
    for part, table in tables.items():
        for name, mask in gaps[part].items():
            found.append(f"  - {table.path}: {name}: {table.rows_in_words(mask)}")
    if found:
        raise DataError(
            "cells are missing:\n" + "\n".join(found) + "\nset data.table.missing: drop removes "
            "such rows; mean and median fill a number from the training part, and encode a missing "
            "category as no category"
        )


def _check_fillable(table: TableFile, gaps: _Gaps, missing: str) -> None:
    empty = [name for name, mask in gaps.items() if mask.all()]
    if empty:
        raise DataError(
            f"{table.path}: every cell of {', '.join(empty)} is missing, so there is no {missing}; "
            "leave such columns out with data.table.features"
        )


def _drop_gaps(table: TableFile, gaps: _Gaps) -> TableFile:
    lacking = np.zeros(len(table), dtype=bool)
    for mask in gaps.values():
        lacking |= mask
    if lacking.all():
        worst = max(gaps, key=lambda name: int(gaps[name].sum()))
        raise DataError(
            f"{table.path}: every row has a missing cell, so data.table.missing: drop leaves none; "
            f"{worst} has the most, {int(gaps[worst].sum())} of {len(table)}: leave it out with "
            "data.table.features, or set data.table.missing to mean or median"
        )
    return table.keep(~lacking)
