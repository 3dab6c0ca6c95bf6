"""Rows of CSV and TSV files: pyarrow reads the cells, Python's csv module finds the lines.

pyarrow is fast but does not say on which line a row is, or which line it cannot read.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from papertrial.data.tables.number_format import guess_marks
from papertrial.data.tables.table_format import TableFormat
from papertrial.data.tables.text_encoding import TextScan, open_utf8, scan_text
from papertrial.data.tables.text_header import Header, check_column_names, read_header
from papertrial.data.tables.text_rows import text_rows
from papertrial.errors import DataError
from papertrial.progress import Step, Steps
from papertrial.reading_note import ReadingNote

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 1 << 24  # bytes that pyarrow reads at a time; a row must fit
_LISTED = 5  # rows that a message names


class DelimitedText(NamedTuple):
    """The columns of a delimited text file.

    Attributes:
        columns: pyarrow arrays of text, by name.
        lines: the first line of each row, [N]; None if Python's csv module finds other rows.
        form: how the cells are written, with what was found and guessed.
        notes: what was left out, guessed and filled.
    """

    columns: dict[str, pa.ChunkedArray]
    lines: np.ndarray | None
    form: TableFormat
    notes: tuple[ReadingNote, ...]


def reading_delimited(
    path: Path, form: TableFormat, default: str, names_if_no_header: Sequence[str] = ()
) -> Steps[DelimitedText]:
    """Read a delimited text file, CSV or TSV, which may be gzipped, yielding progress.

    In memory are the file's text, 4 bytes for each cell and 16 MB.

    Args:
        path: the file, which is not empty.
        form: how its cells are written; what it leaves open is found or guessed.
        default: the delimiter by the file's ending.
        names_if_no_header: see `papertrial.data.tables.table_file.read_table`.

    Raises:
        DataError: the file cannot be read as a table; the message says on which line.
    """
    mark = form.delimiter
    if mark is not None and (len(mark) != 1 or not mark.isascii() or mark in '"\r\n'):
        raise DataError(f"data.table.delimiter must be one ASCII character, got {mark!r}")
    try:
        scan = scan_text(path, form.encoding, form.guessed_encoding)
    except (OSError, EOFError) as error:  # a damaged .gz
        raise DataError(f"cannot read {path}: {error}") from error
    header = read_header(path, scan.encoding, form, default, names_if_no_header)
    columns, lines, notes = yield from _read(path, scan, header)
    found: dict[str, object] = {}
    if scan.guess:
        found["guessed_encoding"] = scan.encoding
        notes.append(_note_on_encoding(path, scan))
    if header.guessed:
        found["delimiter"] = header.delimiter
    if not form.header:
        found["names"] = tuple(header.names)
    if form.decimal is None and form.thousands is None and header.delimiter != ",":
        marks = guess_marks(columns, form)
        if marks is not None:
            found |= {"decimal": marks.decimal, "thousands": marks.thousands}
            grouped = ", and points separate thousands" if marks.thousands else ""
            notes.append(
                ReadingNote(
                    action="guessed",
                    what=f"numbers have decimal commas{grouped}",
                    count=marks.columns,
                    unit="column",
                    example=marks.cell,
                    where=f"{path.name} column {marks.column}",
                    change="set data.table.decimal",
                )
            )
    return DelimitedText(columns, lines, form.model_copy(update=found), (*header.notes, *notes))


def _read(
    path: Path, scan: TextScan, header: Header
) -> Steps[tuple[dict[str, pa.ChunkedArray], np.ndarray | None, list[ReadingNote]]]:
    import pyarrow as pa  # noqa: PLC0415  (slow to import)
    from pyarrow import csv as arrow_csv  # noqa: PLC0415  (slow to import)

    names = header.names
    own = [str(i) for i in range(len(names))]  # because names may be blank or occur twice
    cells = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(own, pa.string()), strings_can_be_null=False
    )
    options = arrow_csv.ReadOptions(column_names=own, skip_rows=header.lines, block_size=_BLOCK)
    parse = arrow_csv.ParseOptions(delimiter=header.delimiter, newlines_in_values=True)
    batches, rows = [], 0
    try:
        with open_utf8(path, scan.encoding) as file:
            for batch in arrow_csv.open_csv(file, options, parse, cells):
                batches.append(batch)
                rows += len(batch)
                yield Step(f"reading {path}", rows, None, "rows")
    except pa.ArrowInvalid as error:
        raise _unreadable(path, scan.encoding, header, str(error)) from error
    if rows == 0:
        raise DataError(f"{path} has a header but no rows")
    table = pa.Table.from_batches(batches)
    columns, notes = list(table.columns), []
    while len(names) > 1 and not names[-1] and _is_blank(columns[-1]):
        names, columns = names[:-1], columns[:-1]
    if cut := len(header.names) - len(names):
        what = "have no name and no cells, because each line ends in a delimiter"
        notes.append(
            ReadingNote(action="left out", what=what, count=cut, unit="column", where=path.name)
        )
    check_column_names(path, names)
    lines = _first_lines(path, scan, header, rows)
    return dict(zip(names, columns, strict=True)), lines, notes


def _is_blank(cells: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc  # noqa: PLC0415  (slow to import)

    return not pc.any(pc.match_substring_regex(cells, r"\S")).as_py()


def _unreadable(path: Path, encoding: str, header: Header, reason: str) -> DataError:
    """Return an error that names the lines of a delimited file that pyarrow could not read."""
    if "Empty CSV file" in reason:
        return DataError(f"{path} has a header but no rows")
    check_column_names(path, header.names)
    width = len(header.names)
    with text_rows(path, encoding, header.delimiter) as rows:
        body = (row for row in rows if row.cells and row.first_line > header.lines)
        uneven = list(islice((row for row in body if len(row.cells) != width), _LISTED + 1))
    if not uneven:
        return DataError(f"{path} cannot be read as a table: {' '.join(reason.split())[:300]}")
    row = uneven[0]
    count = len(row.cells)
    if row.last_line > row.first_line:
        hint = f"the quote that opens there ends on line {row.last_line}"
    elif all(len(one.cells) == width + 1 and not one.cells[-1].strip() for one in uneven):
        hint = f"if each line ends in {header.delimiter!r}, let the header end in it too"
    else:
        hint = f"put a cell that contains {header.delimiter!r} in quotes"
    others = [str(one.first_line) for one in uneven[1:_LISTED]]
    more = ", ..." if len(uneven) > _LISTED else ""
    also = f" (and other numbers of cells on lines {', '.join(others)}{more})" if others else ""
    return DataError(
        f"{path} line {row.first_line} has {count} cell{'s' if count != 1 else ''}, "
        f"but the table has {width} columns{also}; {hint}"
    )


def _first_lines(path: Path, scan: TextScan, header: Header, count: int) -> np.ndarray | None:
    """Return the first line of each row of a delimited file; None if Python finds other rows."""
    if scan.lines == header.lines + count:  # each line is one row
        return np.arange(header.lines + 1, header.lines + count + 1)
    with text_rows(path, scan.encoding, header.delimiter) as rows:
        starts = [row.first_line for row in rows if row.cells and row.first_line > header.lines]
    return np.array(starts) if len(starts) == count else None


def _note_on_encoding(path: Path, scan: TextScan) -> ReadingNote:
    return ReadingNote(
        action="guessed",
        what=f"the text is not UTF-8, and is read as {scan.encoding}",
        count=1,
        unit="file",
        example=scan.guess,
        where=path.name,
        change="set data.table.encoding",
    )
