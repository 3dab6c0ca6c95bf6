"""The files of a set of tables, one for each part, and the splits made of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor

from papertrial.data.column import SampleColumn, Split
from papertrial.data.sources.parts import PARTS, part_meant
from papertrial.data.tables.table_file import (
    TableFile,
    check_has_columns,
    read_table,
    table_ending,
)
from papertrial.errors import DataError

Tables = Mapping[str, TableFile]


def read_parts(
    path: Path, delimiter: str | None, files: Mapping[str, Path] | None = None
) -> dict[str, TableFile]:
    """Read the table of each part of a set, from `files` or, without them, from `path`.

    See `find_parts` and `read_table`.
    """
    files = find_parts(path) if files is None else files
    return {part: read_table(file, delimiter=delimiter) for part, file in files.items()}


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
