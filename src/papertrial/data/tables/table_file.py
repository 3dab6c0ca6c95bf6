"""Tables in files, such as CSV and Parquet, as named columns that know the line of each row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from papertrial.data.numbers import LARGEST_FLOAT32, is_number, parse_numbers
from papertrial.data.tables.delimited_text import reading_delimited
from papertrial.data.tables.number_format import plain_numbers
from papertrial.data.tables.table_format import TableFormat
from papertrial.data.tables.typed_file import read_typed
from papertrial.errors import DataError, did_you_mean
from papertrial.progress import Step, Steps, finish
from papertrial.reading_note import ReadingNote

if TYPE_CHECKING:
    import pyarrow as pa

TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
ENDINGS = (*TEXT_ENDINGS, ".parquet", ".arrow", ".feather", ".jsonl")
_SHOWN_ROWS = 5
_LONGEST_SHOWN = 60  # characters of a cell


class NumericCells(NamedTuple):
    """A column as float64 [N], NaN where a cell is missing or bad, and which are bad, [N] bool.

    A bad cell is not a number, or is infinite or beyond the range of float32.
    """

    values: np.ndarray
    bad: np.ndarray


@dataclass(frozen=True)
class TableFile:
    """Named columns of N cells each, and the position of each row in the file.

    `columns` holds pyarrow arrays: text as written (CSV), or values of the file's types (Parquet).
    `rows` [N] numbers the file's rows from 0, `lines` [N] its lines from 1. A Parquet file has no
    lines. `form` says how cells are written, with what was guessed; `notes` what reading the file
    left out, guessed and filled.
    """

    path: Path
    columns: dict[str, pa.ChunkedArray]
    rows: np.ndarray
    lines: np.ndarray | None = None
    form: TableFormat = field(default_factory=TableFormat)
    notes: tuple[ReadingNote, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def position(self, row: int) -> str:
        """Return "line 7", or for a Parquet file "row 7", counted from 0."""
        return f"row {self.rows[row]}" if self.lines is None else f"line {self.lines[row]}"

    def where(self, row: int) -> str:
        """Return the file and the position of a row, for messages."""
        return f"{self.path} {self.position(row)}"

    def rows_in_words(self, mask: np.ndarray) -> str:
        """Return "2 of 9 (line 3, line 5)" for the rows where `mask` [N] is True, for messages."""
        rows = np.flatnonzero(mask)
        listed = ", ".join(self.position(int(row)) for row in rows[:_SHOWN_ROWS])
        return f"{len(rows)} of {len(self)} ({listed}{', ...' if len(rows) > _SHOWN_ROWS else ''})"

    def written(self, name: str, row: int) -> str:
        """Return a cell as it is written in the file, for messages."""
        value = self.columns[name][row].as_py()
        return "" if value is None else str(value).strip()

    def quoted(self, name: str, row: int) -> str:
        """Return a cell in quotes, shortened, for messages."""
        cell = self.written(name, row)
        return repr(cell if len(cell) <= _LONGEST_SHOWN else f"{cell[:_LONGEST_SHOWN]}…")

    def keep(self, mask: np.ndarray) -> TableFile:
        """Return the table without the rows where `mask` [N] is False."""
        import pyarrow as pa  # noqa: PLC0415  (slow to import)

        columns = {name: cells.filter(pa.array(mask)) for name, cells in self.columns.items()}
        lines = None if self.lines is None else self.lines[mask]
        return replace(self, columns=columns, rows=self.rows[mask], lines=lines)

    def missing(self, name: str) -> np.ndarray:
        """Return which cells of a column are missing, [N] bool: null, NaN, or written so."""
        cells = self.columns[name] if self.has_dates(name) else self.trimmed_texts(name)
        return np.asarray(cells.is_null().to_numpy(zero_copy_only=False), dtype=bool)

    def texts(self, name: str) -> list[str | None]:
        """Return a column as text without surrounding white space, None for missing cells.

        Whole numbers have no decimal point, even if a Parquet file stores them as floats, as pandas
        does for integers with missing values. Booleans are "True" and "False".
        """
        listed: list[str | None] = self.trimmed_texts(name).to_pylist()
        return listed

    def numbers(self, name: str) -> NumericCells:
        """Return a column of integers, floats or booleans as numbers."""
        import pyarrow as pa  # noqa: PLC0415  (slow to import)

        cells, texts = self._simple_cells(name), self.trimmed_texts(name)
        if pa.types.is_large_string(cells.type):
            values = parse_numbers(plain_numbers(texts, self.form))
        else:
            with np.errstate(over="ignore"):
                values = np.array(
                    cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False),
                    dtype=np.float64,
                )
        present = np.asarray(texts.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
        bad = present & ~(np.abs(values) <= LARGEST_FLOAT32)
        return NumericCells(np.where(bad | ~present, np.nan, values), bad)

    def has_dates(self, name: str) -> bool:
        """Return whether the type of a column is one of dates."""
        import pyarrow as pa  # noqa: PLC0415  (slow to import)

        kind = self.columns[name].type
        return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))

    def is_plain(self, name: str) -> bool:
        """Return whether a column holds numbers, booleans or text, not dates or lists."""
        import pyarrow as pa  # noqa: PLC0415  (slow to import)

        kind = self.columns[name].type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
        numbers = (pa.types.is_decimal, pa.types.is_floating, pa.types.is_integer)
        known = (*texts, *numbers, pa.types.is_boolean, pa.types.is_null)
        return any(is_of(kind) for is_of in known)

    def trimmed_texts(self, name: str) -> pa.Array:
        """Return a column as a large_string array without white space around, null for missing."""
        import pyarrow as pa  # noqa: PLC0415  (slow to import)
        import pyarrow.compute as pc  # noqa: PLC0415  (slow to import)

        cells = self._simple_cells(name)
        if pa.types.is_floating(cells.type):
            cells = pc.if_else(pc.is_nan(cells), pa.scalar(None, cells.type), cells)
            present = cells.drop_null()
            whole = pc.all(pc.and_(pc.equal(pc.floor(present), present), pc.is_finite(present)))
            if whole.as_py() and not pc.any(pc.greater(pc.abs(present), 2.0**53)).as_py():
                cells = cells.cast(pa.int64())
        if pa.types.is_boolean(cells.type):  # as Python and pandas write them, not "true"
            cells = pc.if_else(cells, "True", "False")
        cells = pc.utf8_trim_whitespace(cells.cast(pa.large_string()))
        absent = pc.is_in(cells, value_set=pa.array(self.form.missing, pa.large_string()))
        return pc.if_else(absent, pa.scalar(None, pa.large_string()), cells)

    def _simple_cells(self, name: str) -> pa.Array:
        """Return a column as one large_string, float64, integer or boolean array."""
        import pyarrow as pa  # noqa: PLC0415  (slow to import)

        cells = self.columns[name]
        kind = cells.type
        if pa.types.is_dictionary(kind):
            cells, kind = cells.cast(kind.value_type), kind.value_type
        texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
        if any(is_text(kind) for is_text in texts) or pa.types.is_null(kind):
            cells, kind = cells.cast(pa.large_string()), pa.large_string()
        if isinstance(cells, pa.ChunkedArray):
            cells = cells.combine_chunks()
        if kind == pa.large_string():
            return cells
        if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
            return cells.cast(pa.float64())
        if not self.is_plain(name):
            fix = "list it in data.table.dates to turn it into numbers"
            raise DataError(
                f"{self.path}: a column must hold numbers, booleans or text, but {name} has the "
                f"type {kind}; {fix if self.has_dates(name) else 'convert it'}, or list it in "
                "data.table.exclude"
            )
        return cells


def read_table(
    path: Path, form: TableFormat | None = None, *, names_if_no_header: Sequence[str] = ()
) -> TableFile:
    """Do what `reading_table` does, without progress."""
    return finish(reading_table(path, form, names_if_no_header=names_if_no_header))


def reading_table(
    path: Path, form: TableFormat | None = None, *, names_if_no_header: Sequence[str] = ()
) -> Steps[TableFile]:
    """Read a table file for training and for prediction, yielding progress.

    Text files may be gzipped. Their cells may be quoted and then contain line breaks. Empty lines
    are skipped.

    Args:
        path: the file. Its ending, one of ENDINGS, says what it is.
        form: how its cells are written; what it leaves open is found or guessed, with a note.
        names_if_no_header: the names of the columns, in order, of a text file whose first row has
            only numbers. If omitted, the first row of every text file is its header.

    Raises:
        DataError: the file is absent, unreadable, damaged or of another kind; its encoding cannot
            be told; it has no header or no rows; a column has no name, or the name of another; the
            delimiter is another one; a row has more or fewer cells than the header.
    """
    form, ending = form or TableFormat(), table_ending(path)
    try:
        path.open("rb").close()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:  # a NUL in the name
        raise DataError(f"cannot read {str(path)!r}: this is not a valid file name") from error
    if not ending:
        known = ", ".join(ENDINGS)
        raise DataError(f"{path}: a table is a file that ends in one of {known}; {_fix(path)}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; a table has a header and rows")
    if ending not in TEXT_ENDINGS:
        yield Step(f"reading {path}", 0, None, "rows")
        columns = read_typed(path, ending)
        return TableFile(path, columns, np.arange(len(next(iter(columns.values())))), form=form)
    default = "\t" if ending.startswith(".tsv") else ","
    text = yield from reading_delimited(path, form, default, names_if_no_header)
    rows = np.arange(len(next(iter(text.columns.values()))))
    return TableFile(path, text.columns, rows, text.lines, text.form, text.notes)


def check_has_columns(table: TableFile, names: Iterable[str], key: str) -> None:
    """Raise DataError unless a table file has the columns that a recipe names.

    Args:
        table: the table.
        names: names of columns.
        key: the key of the recipe that names them, as in "data.table.features".
    """
    for name in names:
        if name not in table.columns:
            header = list(table.columns)
            rule = f"{key}: {table.path} has no column {name!r}{did_you_mean(name, header)}"
            if any(is_number(one) for one in header):
                only = "only numbers" if all(map(is_number, header)) else "numbers"
                rule += (
                    f"; its first line must name the columns, but has {only}: if it is a row, set "
                    f"data.table.header: false and give the {len(header)} columns "
                    "data.table.names, or name them column1, column2, ..."
                )
            raise DataError(rule)


def table_ending(path: Path) -> str:
    """Return the ending of a table file, one of ENDINGS; "" if the file is not a table."""
    name = path.name.lower()
    return next((ending for ending in ENDINGS if name.endswith(ending)), "")


def _fix(path: Path) -> str:
    if path.suffix.lower() in (".xlsx", ".xls", ".ods"):
        return "save the sheet as CSV UTF-8"
    return "rename the file"
