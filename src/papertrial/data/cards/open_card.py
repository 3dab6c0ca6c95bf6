"""The card of whatever is at a path: a table, a folder of images or texts, tensors, a saved set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from papertrial.data.cards.card import DataCard, DuplicateFacts, PartCard, TensorCard
from papertrial.data.cards.croissant import read_croissant
from papertrial.data.cards.describe_folder import ALL, content_of, describe_folder
from papertrial.data.cards.describe_tables import describe_tables
from papertrial.data.cards.describe_values import number_facts
from papertrial.data.column import column_of
from papertrial.data.duplicates import digests, repeated
from papertrial.data.sources.hugging_face import is_saved_set, saved_tables
from papertrial.data.sources.parts import PARTS, part_meant
from papertrial.data.tables.table_file import ENDINGS, read_table, table_ending
from papertrial.data.tables.table_format import TableFormat
from papertrial.data.tensors.predict_inputs import ARRAY_FILES, read_tensors
from papertrial.errors import DataError
from papertrial.progress import Step, Steps
from papertrial.reading_note import ReadingNote

_DESCRIBED = ("licence", "homepage", "citation", "splits", "checks")
_PLAIN = (".txt", ".txt.gz")  # a table only if it is named by itself


def describe_path(
    path: Path,
    *,
    target: str | None = None,
    text: str | None = None,
    delimiter: str | None = None,
) -> Steps[DataCard]:
    """Return the card of a file or a folder, whose kind is recognised.

    Args:
        path: a table, a folder of tables, of images or of texts, a file of tensors, or a folder
            that `save_to_disk` of the library `datasets` has written.
        target: the column to predict, of tables; None if it is unknown.
        text: the column of texts, of tables; None to see it from the cells.
        delimiter: the character between the columns of a table; None to see it from the ending.

    Raises:
        DataError: there is nothing of a known kind at the path, or it cannot be read.
    """
    if not path.exists():
        raise DataError(f"there is no file or folder {path}")
    if path.is_dir():
        described = yield from read_croissant(path)
        card = yield from _describe_folder(
            path, target, text, delimiter, described.file if described else ""
        )
        if described is None:
            return card
        return card.model_copy(update={key: getattr(described, key) for key in _DESCRIBED})
    if path.suffix in ARRAY_FILES:
        return _describe_tensors(path)
    if not table_ending(path):
        known = ", ".join((*ENDINGS, *ARRAY_FILES))
        raise DataError(f"{path} is no file that can be described; it must end in one of {known}")
    yield Step(f"reading {path}", 0, None, "rows")
    tables = {ALL: read_table(path, TableFormat(delimiter=delimiter))}
    return (yield from describe_tables(path.name, str(path), tables, target=target, text=text))


def _describe_folder(
    path: Path, target: str | None, text: str | None, delimiter: str | None, description: str
) -> Steps[DataCard]:
    """Return the card of a folder; `description` is the name of a file in it that is read."""
    if is_saved_set(path):
        yield Step(f"reading {path}", 0, None, "rows")
        tables = saved_tables(path)
        return (yield from describe_tables(path.name, str(path), tables, target=target, text=text))
    found = _tables_in(path)
    content = None if found else content_of(path)
    if content is not None:
        return (yield from describe_folder(path, content, description))
    tables = {}
    for part, file in found.items():
        yield Step(f"reading {file}", 0, None, "rows")
        tables[part] = read_table(file, TableFormat(delimiter=delimiter))
    if not tables:
        raise DataError(f"{path} holds no tables, images or texts that can be described")
    card = yield from describe_tables(path.name, str(path), tables, target=target, text=text)
    inside = sorted(one.name for one in path.iterdir() if one not in found.values())
    beside = [name for name in inside if name != description]
    if beside:
        note = ReadingNote(
            action="left out",
            what="and folders beside the tables",
            count=len(beside),
            unit="file",
            example=beside[0],
        )
        card = card.model_copy(update={"notes": (*card.notes, note)})
    return card


def _tables_in(path: Path) -> dict[str, Path]:
    """Return the tables of a folder by part, if it has them; those of no part by their names."""
    files = [one for one in sorted(path.iterdir()) if one.is_file() and table_ending(one)]
    files = [one for one in files if not one.name.startswith(".")]
    named = {one: one.name.lower().removesuffix(table_ending(one)) for one in files}
    of_parts = {str(part_meant(stem)): one for one, stem in named.items() if part_meant(stem)}
    if of_parts:
        return {part: of_parts[part] for part in PARTS if part in of_parts}
    tables = [one for one in files if table_ending(one) not in _PLAIN]
    images = any(one.is_dir() for one in path.iterdir()) and content_of(path) is not None
    return {} if images else {one.name: one for one in tables}


def _describe_tensors(path: Path) -> DataCard:
    given = read_tensors(path)
    named: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {"x": given}
    tensors, shared = dict[str, TensorCard](), list[torch.Tensor]()
    for name, values in named.items():
        try:
            tensor = torch.as_tensor(values)
        except TypeError as error:  # texts, or numbers that torch lacks
            raise DataError(f"{path}: {name} has no numbers: {error}") from error
        real = None if tensor.is_complex() else tensor.double().flatten().numpy()
        tensors[name] = TensorCard(
            shape=tuple(tensor.shape[1:]),
            dtype=str(tensor.dtype).removeprefix("torch."),
            numbers=None if real is None else number_facts(real),
        )
        shared.append(tensor)
    lengths = {len(one) if one.ndim else 0 for one in shared}
    if len(lengths) != 1 or 0 in lengths:
        raise DataError(f"{path}: the tensors must have as many rows, at least one, got {lengths}")
    column = column_of(dict(zip(named, shared, strict=True)))
    part = PartCard(
        rows=len(column), nbytes=column.nbytes, fingerprint=column.fingerprint, tensors=tensors
    )
    twice = repeated(digests(column), torch.zeros(len(column)))
    return DataCard(
        name=path.name,
        source=str(path),
        kind="tensor",
        files=1,
        parts={ALL: part},
        duplicates=DuplicateFacts(of="samples", repeated={ALL: twice}, shared={}),
    )
