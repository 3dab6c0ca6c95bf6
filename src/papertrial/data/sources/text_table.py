"""A user's own table of texts: a column of texts, and a column of their classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from papertrial.data.column import Dataset
from papertrial.data.sources.spec import LoadedSet, SourceSpec
from papertrial.data.sources.table_parts import Tables, make_splits, read_parts
from papertrial.data.sources.table_targets import check_has_target, read_targets
from papertrial.data.tables.table_file import TableFile, check_has_columns
from papertrial.data.texts.ragged_column import text_column
from papertrial.errors import DataError
from papertrial.progress import Step, Steps


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load a table of texts: x texts as written, y as `read_targets` returns it.

    `spec.path` is a file, which is the training part, or a folder: see `find_parts`. "NA" and the
    like are texts; only an empty text is missing.

    Raises:
        DataError: the files or the columns are not valid, a text is empty, a target is missing,
            there are fewer than two classes, or the training part lacks a class.
    """
    yield Step(f"reading {spec.path}", 0, None, "rows")
    return make_set(spec, read_parts(spec.path, spec.table.delimiter, spec.files))


def make_set(spec: SourceSpec, tables: Tables, classes: Sequence[str] | None = None) -> LoadedSet:
    """Return the set of texts in the table of each part; see `load` and `read_targets`."""
    options, path = spec.table, spec.path
    text, targets = options.text, options.targets
    if text in targets:
        raise DataError(
            f"data.table: {text} is both the text and the target; choose two different columns"
        )
    columns = {}
    for part, table in tables.items():
        check_has_columns(table, [text], "data.table.text")
        check_has_target(table, targets, part)
        columns[part] = text_column(_texts(table, text))
    found = read_targets(tables, targets, spec.targets, classes)
    if spec.targets == "classes":
        _check_classes(tables["train"], targets[0], found.classes)
    dataset = Dataset.from_splits(
        path.name or str(path),
        "text",
        make_splits(tables, columns, found.y, options.group),
        classes=found.classes,
        features=(text,),
        target=targets[0],
        targets=found.columns,
    )
    return LoadedSet(dataset, table=tables["train"])


def _texts(table: TableFile, name: str) -> list[str]:
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


def _check_classes(table: TableFile, target: str, classes: tuple[str, ...]) -> None:
    """Raise DataError if the target of a text table looks like its column of texts."""
    if len(classes) > max(20, len(table) // 2):
        raise DataError(
            f"{table.path}: {target} has {len(classes):,} classes in {len(table):,} rows, like a "
            "column of texts; swap data.table.text and data.table.target, or choose another target"
        )
