"""A table of texts of one's own: a column of texts, and a column of their classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from papertrial.data.column import Dataset
from papertrial.data.sources.table import check_present, class_targets, find_parts, make_split
from papertrial.data.tables.layout import check_names
from papertrial.data.tables.table_file import Table, read_table
from papertrial.data.texts.ragged_column import text_column
from papertrial.errors import DataError


def load(path: Path, *, text: str, target: str, delimiter: str | None = None) -> Dataset:
    """Return a table of texts as a set: x texts as they are written, y int64 [N].

    "NA" and the like are texts; only an empty one is missing.

    Args:
        path: one file, which is the training part, or a folder: see `find_parts`.
        text: the column of texts.
        target: the column of their classes.
        delimiter: see `read_table`.

    Raises:
        DataError: the files or the columns are not as they must be, an empty text, a missing
            target, fewer than two classes, or a class that the training part lacks.
    """
    if text == target:
        raise DataError(f"data.table: {text} is both the text and the target; name two columns")
    files = find_parts(path)
    tables = {part: read_table(file, delimiter=delimiter) for part, file in files.items()}
    columns = {}
    for part, table in tables.items():
        check_names(table, [text], "data.table.text")
        check_names(table, [target], "data.table.target")
        check_present(table, target)
        columns[part] = text_column(_texts(table, text))
    classes, targets = class_targets(tables, target)
    _check_classes(tables["train"], target, classes)
    splits = {
        part: make_split(table, columns[part], targets[part], len(tables) > 1)
        for part, table in tables.items()
    }
    return Dataset(
        path.name or str(path),
        "text",
        splits["train"],
        validation=splits.get("validation"),
        test=splits.get("test"),
        classes=classes,
        features=(text,),
        target=target,
    )


def _texts(table: Table, name: str) -> list[str]:
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    kind = table.columns[name].type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not any(is_text(kind) for is_text in (pa.types.is_string, pa.types.is_large_string)):
        raise DataError(f"{table.path}: the column {name} must hold text, got {kind}")
    texts = [text or "" for text in table.columns[name].to_pylist()]
    empty = np.flatnonzero([not text.strip() for text in texts])
    if len(empty):
        more = f" (and {len(empty) - 1} more)" if len(empty) > 1 else ""
        raise DataError(
            f"{table.where(int(empty[0]))}: {name} is an empty text{more}; write it, or delete "
            "such rows"
        )
    return texts


def _check_classes(table: Table, target: str, classes: tuple[str, ...]) -> None:
    """Refuse a target that is rather the column of texts."""
    if len(classes) > max(20, len(table) // 2):
        raise DataError(
            f"{table.path}: {target} has {len(classes):,} classes in {len(table):,} rows, as a "
            "column of texts has; is it data.table.text, and another column the target?"
        )
