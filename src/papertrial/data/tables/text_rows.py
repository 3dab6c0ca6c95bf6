"""Rows of delimited text with their lines, as Python's csv module finds them."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from papertrial.data.tables.text_encoding import open_utf8
from papertrial.errors import DataError

_LONGEST_CELL = 2**31 - 1  # bytes


class TextRow(NamedTuple):
    """One row, and its first and last line; a blank row has no cells."""

    first_line: int
    last_line: int
    cells: list[str]


@contextlib.contextmanager
def text_rows(path: Path, encoding: str, delimiter: str) -> Iterator[Iterator[TextRow]]:
    """Read the rows of a delimited file with Python's csv module, which counts lines.

    Raises:
        DataError: quotes that do not match, such as one that is never closed; the file is not in
            that encoding, or is damaged.
    """

    def read(file: io.TextIOWrapper) -> Iterator[TextRow]:
        # Strict, because otherwise a quote that is never closed makes the rest of the file a cell.
        reader, start = csv.reader(file, delimiter=delimiter, strict=True), 1
        try:
            for cells in reader:
                yield TextRow(start, reader.line_num, cells)
                start = reader.line_num + 1
        except csv.Error as error:
            unclosed = "opens a quote that is never closed"
            why = unclosed if "end of data" in str(error) else f"is badly quoted ({error})"
            raise DataError(
                f"{path} line {start} {why}; write a quote inside a quoted cell twice"
            ) from error

    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        with open_utf8(path, encoding) as raw:
            yield read(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""))
    finally:
        csv.field_size_limit(limit)
