"""Tables of scores, one row a run: from text, a file, or Python objects."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from papertrial.errors import ScoresError
from papertrial.numbers import plural

STANDARD_INPUT = "-"
UNNAMED = ""  # the name of the only column, if it has none


@dataclass(frozen=True)
class ScoreTable:
    """Scores as they were given, before any is taken as a number.

    Attributes:
        name: of the file, or what else messages call the table.
        columns: the cells of each column by its name, in the order of the rows.
        places: where each row is, for messages: "line 3".
        sha256: of the file; None if there is none.
        decimal_comma: whether a comma in a number is a decimal point.
    """

    name: str
    columns: Mapping[str, Sequence[object]]
    places: Sequence[str]
    sha256: str | None = None
    decimal_comma: bool = False

    def __len__(self) -> int:
        return len(self.places)

    @property
    def is_unnamed(self) -> bool:
        """Whether it has one column, which has no name."""
        return list(self.columns) == [UNNAMED]

    def where(self, row: int) -> str:
        """Return the place of a row, with the table: "line 3 of scores.csv"."""
        return f"{self.places[row]} of {self.name}"


def table_of_numbers(
    cells: Sequence[object], name: str, places: Sequence[str] | None = None
) -> ScoreTable:
    """Return the table of scores whose column has no name."""
    return ScoreTable(name, {UNNAMED: cells}, places or _entries(len(cells)))


def table_of_columns(columns: Mapping[str, Sequence[object]], name: str) -> ScoreTable:
    """Return the table of these columns.

    Raises:
        ScoresError: they have different lengths.
    """
    lengths = {column: len(cells) for column, cells in columns.items()}
    if len(set(lengths.values())) > 1:
        got = ", ".join(f"{column} has {plural(n, 'score')}" for column, n in lengths.items())
        raise ScoresError(
            f"the columns of {name} have different lengths: {got}; give one score of each for each "
            "run"
        )
    return ScoreTable(name, columns, _entries(max(lengths.values(), default=0)))


def table_of_objects(
    rows: Sequence[Mapping[str, object]], name: str, places: Sequence[str] | None = None
) -> ScoreTable:
    """Return the table of these objects, one a run; a key that a row lacks is an empty cell.

    The column of a value inside another object is named by both keys: "final.loss".
    """
    flat = [dict(_values_in(row, "")) for row in rows]
    names = dict.fromkeys(column for row in flat for column in row)
    columns = {column: [row.get(column) for row in flat] for column in names}
    return ScoreTable(name, columns, places or _entries(len(rows)))


def table_from_python(scores: object) -> ScoreTable:
    """Return the table of a list of numbers or of mappings, an array, or a mapping of columns.

    A data frame or a table with named columns, such as those of pandas, polars and pyarrow, is such
    a mapping.

    Raises:
        ScoresError: it is none of these.
    """
    name = "these scores"
    columns = _columns_of(scores)
    if columns is not None:
        return table_of_columns(columns, name)
    if not isinstance(scores, Iterable):
        raise ScoresError(f"scores must be a list of numbers, or columns by name, got {scores!r}")
    items = [_plain(item) for item in scores]
    objects = [item for item in items if isinstance(item, Mapping)]
    if objects and len(objects) == len(items):
        return table_of_objects(objects, name)
    nested = next((i for i, item in enumerate(items) if isinstance(item, list | tuple)), None)
    if nested is not None:
        raise ScoresError(
            f"{_entries(nested + 1)[-1]} of the scores is a list: give one number for each run, or "
            "columns by name"
        )
    return table_of_numbers(items, name)


def read_bytes(path: str) -> tuple[str, bytes]:
    """Return the name and the bytes of a file of scores; "-" is standard input.

    Raises:
        ScoresError: it cannot be read.
    """
    if path == STANDARD_INPUT:
        return "standard input", sys.stdin.buffer.read()
    try:
        return Path(path).name, Path(path).read_bytes()
    except FileNotFoundError:
        raise ScoresError(
            f"there is no file {path!r}; give a CSV file, JSON lines, or - for standard input"
        ) from None
    except OSError as error:
        raise ScoresError(f"cannot read {path!r}: {error.strerror or error}") from error


def digest(content: bytes) -> str:
    """Return the SHA-256 of a file of scores."""
    return hashlib.sha256(content).hexdigest()


def _values_in(row: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in row.items():
        if isinstance(value, Mapping):
            yield from _values_in(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _columns_of(scores: object) -> dict[str, list[object]] | None:
    """Return the columns of a mapping or of a data frame; None for anything else."""
    if hasattr(scores, "to_pydict"):  # a table of pyarrow
        scores = scores.to_pydict()
    names = scores if isinstance(scores, Mapping) else getattr(scores, "columns", None)
    if names is None or not hasattr(scores, "__getitem__"):
        return None
    return {str(name): _as_list(scores[name]) for name in names}


def _as_list(column: object) -> list[object]:
    plain = _plain(column)
    if isinstance(plain, str) or not isinstance(plain, Iterable):
        return [plain]
    return [_plain(item) for item in plain]


def _plain(value: object) -> object:
    """Return a value without the types of numpy, torch or pandas."""
    if isinstance(value, str | int | float | Mapping) or value is None:
        return value
    for method in ("tolist", "to_list"):
        if hasattr(value, method):
            return getattr(value, method)()
    return value


def _entries(count: int) -> list[str]:
    return [f"entry {i}" for i in range(1, count + 1)]
