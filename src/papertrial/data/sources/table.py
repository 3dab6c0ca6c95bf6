"""A user's own table: columns of numbers and categories, and a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.sources.spec import LoadedSet, SourceSpec
from papertrial.data.sources.table_columns import check_choice, feature_columns
from papertrial.data.sources.table_parts import Tables, make_splits, reading_parts, with_targets
from papertrial.data.sources.table_targets import read_targets
from papertrial.data.tables.learn_layout import learn_layout
from papertrial.data.tables.missing_words import check_no_category_is_missing
from papertrial.data.tables.table_file import TableFile, check_has_columns
from papertrial.errors import DataError, did_you_mean
from papertrial.progress import Steps
from papertrial.reading_note import ReadingAction, ReadingNote

_Gaps = dict[str, np.ndarray]  # by column: which cells are missing, [N] bool


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load a table as a set: x float32 [N, F]; y as `read_targets` returns it.

    `spec.path` is a file, which is the training part, or a folder: see `find_parts`.

    Raises:
        DataError: the files, the columns or the cells are not valid.
    """
    tables = yield from reading_parts(spec.path, spec.table.form, spec.files)
    return make_set(spec, tables, spec.classes)


def make_set(spec: SourceSpec, tables: Tables, classes: Sequence[str] | None = None) -> LoadedSet:
    """Return the set in the table of each part; see `load` and `read_targets`."""
    options, path = spec.table, spec.path
    targets, missing = options.targets, options.missing
    check_has_columns(tables["train"], targets, "data.table.target")
    if options.group is not None:
        check_has_columns(tables["train"], [options.group], "data.splits.group")
    if spec.layout is None:
        names = feature_columns(tables["train"], options)
    else:
        names = list(spec.layout.columns)
    for table in tables.values():
        check_has_columns(table, names, "data.table.features")
    tables, notes = with_targets(
        tables, targets, options.missing_target, classes=spec.targets == "classes"
    )
    gaps = {part: _gaps(table, names) for part, table in tables.items()}
    for name in (*options.encoding.categorical, *options.encoding.codes):
        check_no_category_is_missing(tables["train"], name)
    if missing == "error":
        _check_no_gaps(tables, gaps)
    if missing == "drop":
        tables = {part: _drop_gaps(table, gaps[part]) for part, table in tables.items()}
    fills = missing in ("mean", "median")
    if fills and spec.layout is None:
        _check_fillable(tables["train"], gaps["train"], missing)
    notes += _notes_on_gaps(tables, gaps, missing)
    layout = spec.layout
    if layout is None:
        encoding = replace(options.encoding, fills_missing=fills)
        layout, learned = learn_layout(tables["train"], names, encoding)
        notes += learned
    found = read_targets(tables, targets, spec.targets, classes)
    columns = {}
    for part, table in tables.items():
        x, unseen = layout.encode_rows(table)
        columns[part] = DenseColumn(x)
        notes += unseen
    read = [note for table in tables.values() for note in table.notes]
    dataset = Dataset.from_splits(
        path.name or str(path),
        "table",
        make_splits(tables, columns, found.y, options.group),
        classes=found.classes,
        features=layout.names,
        target=targets[0],
        targets=found.columns,
        notes=[*read, *notes],
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
    check_choice(features)
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


def _notes_on_gaps(tables: Tables, gaps: dict[str, _Gaps], missing: str) -> list[ReadingNote]:
    """Return which rows were dropped and which cells are filled, for each part."""
    notes = []
    for part, table in tables.items():
        if missing == "drop" and gaps[part]:
            lacking = np.logical_or.reduce(list(gaps[part].values()))
            what = f"have missing cells in {', '.join(gaps[part])}"
            notes.append(_note_on_gaps("left out", what, int(lacking.sum()), "row", table))
        for name, mask in gaps[part].items() if missing in ("mean", "median") else ():
            what = f"{name} is missing, and gets the {missing} of the training part or no category"
            notes.append(_note_on_gaps("filled", what, int(mask.sum()), "cell", table))
    return notes


def _note_on_gaps(
    action: ReadingAction, what: str, count: int, unit: str, table: TableFile
) -> ReadingNote:
    change = "set data.table.missing"
    where = table.path.name
    return ReadingNote(action=action, what=what, count=count, unit=unit, where=where, change=change)


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
