"""Rows of CSV and TSV files: pyarrow reads the cells, Python's csv module finds the lines.

pyarrow is fast but does not say on which line a row is, or which line it cannot read.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from papertrial.data.numbers import is_number
from papertrial.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_LONGEST_CELL = 2**31 - 1  # bytes


class _Header(NamedTuple):
    """The names of the columns, and the number of lines to skip before the first row."""

    names: list[str]
    lines: int


class _TextRow(NamedTuple):
    """One row, and its first and last line; a blank row has no cells."""

    first_line: int
    last_line: int
    cells: list[str]


def read_delimited(
    path: Path, delimiter: str, names_if_no_header: Sequence[str] = ()
) -> tuple[dict[str, pa.ChunkedArray], np.ndarray | None]:
    """Read a delimited text file, CSV or TSV, which may be gzipped.

    Args:
        path: the file, which is not empty.
        delimiter: the character between columns.
        names_if_no_header: see `papertrial.data.tables.table_file.read_table`.

    Returns:
        The columns as pyarrow arrays of text, and the first line of each row, [N]; None for the
        lines if Python's csv module finds other rows than pyarrow.

    Raises:
        DataError: the file cannot be read as a table; the message says on which line.
    """
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        raise DataError(f"data.table.delimiter must be one ASCII character, got {delimiter!r}")
    try:
        return _read(path, delimiter, names_if_no_header)
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    except (OSError, EOFError) as error:  # a damaged .gz
        raise DataError(f"cannot read {path}: {error}") from error


def check_column_names(path: Path, names: Sequence[str]) -> None:
    """Raise DataError unless the header of a delimited file gives every column a unique name.

    The names in a Parquet file must be unique too.
    """
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        where = [str(i) for i, name in enumerate(names, 1) if name == twice[0]]
        raise DataError(
            f"{path}: column names must be unique, but columns {', '.join(where)} are all called "
            f"{twice[0]!r}; rename them"
        )
    if "" in names:
        rule = f"{path}: column {names.index('') + 1} of {len(names)} has no name in the header"
        raise DataError(f"{rule}; name it, or write the file without it (pandas: index=False)")


def _read(
    path: Path, delimiter: str, names_if_no_header: Sequence[str]
) -> tuple[dict[str, pa.ChunkedArray], np.ndarray | None]:
    import pyarrow as pa  # noqa: PLC0415  (slow to import)
    from pyarrow import csv as arrow_csv  # noqa: PLC0415  (slow to import)

    header = _read_header(path, delimiter, names_if_no_header)
    _check_delimiter(path, header.names, delimiter)
    check_column_names(path, header.names)
    cells = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(header.names, pa.large_string()), strings_can_be_null=False
    )
    options = arrow_csv.ReadOptions(
        column_names=header.names, skip_rows=header.lines, block_size=1 << 24, encoding="utf8"
    )
    form = arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    try:
        with pa.input_stream(path, compression="detect") as file:
            table = arrow_csv.read_csv(file, options, form, cells)
    except pa.ArrowInvalid as error:
        raise _unreadable(path, delimiter, header.names, str(error)) from error
    if len(table) == 0:
        raise DataError(f"{path} has a header but no rows")
    columns = dict(zip(header.names, table.columns, strict=True))
    return columns, _first_lines(path, delimiter, header.lines, len(table))


def _read_header(path: Path, delimiter: str, names_if_no_header: Sequence[str]) -> _Header:
    with _text_rows(path, delimiter) as rows:
        for row in rows:
            if any(cell.strip() for cell in row.cells):
                break
        else:
            raise DataError(f"{path} is empty; a table has a header and rows")
    if "\0" in "".join(row.cells):
        raise DataError(f"{path} line {row.first_line} is not text; save the file as UTF-8")
    names = [cell.strip() for cell in row.cells]
    expected = list(names_if_no_header)
    if not expected or set(expected) <= set(names) or not all(map(is_number, names)):
        return _Header(names, row.last_line)
    if len(names) != len(expected):
        raise DataError(
            f"{path} line {row.first_line} has {len(names)} numbers and no column names; without a "
            f"header, a row must have the {len(expected)} columns {', '.join(expected)}, in this "
            "order"
        )
    return _Header(expected, row.first_line - 1)


def _check_delimiter(path: Path, header: Sequence[str], delimiter: str) -> None:
    if len(header) > 1:
        return
    others = [mark for mark in ";\t|," if mark in header[0] and mark != delimiter]
    if others:
        mark = max(others, key=header[0].count)
        raise DataError(
            f"{path} has only one column if {delimiter!r} separates columns: {header[0]!r}; "
            f"write it with {delimiter!r}, or set data.table.delimiter to {mark!r}"
        )


def _unreadable(path: Path, delimiter: str, header: Sequence[str], reason: str) -> DataError:
    """Return an error that names the line of a delimited file that pyarrow could not read."""
    if "Empty CSV file" in reason:
        return DataError(f"{path} has a header but no rows")
    with _text_rows(path, delimiter) as rows:
        for row in rows:
            count = len(row.cells)
            if count and count != len(header):
                hint = (
                    f"the quote that opens there ends on line {row.last_line}"
                    if row.last_line > row.first_line
                    else f"put a cell that contains {delimiter!r} in quotes"
                )
                return DataError(
                    f"{path} line {row.first_line} has {count} cell{'s' if count != 1 else ''}, "
                    f"but the table has {len(header)} columns; {hint}"
                )
    return DataError(f"{path} cannot be read as a table: {' '.join(reason.split())[:300]}")


def _first_lines(path: Path, delimiter: str, header_lines: int, count: int) -> np.ndarray | None:
    """Return the first line of each row of a delimited file; None if Python finds other rows."""
    if _has_a_row_per_line(path, header_lines + count):
        return np.arange(header_lines + 1, header_lines + count + 1)
    with _text_rows(path, delimiter) as rows:
        starts = [row.first_line for row in rows if row.cells and row.first_line > header_lines]
    return np.array(starts) if len(starts) == count else None


def _has_a_row_per_line(path: Path, rows: int) -> bool:
    """Return whether each line of a delimited file is one row: `rows` lines without quotes."""
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    ends, last = 0, b""
    with pa.input_stream(path, compression="detect") as raw:
        while block := raw.read(1 << 20):
            if b'"' in block:
                return False
            ends, last = ends + block.count(b"\n"), block[-1:]
    return ends + (last != b"\n") == rows


@contextlib.contextmanager
def _text_rows(path: Path, delimiter: str) -> Iterator[Iterator[_TextRow]]:
    """Read the rows of a delimited file with Python's csv module, which counts lines.

    Raises:
        DataError: quotes that do not match, such as one that is never closed.
        UnicodeDecodeError, OSError, EOFError: the file is not UTF-8, or is damaged.
    """
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    def read(file: io.TextIOWrapper) -> Iterator[_TextRow]:
        # Strict, because otherwise a quote that is never closed makes the rest of the file a cell.
        reader, start = csv.reader(file, delimiter=delimiter, strict=True), 1
        try:
            for cells in reader:
                yield _TextRow(start, reader.line_num, cells)
                start = reader.line_num + 1
        except csv.Error as error:
            unclosed = "opens a quote that is never closed"
            why = unclosed if "end of data" in str(error) else f"is badly quoted ({error})"
            raise DataError(
                f"{path} line {start} {why}; write a quote inside a quoted cell twice"
            ) from error

    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        with pa.input_stream(path, compression="detect") as raw:
            yield read(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""))
    finally:
        csv.field_size_limit(limit)


def _not_utf8(path: Path) -> DataError:
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    with pa.input_stream(path, compression="detect") as raw:
        for number, line in enumerate(io.BufferedReader(raw), 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                shown = line[error.start : error.start + 8]
                return DataError(
                    f"{path} line {number} is not UTF-8 text: it has the bytes {shown!r}; save the "
                    "file as UTF-8"
                )
    return DataError(f"{path} is not UTF-8 text; save the file as UTF-8")
