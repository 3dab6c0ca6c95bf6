"""Read scores from a column of a file with comma, semicolon or tab separated values."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from papertrial.errors import ProgramFailedError, did_you_mean
from papertrial.numbers import plural
from papertrial.programs.found import Found, cut, parse_step, parse_value
from papertrial.programs.text_lines import read_lines

_DELIMITERS = ",;\t"
_CUT = ": it is cut short, as the program did not finish writing it"


def find_in_csv(path: Path, column: str, step: str | None) -> Iterator[Found]:
    """Yield the values of a column; rows in which it is empty are left out.

    Raises:
        ProgramFailedError: the file lacks the column, a row has another number of cells than the
            first, or a value is not a number.
    """
    lines = read_lines(path)
    first = next(lines, None)
    if first is None:
        raise ProgramFailedError(f"{path.name} is empty")
    header = first.text.removeprefix("\ufeff")
    delimiter = max(_DELIMITERS, key=header.count)
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter))]
    at = _index(path, names, column)
    step_at = None if step is None else _index(path, names, step)
    line = first

    def texts() -> Iterator[str]:
        nonlocal line
        for line in lines:
            yield line.text + "\n"

    try:
        for row in csv.reader(texts(), delimiter=delimiter, strict=True):
            if len(row) != len(names):
                raise ProgramFailedError(
                    f"line {line.number} of {path.name} has {plural(len(row), 'cell')}, and the "
                    f"first line has {len(names)}{'' if line.is_ended else _CUT}"
                )
            if not row[at].strip():
                continue
            value, has_sign = parse_value(row[at], line.number)
            yield Found(
                value=value,
                step=None if step_at is None else parse_step(row[step_at], line.number),
                line=line.number,
                text=cut(f"{column}: {row[at].strip()}"),
                has_percent_sign=has_sign,
            )
    except csv.Error as error:
        raise ProgramFailedError(
            f"line {line.number} of {path.name} cannot be read: {error}"
            f"{'' if line.is_ended else _CUT}"
        ) from error


def _index(path: Path, names: list[str], column: str) -> int:
    if column not in names:
        raise ProgramFailedError(
            f'no column "{column}" in {path.name}{did_you_mean(column, names)}'
        )
    if names.count(column) > 1:
        raise ProgramFailedError(f'{path.name} has {names.count(column)} columns "{column}"')
    return names.index(column)
