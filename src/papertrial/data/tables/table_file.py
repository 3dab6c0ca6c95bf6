"""Tables in files: CSV, TSV and Parquet as named columns, and which line each row is on."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from papertrial.errors import DataError

# What a missing cell is written as, pyarrow's own list; blanks around it do not count. "None" is
# not in it: it is an honest name of a category.
MISSING = (
    *("", "NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "-NaN", "-nan"),
    *("#N/A", "#N/A N/A", "#NA", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".csv.gz", ".tsv.gz", ".txt.gz")
_LARGEST = float(torch.finfo(torch.float32).max)
_LONGEST = 2**31 - 1  # bytes of a cell


class Numbers(NamedTuple):
    """A column as float64 [N], NaN where it is missing or bad, and which cells are bad, [N] bool.

    A bad cell is no number, or is infinite or beyond what float32 holds.
    """

    values: np.ndarray
    bad: np.ndarray


@dataclass(frozen=True)
class Table:
    """Named columns of N cells each, and where in the file the rows stand.

    `columns` holds pyarrow arrays: the cells as they are written (CSV), or of the file's types
    (Parquet). `rows` [N] counts the file's rows from 0, `lines` [N] its lines from 1; a Parquet
    file has no lines.
    """

    path: Path
    columns: dict[str, Any]
    rows: np.ndarray
    lines: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def place(self, row: int) -> str:
        """Return "line 7", or for a Parquet file "row 7", counted from 0."""
        return f"row {self.rows[row]}" if self.lines is None else f"line {self.lines[row]}"

    def where(self, row: int) -> str:
        """Return the file and the place of a row, for messages."""
        return f"{self.path} {self.place(row)}"

    def written(self, name: str, row: int) -> str:
        """Return a cell as it is written, for messages."""
        value = self.columns[name][row].as_py()
        return "" if value is None else str(value).strip()

    def keep(self, mask: np.ndarray) -> Table:
        """Return the table without the rows where `mask` [N] is False."""
        import pyarrow as pa  # noqa: PLC0415  (slow to import)

        columns = {name: cells.filter(pa.array(mask)) for name, cells in self.columns.items()}
        lines = None if self.lines is None else self.lines[mask]
        return replace(self, columns=columns, rows=self.rows[mask], lines=lines)

    def missing(self, name: str) -> np.ndarray:
        """Return which cells of a column are missing, [N] bool: see MISSING; null or NaN."""
        cells = self._texts(name)
        return np.asarray(cells.is_null().to_numpy(zero_copy_only=False), dtype=bool)

    def texts(self, name: str) -> list[str | None]:
        """Return a column as text without blanks around it, None where it is missing.

        Whole numbers are written as such, also where a Parquet file has them as floats, as pandas
        writes integers among which some are missing; its booleans are "True" and "False".
        """
        listed: list[str | None] = self._texts(name).to_pylist()
        return listed

    def numbers(self, name: str) -> Numbers:
        """Return a column as numbers: integers, floats, true and false."""
        import pyarrow as pa  # noqa: PLC0415  (slow to import)

        cells = self._plain(name)
        if pa.types.is_large_string(cells.type):
            values = _parsed(self._texts(name))
        else:
            with np.errstate(over="ignore"):
                values = np.array(
                    cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False),
                    dtype=np.float64,
                )
        bad = ~self.missing(name) & ~(np.abs(values) <= _LARGEST)
        return Numbers(np.where(bad, np.nan, values), bad)

    def _texts(self, name: str) -> Any:
        import pyarrow as pa  # noqa: PLC0415  (slow to import)
        import pyarrow.compute as pc  # noqa: PLC0415  (slow to import)

        cells = self._plain(name)
        if pa.types.is_floating(cells.type):
            cells = pc.if_else(pc.is_nan(cells), pa.scalar(None, cells.type), cells)
            present = cells.drop_null()
            whole = pc.all(pc.and_(pc.equal(pc.floor(present), present), pc.is_finite(present)))
            if whole.as_py() and not pc.any(pc.greater(pc.abs(present), 2.0**53)).as_py():
                cells = cells.cast(pa.int64())
        if pa.types.is_boolean(cells.type):  # as Python and pandas write them, not "true"
            cells = pc.if_else(cells, "True", "False")
        cells = pc.utf8_trim_whitespace(cells.cast(pa.large_string()))
        absent = pc.is_in(cells, value_set=pa.array(MISSING, pa.large_string()))
        return pc.if_else(absent, pa.scalar(None, pa.large_string()), cells)

    def _plain(self, name: str) -> Any:
        """Return a column as text, numbers or booleans in one piece."""
        import pyarrow as pa  # noqa: PLC0415  (slow to import)

        cells = self.columns[name]
        kind = cells.type
        if pa.types.is_dictionary(kind):
            cells, kind = cells.cast(kind.value_type), kind.value_type
        if isinstance(cells, pa.ChunkedArray):
            cells = cells.combine_chunks()
        texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
        if any(is_text(kind) for is_text in texts) or pa.types.is_null(kind):
            return cells.cast(pa.large_string())
        if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
            return cells.cast(pa.float64())
        if not pa.types.is_integer(kind) and not pa.types.is_boolean(kind):
            raise DataError(
                f"{self.path}: a column must hold numbers, true and false, or text, got {name} of "
                f"type {kind}; write it as one of these, or leave it out"
            )
        return cells


def _parsed(cells: Any) -> np.ndarray:
    """Return trimmed texts as float64, NaN for null and for what is no number."""
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    with contextlib.suppress(pa.ArrowInvalid):  # which does not say where
        return np.array(cells.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    texts = cells.to_pylist()
    if {text.lower() for text in texts if text is not None} <= {"true", "false"}:
        return np.array([np.nan if t is None else float(t.lower() == "true") for t in texts])
    return np.array([_number(text) for text in texts])


def _number(text: str | None) -> float:
    try:
        return float("nan" if text is None or "_" in text else text)
    except ValueError:
        return float("nan")


def read_table(path: Path, *, delimiter: str | None = None) -> Table:
    """Read a CSV, TSV or Parquet file whole.

    Text files are UTF-8, with or without a byte order mark, have a header, and may be gzipped;
    cells may be quoted and then hold line ends; empty lines are skipped.

    Args:
        path: the file; what it is, is told by its ending: see ENDINGS.
        delimiter: what separates columns; None for a tab in .tsv files and a comma in others.

    Raises:
        DataError: an absent or unreadable file, another kind of file, one that is damaged or not
            UTF-8, no header, no rows, a column without a name or with that of another, another
            delimiter, a row with more or fewer cells than the header.
    """
    ending = ending_of(path)
    check_readable(path)
    if not ending:
        known = ", ".join(ENDINGS)
        raise DataError(f"a table is a file that ends in one of {known}; got {path}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; a table has a header and rows")
    if ending == ".parquet":
        return _read_parquet(path)
    separator = delimiter or ("\t" if ending.startswith(".tsv") else ",")
    if len(separator) != 1 or not separator.isascii() or separator in '"\r\n':
        raise DataError(f"data.table.delimiter must be one ASCII character, got {separator!r}")
    try:
        return _read_text(path, separator)
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    except (OSError, EOFError) as error:  # a damaged .gz
        raise DataError(f"cannot read {path}: {error}") from error


def check_readable(path: Path) -> None:
    """Raise DataError unless a file can be opened."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:  # a NUL
        raise DataError(f"cannot read {str(path)!r}: no file can be called so") from error


