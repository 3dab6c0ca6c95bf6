"""Tables in files: CSV, TSV and Parquet as named columns that know the line of each row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from papertrial.data.numbers import LARGEST_FLOAT32, is_number, parse_numbers
from papertrial.data.tables.delimited_text import check_column_names, read_delimited
from papertrial.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

# How missing cells are written: pyarrow's own list, ignoring surrounding white space. "None" is
# not in it, because it is a plausible name of a category.
MISSING = (
    *("", "NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "-NaN", "-nan"),
    *("#N/A", "#N/A N/A", "#NA", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".csv.gz", ".tsv.gz", ".txt.gz")
_SHOWN_ROWS = 5


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
    lines.
    """

    path: Path
    columns: dict[str, pa.ChunkedArray]
    rows: np.ndarray
    lines: np.ndarray | None = None

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

    def keep(self, mask: np.ndarray) -> TableFile:
        """Return the table without the rows where `mask` [N] is False."""
        import pyarrow as pa  # noqa: PLC0415  (slow to import)

        columns = {name: cells.filter(pa.array(mask)) for name, cells in self.columns.items()}
        lines = None if self.lines is None else self.lines[mask]
        return replace(self, columns=columns, rows=self.rows[mask], lines=lines)

    def missing(self, name: str) -> np.ndarray:
        """Return which cells of a column are missing, [N] bool: null, NaN, or one of MISSING."""
        cells = self._trimmed_texts(name)
        return np.asarray(cells.is_null().to_numpy(zero_copy_only=False), dtype=bool)

    def texts(self, name: str) -> list[str | None]:
        """Return a column as text without surrounding white space, None for missing cells.

        Whole numbers have no decimal point, even if a Parquet file stores them as floats, as pandas
        does for integers with missing values. Booleans are "True" and "False".
        """
        listed: list[str | None] = self._trimmed_texts(name).to_pylist()
        return listed

    def numbers(self, name: str) -> NumericCells:
        """Return a column of integers, floats or booleans as numbers."""
        import pyarrow as pa  # noqa: PLC0415  (slow to import)

        cells = self._simple_cells(name)
        if pa.types.is_large_string(cells.type):
            values = parse_numbers(self._trimmed_texts(name))
        else:
            with np.errstate(over="ignore"):
                values = np.array(
                    cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False),
                    dtype=np.float64,
                )
        bad = ~self.missing(name) & ~(np.abs(values) <= LARGEST_FLOAT32)
        return NumericCells(np.where(bad, np.nan, values), bad)

    def _trimmed_texts(self, name: str) -> pa.Array:
        """Return a column as a large_string array, null for missing cells."""
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
        absent = pc.is_in(cells, value_set=pa.array(MISSING, pa.large_string()))
        return pc.if_else(absent, pa.scalar(None, pa.large_string()), cells)

    def _simple_cells(self, name: str) -> pa.Array:
        """Return a column as one large_string, float64, integer or boolean array."""
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
                f"{self.path}: a column must hold numbers, booleans or text, but {name} has the "
                f"type {kind}; convert it, or do not use the column"
            )
        return cells


def read_table(
    path: Path, *, delimiter: str | None = None, names_if_no_header: Sequence[str] = ()
) -> TableFile:
    """Read a table file, CSV, TSV or Parquet, for training and for prediction.

    Text files are UTF-8, with or without a byte order mark, have a header, and may be gzipped.
    Cells may be quoted and then contain line breaks. Empty lines are skipped.

    Args:
        path: the file. Its ending, one of ENDINGS, says what it is.
        delimiter: the character between columns; by default a tab in .tsv files, else a comma.
        names_if_no_header: the names of the columns, in order, of a text file whose first row has
            only numbers. If omitted, the first row of every text file is its header.

    Raises:
        DataError: the file is absent, unreadable, damaged, not UTF-8 or of another kind; it has no
            header or no rows; a column has no name, or the name of another; the delimiter is
            another one; a row has more or fewer cells than the header.
    """
    ending = table_ending(path)
    try:
        path.open("rb").close()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:  # a NUL in the name
        raise DataError(f"cannot read {str(path)!r}: this is not a valid file name") from error
    if not ending:
        known = ", ".join(ENDINGS)
        raise DataError(f"{path}: a table is a file that ends in one of {known}; rename the file")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; a table has a header and rows")
    if ending == ".parquet":
        return _read_parquet(path)
    separator = delimiter or ("\t" if ending.startswith(".tsv") else ",")
    columns, lines = read_delimited(path, separator, names_if_no_header)
    return TableFile(path, columns, np.arange(len(next(iter(columns.values())))), lines)


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
            if all(is_number(one) for one in header):
                rule += "; its first line must name the columns, but has only numbers"
            raise DataError(rule)


def table_ending(path: Path) -> str:
    """Return the ending of a table file, one of ENDINGS; "" if the file is not a table."""
    name = path.name.lower()
    return next((ending for ending in ENDINGS if name.endswith(ending)), "")


def _read_parquet(path: Path) -> TableFile:
    import pyarrow as pa  # noqa: PLC0415  (slow to import)
    import pyarrow.parquet as pq  # noqa: PLC0415  (slow to import)

    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a Parquet file, or is damaged: {error}") from error
    check_column_names(path, table.column_names)
    # pandas stores its row index as such a column, and does not load it as a column either.
    named = zip(table.column_names, table.columns, strict=True)
    columns = {name: cells for name, cells in named if not re.match(r"__index_level_\d+__$", name)}
    if len(table) == 0:
        raise DataError(f"{path} has columns but no rows")
    return TableFile(path, columns, np.arange(len(table)))
