"""The files of a set of tables, and the targets that their rows have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from papertrial.data.column import SampleColumn, Split
from papertrial.data.sources.parts import PARTS, part_meant
from papertrial.data.tables.layout import sort_values
from papertrial.data.tables.table_file import TableFile, ending_of, read_table
from papertrial.errors import DataError

Tables = Mapping[str, TableFile]
_SHOWN_ROWS, _SHOWN_CLASSES = 5, 24


def read_parts(path: Path, delimiter: str | None) -> dict[str, TableFile]:
    """Read a table by part: see `find_parts` and `read_table`."""
    files = find_parts(path)
    return {part: read_table(file, delimiter=delimiter) for part, file in files.items()}


def find_parts(path: Path) -> dict[str, Path]:
    """Return the files of a table by part; a single file is the training part.

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
        ending = ending_of(file)
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
    """Return the parts; samples are named by their line, and their file if there are several."""
    splits = {}
    for part, table in tables.items():
        prefix = f"{table.path.name} " if len(tables) > 1 else ""
        names = [f"{prefix}{table.position(row)}" for row in range(len(table))]
        splits[part] = Split(columns[part], targets[part], table.rows.astype(np.int64), names)
    return splits


def check_has_target(table: TableFile, target: str) -> None:
    """Raise DataError if targets are missing: there is no honest way to fill them."""
    absent = table.missing(target)
    if absent.any():
        raise DataError(
            f"{table.path}: every row must have a target, but {target} is missing in "
            f"{rows_in_words(table, absent)}; fill it in, or delete such rows"
        )


def rows_in_words(table: TableFile, mask: np.ndarray) -> str:
    """Return "2 of 9 (line 3, line 5)" for the rows where `mask` [N] is True."""
    rows = np.flatnonzero(mask)
    listed = ", ".join(table.position(int(row)) for row in rows[:_SHOWN_ROWS])
    return f"{len(rows)} of {len(table)} ({listed}{', ...' if len(rows) > _SHOWN_ROWS else ''})"


def numeric_targets(tables: Tables, target: str) -> dict[str, Tensor]:
    """Return the target column of each part as float32 [N].

    Raises:
        DataError: a target is not a finite number.
    """
    y = {}
    for part, table in tables.items():
        values, bad = table.numbers(target)
        if bad.any():
            row = int(bad.argmax())
            raise DataError(
                f"{table.where(row)}: the target {target} must be a finite number, got "
                f"{table.written(target, row)!r}; for classes, set task: table-classification"
            )
        y[part] = torch.from_numpy(values.astype(np.float32))
    return y


def class_targets(
    tables: Tables, target: str, classes: Sequence[str] | None = None
) -> tuple[tuple[str, ...], dict[str, Tensor]]:
    """Return the classes of the training part, and the target column of each part, int64 [N].

    Args:
        tables: the parts by name, "train" among them.
        target: the column of the classes, without missing cells.
        classes: the classes in order, if they are known from another table. This one need not have
            all of them.

    Raises:
        DataError: there are fewer than two classes, the target holds numbers that are not classes,
            or a class is neither in `classes` nor, without them, in the training part.
    """
    texts = {
        part: [text for text in table.texts(target) if text is not None]
        for part, table in tables.items()
    }
    rule = "not in the training part, which has" if classes is None else "unknown; the classes are"
    if classes is None:
        classes = sort_values(texts["train"])
        if len(classes) < 2:
            raise DataError(
                f"{tables['train'].path}: classification needs at least 2 classes, but every cell "
                f"of {target} is {classes[0]!r}"
            )
        _check_numbers_as_classes(tables["train"], target, texts["train"])
    index = {name: i for i, name in enumerate(classes)}
    y = {}
    for part, table in tables.items():
        unknown = [row for row, text in enumerate(texts[part]) if text not in index]
        if unknown:
            more = " ..." if len(classes) > _SHOWN_CLASSES else ""
            raise DataError(
                f"{table.where(unknown[0])}: class {texts[part][unknown[0]]!r} of {target} is "
                f"{rule} {', '.join(classes[:_SHOWN_CLASSES])}{more}"
            )
        y[part] = torch.tensor([index[text] for text in texts[part]], dtype=torch.int64)
    return tuple(classes), y


def _check_numbers_as_classes(table: TableFile, target: str, texts: Sequence[str]) -> None:
    values, bad = table.numbers(target)
    if bad.any():
        return
    spelled: dict[float, str] = {}
    for value, text in zip(values.tolist(), texts, strict=True):
        if spelled.setdefault(value, text) != text:
            raise DataError(
                f"{table.path}: a class of {target} is spelled in two ways, {spelled[value]!r} and "
                f"{text!r}; choose one"
            )
    most = max(20, 0.05 * len(table))
    if len(spelled) > most and (values != np.floor(values)).any():
        raise DataError(
            f"{table.path}: {target} has {len(spelled):,} different numbers in {len(table):,} "
            "rows, too many for classes; set task: regression, or choose another target"
        )