def ending_of(path: Path) -> str:
    """Return which of ENDINGS a file has, "" for none."""
    name = path.name.lower()
    return next((ending for ending in ENDINGS if name.endswith(ending)), "")


def _read_parquet(path: Path) -> Table:
    import pyarrow as pa  # noqa: PLC0415  (slow to import)
    import pyarrow.parquet as pq  # noqa: PLC0415  (slow to import)

    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a Parquet file, or is damaged: {error}") from error
    _check_names(path, table.column_names)
    # pandas keeps its row numbers as such a column, and takes it for none of the table's.
    named = zip(table.column_names, table.columns, strict=True)
    columns = {name: cells for name, cells in named if not re.match(r"__index_level_\d+__$", name)}
    if len(table) == 0:
        raise DataError(f"{path} has columns but no rows")
    return Table(path, columns, np.arange(len(table)))


def _read_text(path: Path, delimiter: str) -> Table:
    import pyarrow as pa  # noqa: PLC0415  (slow to import)
    from pyarrow import csv as arrow_csv  # noqa: PLC0415  (slow to import)

    header, header_ends = _header(path, delimiter)
    _check_delimiter(path, header, delimiter)
    _check_names(path, header)
    cells = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(header, pa.large_string()), strings_can_be_null=False
    )
    options = arrow_csv.ReadOptions(
        column_names=header, skip_rows=header_ends, block_size=1 << 24, encoding="utf8"
    )
    form = arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    try:
        with pa.input_stream(path, compression="detect") as file:
            table = arrow_csv.read_csv(file, options, form, cells)
    except pa.ArrowInvalid as error:
        raise _unreadable(path, delimiter, header, str(error)) from error
    if len(table) == 0:
        raise DataError(f"{path} has a header but no rows")
    columns = dict(zip(header, table.columns, strict=True))
    return Table(
        path, columns, np.arange(len(table)), _lines(path, delimiter, header_ends, len(table))
    )


