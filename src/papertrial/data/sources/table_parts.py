"""The files of a set of tables, one for each part, and the splits made of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor

from papertrial.data.column import SampleColumn, Split
from papertrial.data.sources.parts import PARTS, part_meant
from papertrial.data.tables.table_file import TableFile, read_table, table_ending
from papertrial.errors import DataError

Tables = Mapping[str, TableFile]


def read_parts(path: Path, delimiter: str | None) -> dict[str, TableFile]:
    """Read the table of each part of a set: see `find_parts` and `read_table`."""
    files = find_parts(path)
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
    tables: Tables, columns: Mapping[str, SampleColumn], targets: Mapping[str, Tensor]
) -> dict[str, Split]:
    """Return the parts of a set of tables as splits, whose samples are named by their line.

    If there are several files, the names say the file as well.
    """
    splits = {}
    for part, table in tables.items():
        prefix = f"{table.path.name} " if len(tables) > 1 else ""
        names = [f"{prefix}{table.position(row)}" for row in range(len(table))]
        splits[part] = Split(columns[part], targets[part], table.rows.astype(np.int64), names)
    return splits
