"""Read scores from a column of a file with comma, semicolon or tab separated values."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from papertrial.errors import ProgramFailedError, did_you_mean
from papertrial.programs.found import Found, cut, parse_step, parse_value

_DELIMITERS = ",;\t"


def find_in_csv(path: Path, column: str, step: str | None) -> Iterator[Found]:
    """Yield the values of a column; rows in which it is empty are left out.

    Raises:
        ProgramFailedError: the file lacks the column, a row has another number of cells than the
            first, or a value is not a number.
    """
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        header = file.readline()
        if not header.strip():
            raise ProgramFailedError(f"{path.name} is empty, or its first line is")
        delimiter = max(_DELIMITERS, key=header.count)
        names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter))]
        at = _index(path, names, column)
        step_at = None if step is None else _index(path, names, step)
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            for row in reader:
                line = reader.line_num + 1
                if not row:
                    continue
                if len(row) != len(names):
                    raise ProgramFailedError(_unequal(path, line, len(row), len(names)))
                if not row[at].strip():
                    continue
                value, has_sign = parse_value(row[at], line)
                yield Found(
                    value=value,
                    step=None if step_at is None else parse_step(row[step_at], line),
                    line=line,
                    text=cut(f"{column}: {row[at].strip()}"),
                    has_percent_sign=has_sign,
                )
        except csv.Error as error:
            raise ProgramFailedError(
                f"line {reader.line_num + 1} of {path.name} cannot be read: {error}"
            ) from error


def _index(path: Path, names: list[str], column: str) -> int:
    if column not in names:
        raise ProgramFailedError(
            f'no column "{column}" in {path.name}{did_you_mean(column, names)}'
        )
    if names.count(column) > 1:
        raise ProgramFailedError(f'{path.name} has {names.count(column)} columns "{column}"')
    return names.index(column)


def _unequal(path: Path, line: int, found: int, expected: int) -> str:
    text = f"line {line} of {path.name} has {found} cells, and the first line has {expected}"
    with path.open("rb") as file:
        file.seek(-1, 2)
        ended = file.read() in (b"\n", b"\r")
    return text if ended else f"{text}; the file may be cut short, as its last line has no end"