def _header(path: Path, delimiter: str) -> tuple[list[str], int]:
    """Return the column names, and on which line the header ends."""
    with text_rows(path, delimiter) as rows:
        for start, ends, header in rows:
            if any(cell.strip() for cell in header):
                if "\0" in "".join(header):
                    raise DataError(f"{path} line {start} is not text; save the file as UTF-8")
                return [cell.strip() for cell in header], ends
    raise DataError(f"{path} is empty; a table has a header and rows")


def _check_delimiter(path: Path, header: Sequence[str], delimiter: str) -> None:
    if len(header) > 1:
        return
    marks = [mark for mark in ";\t|," if mark in header[0] and mark != delimiter]
    if marks:
        mark = max(marks, key=header[0].count)
        raise DataError(
            f"{path} has one column where {delimiter!r} separates columns: {header[0]!r}; "
            f"set data.table.delimiter to {mark!r}"
        )


def _check_names(path: Path, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        where = [str(i) for i, name in enumerate(names, 1) if name == twice[0]]
        raise DataError(
            f"{path}: column names must differ, got {twice[0]!r} for columns {', '.join(where)}"
        )
    if "" in names:
        rule = f"{path}: column {names.index('') + 1} of {len(names)} has no name in the header"
        raise DataError(f"{rule}; name it, or write the file without it (pandas: index=False)")


def _unreadable(path: Path, delimiter: str, header: Sequence[str], reason: str) -> DataError:
    """Find the line that pyarrow could not read, which it does not tell."""
    if "Empty CSV file" in reason:
        return DataError(f"{path} has a header but no rows")
    with text_rows(path, delimiter) as rows:
        for start, ends, row in rows:
            if row and len(row) != len(header):
                hint = (
                    f"the quote that opens there ends on line {ends}"
                    if ends > start
                    else f"a cell that holds {delimiter!r} must be in quotes"
                )
                cells = f"{len(row)} cell{'s' if len(row) != 1 else ''}"
                return DataError(
                    f"{path} line {start}: {cells}, where the header names {len(header)}; {hint}"
                )
    return DataError(f"{path} cannot be read as a table: {' '.join(reason.split())[:300]}")


def _lines(path: Path, delimiter: str, header_ends: int, count: int) -> np.ndarray | None:
    """Return the line on which each row begins; None where Python's reader sees other rows."""
    if _is_plain(path, header_ends + count):
        return np.arange(header_ends + 1, header_ends + count + 1)
    with text_rows(path, delimiter) as rows:
        starts = [start for start, _, row in rows if row and start > header_ends]
    return np.array(starts) if len(starts) == count else None


def _is_plain(path: Path, rows: int) -> bool:
    """Tell whether a file has so many lines and no quote, so that every row is a line."""
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    ends, last = 0, b""
    with pa.input_stream(path, compression="detect") as raw:
        while block := raw.read(1 << 20):
            if b'"' in block:
                return False
            ends, last = ends + block.count(b"\n"), block[-1:]
    return ends + (last != b"\n") == rows


@contextlib.contextmanager
def text_rows(path: Path, delimiter: str) -> Iterator[Iterator[tuple[int, int, list[str]]]]:
    """Read rows with Python's reader, each with its first and its last line; blank ones are [].

    Raises:
        DataError: quotes that do not fit, such as one that is never closed.
        UnicodeDecodeError, OSError, EOFError: not UTF-8, or damaged.
    """
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    def read(file: io.TextIOWrapper) -> Iterator[tuple[int, int, list[str]]]:
        # Strict, for else a quote that is never closed takes all that follows for one cell.
        reader, start = csv.reader(file, delimiter=delimiter, strict=True), 1
        try:
            for row in reader:
                yield start, reader.line_num, row
                start = reader.line_num + 1
        except csv.Error as error:
            never = "a quote opens there that is never closed"
            why = never if "end of data" in str(error) else f"badly quoted: {error}"
            raise DataError(
                f"{path} line {start}: {why}; a quote inside a quoted cell is written twice"
            ) from error

    limit = csv.field_size_limit(_LONGEST)
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
                    f"{path} line {number}: a table must be UTF-8 text, got the bytes {shown!r}; "
                    "save it as UTF-8"
                )
    return DataError(f"{path}: a table must be UTF-8 text; save it as UTF-8")
