"""The card of tables: each column counted by Arrow, without learning what it means."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from papertrial.data.cards.card import (
    ColumnCard,
    ColumnType,
    DataCard,
    DuplicateFacts,
    PartCard,
    SampleCard,
    ValueCount,
)
from papertrial.data.cards.describe_values import cells_as_text, number_facts, text_facts
from papertrial.data.tables.table_file import TableFile, check_has_columns
from papertrial.errors import DataError
from papertrial.progress import Step, Steps
from papertrial.reading_note import ReadingNote

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 5  # that a card shows
_VALUES = 10  # most frequent values of a column
_CLASSES = 1000  # a target with more values is not counted as classes
_LONG_TEXT = 25  # bytes on average, from which different values are texts, not categories
_NEARLY_NUMBERS = 0.2  # share of cells that are not numbers, in a column that is otherwise


def describe_tables(
    name: str,
    source: str,
    tables: Mapping[str, TableFile],
    *,
    target: str | None = None,
    text: str | None = None,
) -> Steps[DataCard]:
    """Return the card of a set of tables.

    Args:
        name: the name of the set.
        source: what is described.
        tables: a table for each part.
        target: the column whose values are counted as classes, or measured; None if unknown.
        text: a column that is described as texts; None to see it from the cells.

    Raises:
        DataError: a table lacks the target or the column of texts.
    """
    parts, notes, rows = dict[str, PartCard](), list[ReadingNote](), dict[str, Any]()
    for part, table in tables.items():
        check_has_columns(table, [one for one in (target, text) if one is not None], "data info")
        columns = []
        notes += table.notes
        for done, column in enumerate(table.columns):
            yield Step(f"describing {part}", done, len(table.columns), "columns")
            card, found = _describe(table, column, is_text=column == text)
            columns.append(card)
            notes += found
        rows[part] = _row_texts(table)
        parts[part] = PartCard(
            rows=len(table),
            nbytes=sum(int(cells.nbytes) for cells in table.columns.values()),
            fingerprint=_fingerprint(table, rows[part]),
            classes=None if target is None else _classes(table, target),
            columns=tuple(columns),
            samples=_samples(table, target),
        )
    return DataCard(
        name=name,
        source=source,
        kind="table" if text is None else "text",
        target=target,
        parts=parts,
        duplicates=_duplicates(rows),
        notes=tuple(notes),
    )


def _describe(
    table: TableFile, name: str, *, is_text: bool
) -> tuple[ColumnCard, list[ReadingNote]]:
    """Return the card of a column, and what looks odd in it."""
    stored = str(table.columns[name].type)
    try:
        missing, numbers = table.missing(name), table.numbers(name)
    except DataError:  # dates, lists, images: counted, and shown as they are
        cells = table.columns[name]
        return _other(name, stored, cells), []
    present = ~missing
    bad = numbers.bad & present
    texts = _present_texts(table, name, present)
    counts = _value_counts(texts)
    kind: ColumnType = "category"
    notes = []
    if present.any() and not bad.any() and not is_text:
        values = numbers.values[present]
        kind = "whole number" if (values == np.floor(values)).all() else "number"
    elif is_text or _are_long(texts, len(counts)):
        kind = "text"
    elif present.any() and bad.sum() <= _NEARLY_NUMBERS * present.sum():
        row = int(bad.argmax())
        notes.append(
            ReadingNote(
                action="guessed",
                what=f"of {name} that are not numbers, while all others are: so its type is "
                "category",
                count=int(bad.sum()),
                unit="cell",
                example=repr(table.written(name, row)),
                where=table.where(row),
                change="correct them, or leave them empty",
            )
        )
    is_number = kind in ("number", "whole number")
    card = ColumnCard(
        name=name,
        type=kind,
        stored=stored,
        missing=int(missing.sum()),
        distinct=len(counts),
        numbers=number_facts(numbers.values[present]) if is_number else None,
        values=() if kind == "text" else _frequent(counts),
        texts=text_facts(texts.to_pylist()) if kind == "text" else None,
    )
    return card, notes


def _other(name: str, stored: str, cells: pa.ChunkedArray) -> ColumnCard:
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    texts = pa.array([str(one) for one in cells.to_pylist() if one is not None], pa.large_string())
    counts = _value_counts(texts)
    return ColumnCard(
        name=name,
        type="other",
        stored=stored,
        missing=int(cells.null_count),
        distinct=len(counts),
        values=() if stored.startswith("struct<bytes") else _frequent(counts),
    )


def _present_texts(table: TableFile, name: str, present: np.ndarray) -> pa.Array:
    """Return the cells of a column that are not missing as texts, without white space around."""
    import pyarrow as pa  # noqa: PLC0415  (slow to import)
    import pyarrow.compute as pc  # noqa: PLC0415  (slow to import)

    texts = table.columns[name].cast(pa.large_string())
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return pc.utf8_trim_whitespace(whole.filter(pa.array(present)))


def _value_counts(texts: pa.Array) -> pa.StructArray:
    """Return each value and how often it occurs."""
    import pyarrow.compute as pc  # noqa: PLC0415  (slow to import)

    return pc.value_counts(texts)


def _frequent(counts: pa.StructArray, most: int = _VALUES) -> tuple[ValueCount, ...]:
    """Return the most frequent values; of those that are as frequent, the first in the table."""
    values, numbers = counts.field(0), counts.field(1).to_numpy()
    order = np.argsort(-numbers, kind="stable")[:most].tolist()
    return tuple(ValueCount(value=values[i].as_py(), count=int(numbers[i])) for i in order)


def _are_long(texts: pa.Array, distinct: int) -> bool:
    """Return whether values are long and mostly different, as texts are."""
    import pyarrow.compute as pc  # noqa: PLC0415  (slow to import)

    # In bytes, because a character of Chinese is a word.
    length = pc.mean(pc.binary_length(texts)).as_py() or 0.0
    return bool(length > _LONG_TEXT and 2 * distinct > len(texts))


def _classes(table: TableFile, target: str) -> dict[str, int] | None:
    """Return the samples of each value of the target; None if its values are not classes."""
    try:
        present = ~table.missing(target)
        is_number = not table.numbers(target).bad.any()
    except DataError:
        return None
    counts = _value_counts(_present_texts(table, target, present))
    few = len(counts) <= max(20, 0.05 * len(table)) and len(counts) <= _CLASSES
    if not few and (is_number or len(counts) > _CLASSES):
        return None
    found = {one.value: one.count for one in _frequent(counts, len(counts))}
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _samples(table: TableFile, target: str | None) -> tuple[SampleCard, ...]:
    names = [one for one in table.columns if one != target]
    return tuple(
        SampleCard(
            name=table.position(row),
            label="" if target is None else table.written(target, row),
            text=cells_as_text(names, [table.written(name, row)[:60] for name in names]),
        )
        for row in range(min(_ROWS, len(table)))
    )


def _row_texts(table: TableFile) -> pa.Array:
    """Return each row as one text, its cells in the order of the columns' names."""
    import pyarrow as pa  # noqa: PLC0415  (slow to import)
    import pyarrow.compute as pc  # noqa: PLC0415  (slow to import)

    columns = []
    for _, cells in sorted(table.columns.items()):
        whole = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
        try:
            columns.append(whole.cast(pa.large_string()))
        except pa.ArrowException:  # a list, or an image
            texts = [None if one is None else repr(one) for one in whole.to_pylist()]
            columns.append(pa.array(texts, pa.large_string()))
    apart = pa.scalar("\x1f", pa.large_string())
    return pc.binary_join_element_wise(
        *columns, apart, null_handling="replace", null_replacement="\x1e"
    )


def _fingerprint(table: TableFile, rows: pa.Array) -> str:
    import pyarrow.compute as pc  # noqa: PLC0415  (slow to import)

    digest = hashlib.sha256("\x1f".join(sorted(table.columns)).encode())
    lengths = pc.binary_length(rows).to_numpy(zero_copy_only=False).astype(np.int64)
    digest.update(lengths.tobytes())
    data = rows.buffers()[2]
    if data is not None:  # of the joined rows, which are an array of their own
        digest.update(memoryview(data)[: int(lengths.sum())])
    return digest.hexdigest()


def _duplicates(rows: Mapping[str, pa.Array]) -> DuplicateFacts:
    import pyarrow.compute as pc  # noqa: PLC0415  (slow to import)

    unique = {part: pc.unique(texts) for part, texts in rows.items()}
    names = list(rows)
    shared = {
        f"{one}/{other}": int(pc.sum(pc.is_in(rows[other], value_set=unique[one])).as_py() or 0)
        for i, one in enumerate(names)
        for other in names[i + 1 :]
    }
    repeated = {part: len(texts) - len(unique[part]) for part, texts in rows.items()}
    return DuplicateFacts(of="whole rows", repeated=repeated, shared=shared)
