"""The first lines of a delimited file: a line `sep=;`, the delimiter, the names of the columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from papertrial.data.numbers import is_number
from papertrial.data.tables.table_format import TableFormat
from papertrial.data.tables.text_encoding import open_utf8
from papertrial.data.tables.text_rows import TextRow, text_rows
from papertrial.errors import DataError
from papertrial.reading_note import ReadingNote

_MARKS = ",;\t|"
_SEPARATOR_LINE = re.compile(r'\ufeff?"?sep=(.)"?[,;\t|]*\r?\n?', re.IGNORECASE)
_LOOKED_AT = 100  # rows, to guess a delimiter
_SAMPLE = 1 << 18  # bytes, in which they are


class Header(NamedTuple):
    """What the first lines say.

    `lines` is the number of lines before the first row of cells, `delimiter` is the character
    between columns, and `guessed` whether it is neither named nor the one of the file's ending.
    """

    names: list[str]
    lines: int
    delimiter: str
    guessed: bool
    notes: tuple[ReadingNote, ...]


def read_header(
    path: Path,
    encoding: str,
    form: TableFormat,
    default: str,
    names_if_no_header: Sequence[str] = (),
) -> Header:
    """Return the names of the columns of a delimited file, and where its rows begin.

    Args:
        path: the file.
        encoding: its encoding.
        form: what the recipe says about it.
        default: the delimiter by the file's ending.
        names_if_no_header: see `papertrial.data.tables.table_file.read_table`.

    Raises:
        DataError: the file has no rows, or not as many columns as names.
    """
    notes = []
    first, sample = _beginning(path, encoding)
    separator = _SEPARATOR_LINE.fullmatch(first)
    skipped = 1 if separator else 0
    if separator:
        sample = sample[len(first) :]
        if form.delimiter not in (None, separator[1]):
            raise DataError(
                f"{path} line 1 says that {separator[1]!r} separates columns, but "
                f"data.table.delimiter is {form.delimiter!r}; remove data.table.delimiter"
            )
        what = f"says that {separator[1]!r} separates columns"
        notes.append(ReadingNote(action="left out", what=what, count=1, unit="line",
                                 example=first.strip(), where=f"{path.name} line 1"))  # fmt: skip
    named = separator[1] if separator else form.delimiter
    delimiter = named or _delimiter(sample, default)
    if named is None and delimiter != default:
        notes.append(
            ReadingNote(
                action="guessed",
                what=f"{delimiter!r} separates the columns, not {default!r}",
                count=1,
                unit="file",
                where=path.name,
                change="set data.table.delimiter",
            )
        )
    names, lines, more = _names(path, encoding, form, delimiter, skipped, names_if_no_header)
    return Header(names, lines, delimiter, named is None and delimiter != default, (*notes, *more))


def check_column_names(path: Path, names: Sequence[str]) -> None:
    """Raise DataError unless a table gives every column a unique name; all problems together."""
    problems = []
    for name in dict.fromkeys(names):
        where = [str(i) for i, one in enumerate(names, 1) if one == name]
        if name and len(where) > 1:
            problems.append(
                f"column names must be unique, but columns {', '.join(where)} are all called "
                f"{name!r}; rename them"
            )
    blank = [str(i) for i, name in enumerate(names, 1) if not name]
    if blank:
        columns = f"column{'s' if len(blank) > 1 else ''} {', '.join(blank)} of {len(names)}"
        problems.append(
            f"{columns} {'have' if len(blank) > 1 else 'has'} no name in the header; name it, or "
            "write the file without it (pandas: index=False)"
        )
    if problems:
        raise DataError(f"{path}: " + "; ".join(problems))


def _beginning(path: Path, encoding: str) -> tuple[str, str]:
    """Return the first line of a file, with its end, and the text of its first rows."""
    with open_utf8(path, encoding) as raw:
        data = raw.read(_SAMPLE)
        # A file of one long line has no rows to guess by.
        sample = data if len(data) < _SAMPLE else data[: data.rfind(b"\n") + 1]
    text = sample.decode("utf-8-sig", errors="replace")
    return next(iter(re.split(r"(?<=\n)|(?<=\r)(?!\n)", text, maxsplit=1))), text


def _delimiter(sample: str, default: str) -> str:
    """Return the only mark that cuts every one of the first rows like the header, or `default`."""

    def columns(mark: str) -> int:
        rows = csv.reader(io.StringIO(sample, newline=""), delimiter=mark)
        try:
            counts = {len(row) for row in islice(rows, _LOOKED_AT) if row}
        except csv.Error:
            return 0
        return counts.pop() if len(counts) == 1 else 0

    if columns(default) > 1:
        return default
    fitting = [mark for mark in _MARKS if columns(mark) > 1]
    return fitting[0] if len(fitting) == 1 else default


def _names(
    path: Path,
    encoding: str,
    form: TableFormat,
    delimiter: str,
    skipped: int,
    names_if_no_header: Sequence[str],
) -> tuple[list[str], int, list[ReadingNote]]:
    with text_rows(path, encoding, delimiter) as rows:
        for row in rows:
            if row.first_line > skipped and any(cell.strip() for cell in row.cells):
                break
        else:
            raise DataError(f"{path} is empty; a table has a header and rows")
    if "\0" in "".join(row.cells):
        raise DataError(f"{path} line {row.first_line} is not text; save the file as UTF-8")
    cells, before = [cell.strip() for cell in row.cells], row.first_line - 1
    expected = list(names_if_no_header)
    if expected and set(expected) <= set(cells):
        return cells, row.last_line, []
    if not form.header:
        return _given_names(path, form, row, expected)
    if not expected or not all(map(is_number, cells)):
        _check_several_columns(path, cells, delimiter)
        return cells, row.last_line, []
    if len(cells) != len(expected):
        raise DataError(
            f"{path} line {row.first_line} has {len(cells)} numbers and no column names; without a "
            f"header, a row must have the {len(expected)} columns {', '.join(expected)}, in this "
            "order"
        )
    return expected, before, []


def _given_names(
    path: Path, form: TableFormat, row: TextRow, expected: Sequence[str]
) -> tuple[list[str], int, list[ReadingNote]]:
    """Return the names of the columns of a file without a header; see `_names`."""
    count, before = len(row.cells), row.first_line - 1
    if len(form.names) == count:
        return list(form.names), before, []
    if len(expected) == count:  # to predict, without the target
        return list(expected), before, []
    if form.names:
        raise DataError(
            f"{path} line {row.first_line} has {count} cells, but data.table.names has "
            f"{len(form.names)} names; give each column one name, in the order of the file"
        )
    note = ReadingNote(
        action="filled",
        what=f"have no names in the file, and are called column1 to column{count}",
        count=count,
        unit="column",
        where=path.name,
        change="set data.table.names",
    )
    return [f"column{i}" for i in range(1, count + 1)], before, [note]


def _check_several_columns(path: Path, header: Sequence[str], delimiter: str) -> None:
    if len(header) > 1:
        return
    others = [mark for mark in _MARKS if mark in header[0] and mark != delimiter]
    if others:
        mark = max(others, key=header[0].count)
        raise DataError(
            f"{path} has only one column if {delimiter!r} separates columns: {header[0]!r}; "
            f"write it with {delimiter!r}, or set data.table.delimiter to {mark!r}"
        )
