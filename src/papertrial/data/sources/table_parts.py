"""The files of a set of tables, one for each part, and the splits made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from torch import Tensor

from papertrial.data.column import SampleColumn, Split
from papertrial.data.sources.parts import PARTS, part_meant
from papertrial.data.tables.missing_words import check_no_category_is_missing
from papertrial.data.tables.table_file import (
    TableFile,
    check_has_columns,
    reading_table,
    table_ending,
)
from papertrial.data.tables.table_format import TableFormat
from papertrial.errors import DataError, did_you_mean
from papertrial.progress import Steps
from papertrial.reading_note import ReadingNote

Tables = Mapping[str, TableFile]


def reading_parts(
    path: Path, form: TableFormat, files: Mapping[str, Path] | None = None
) -> Steps[dict[str, TableFile]]:
    """Read the table of each part, from `files` or, without them, from `path`.

    What the training file shows of how cells are written holds for the other parts too, as it does
    for `predict`. See `find_parts` and `reading_table`.
    """
    named = find_parts(path) if files is None else files
    train = yield from reading_table(named["train"], form)
    tables = {"train": train}
    for part, file in named.items():
        if part != "train":
            tables[part] = yield from reading_table(file, train.form)
    return tables


def find_parts(path: Path) -> dict[str, Path]:
    """Return the table file of each part of a set; a single file is the training part.

    A folder holds a file `train`, and optionally `validation` and `test`, each with one of the
    ENDINGS of a table.

    Raises:
        DataError: the folder cannot be read or has no training part, a part has two files, or a
            file has another word for a part as its name.
    """
    try:
        inside = sorted(path.iterdir()) if path.is_dir() else None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    if inside is None:
        return {"train": path}
    rule = "a folder of tables holds train.csv (or .tsv, .parquet), and validation.* and test.*"
    parts: dict[str, Path] = {}
    for file in inside:
        ending = table_ending(file)
        stem = file.name.lower().removesuffix(ending)
        meant = part_meant(stem) if ending else None
        if meant is None:
            continue
        if meant != stem:
            raise DataError(f"{rule}; rename {file} to {meant}{ending}")
        if meant in parts:
            raise DataError(f"{rule}, one file for each part; got {parts[meant]} and {file.name}")
        parts[meant] = file
    if "train" not in parts:
        names = ", ".join(file.name for file in inside[:10]) or "nothing"
        raise DataError(f"{rule}; {path} holds {names}")
    return {part: parts[part] for part in PARTS if part in parts}


def with_targets(
    tables: Tables, targets: Sequence[str], missing: Literal["error", "drop"], *, classes: bool
) -> tuple[Tables, list[ReadingNote]]:
    """Return the tables without rows that have no target, and a note for each part that had some.

    Args:
        tables: the parts by name.
        targets: the columns of the targets.
        missing: whether a row without a target is an error or dropped.
        classes: whether the targets are classes.

    Raises:
        DataError: a target is missing and `missing` is "error", no row has a target, or a class
            looks like a missing one.
    """
    kept, notes, problems = {}, [], []
    for part, table in tables.items():
        unlabelled = _how_to_predict(table, part) if part != "train" else ""
        for name in targets:
            if name not in table.columns and unlabelled:
                near = did_you_mean(name, list(table.columns))
                rule = f"data.table.target: {table.path} has no column {name!r}{near}"
                raise DataError(f"{rule}; {unlabelled}")
        check_has_columns(table, targets, "data.table.target")
        if classes:
            check_no_category_is_missing(table, targets[0])
        masks = {name: table.missing(name) for name in targets}
        lacking = np.logical_or.reduce(list(masks.values()))
        for name, mask in masks.items():
            if mask.any() and (missing == "error" or lacking.all()):
                fix = unlabelled if mask.all() else ""
                drop = "set data.table.missing_target: drop to leave such rows out"
                problems.append(
                    f"{table.path}: every row must have a target, but {name} is missing in "
                    f"{table.rows_in_words(mask)}; {fix or 'fill it in, or ' + drop}"
                )
        if lacking.any():
            row = int(lacking.argmax())
            notes.append(
                ReadingNote(
                    action="left out",
                    what=f"have no {' or '.join(name for name in targets if masks[name].any())}",
                    count=int(lacking.sum()),
                    unit="row",
                    where=f"{table.path.name} {table.position(row)}",
                    change="set data.table.missing_target: error",
                )
            )
        kept[part] = table.keep(~lacking) if lacking.any() else table
    if problems:
        raise DataError("\n".join(problems))
    return kept, notes


def _how_to_predict(table: TableFile, part: str) -> str:
    return (
        f"a {part} part needs targets: leave out a file without them, cut a part off with "
        f"data.splits.{part}, and after the training use `papertrial predict RUN "
        f"{table.path.name} --output predictions.csv`"
    )


def make_splits(
    tables: Tables,
    columns: Mapping[str, SampleColumn],
    targets: Mapping[str, Tensor],
    group: str | None = None,
) -> dict[str, Split]:
    """Return the parts of a set of tables as splits, whose samples are named by their line.

    If there are several files, the names say the file as well. `group` is the column of groups.

    Raises:
        DataError: the training part has no such column, or a cell of it is missing.
    """
    splits = {}
    for part, table in tables.items():
        prefix = f"{table.path.name} " if len(tables) > 1 else ""
        names = [f"{prefix}{table.position(row)}" for row in range(len(table))]
        ids = table.rows.astype(np.int64)
        groups = _groups(table, group) if group is not None and part == "train" else None
        splits[part] = Split(columns[part], targets[part], ids, names, groups)
    return splits


def _groups(table: TableFile, name: str) -> np.ndarray:
    check_has_columns(table, [name], "data.splits.group")
    missing = table.missing(name)
    if missing.any():
        rule = f"data.splits.group: {table.path}: {name} is missing in"
        raise DataError(f"{rule} {table.rows_in_words(missing)}; fill it in, or delete these rows")
    texts = np.array(table.texts(name))
    try:  # the order of the groups, and with it the draw, is then that of pandas
        return texts.astype(np.int64)
    except ValueError:
        return texts
