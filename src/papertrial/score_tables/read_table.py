"""Tables of scores from text: CSV with or without a header, JSON lines, a JSON list."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from papertrial.errors import ScoresError
from papertrial.numbers import plural
from papertrial.score_tables.read_cell import is_number
from papertrial.score_tables.score_table import (
    UNNAMED,
    ScoreTable,
    digest,
    read_bytes,
    table_of_columns,
    table_of_numbers,
    table_of_objects,
)

_DELIMITERS = (";", "\t", ",")
_SEMICOLON = ";"  # between numbers with decimal commas


def read_table(path: str) -> ScoreTable:
    """Read a table of scores from a file, or from standard input ("-").

    Raises:
        ScoresError: it cannot be read, or is no such table.
    """
    name, content = read_bytes(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScoresError(f"{name} is not UTF-8 text: {error.reason}; save it as UTF-8") from error
    return replace(table_from_text(text, name), sha256=digest(content))


def numbers_in(text: str) -> list[str]:
    """Return the numbers of a text such as "3.274, 3.276", still as text.

    They are separated by commas or by spaces; or by semicolons, and may then have decimal commas,
    as in a file.

    Raises:
        ScoresError: there are none, or commas and spaces are mixed: either may be what separates.
    """
    lines = re.sub(r"\s+%", "%", text).splitlines()
    if _SEMICOLON in text:
        parts = [part.replace(",", ".") for line in lines for part in line.split(_SEMICOLON)]
    elif "," in text:
        parts = [part for line in lines for part in line.split(",")]
    else:
        parts = [part for line in lines for part in line.split()]
    found = [part.strip() for part in parts if part.strip()]
    if not found:
        raise ScoresError("no scores were given; write 3.274,3.276,3.279")
    mixed = next((part for part in found if len(part.split()) > 1), None)
    if mixed is not None:
        raise ScoresError(
            f"{mixed!r} is not one number: separate all scores by commas, or all by spaces; those "
            "with decimal commas by semicolons"
        )
    return found


def table_from_text(text: str, name: str) -> ScoreTable:
    """Return the table of scores in a text.

    Raises:
        ScoresError: it is no such table.
    """
    if not text.strip():
        raise ScoresError(f"{name} is empty; give one row for each run")
    return _from_json(text, name) if text.lstrip()[0] in "[{" else _from_csv(text, name)


def _from_csv(text: str, name: str) -> ScoreTable:
    """Return the table in a CSV text; blank lines are skipped."""
    first = next(line for line in text.splitlines() if line.strip())
    delimiter = next((sign for sign in _DELIMITERS if sign in first), None)
    comma = delimiter == _SEMICOLON
    places, rows = list[str](), list[list[str]]()
    for line, row in _rows(text, name, delimiter):
        places.append(f"line {line}")
        rows.append([cell.strip() for cell in row])
    has_header = not all(is_number(cell, decimal_comma=comma) for cell in rows[0] if cell)
    if delimiter is None and _are_numbers(rows[0][0].split()):
        raise ScoresError(
            f"{places[0]} of {name} has several numbers; give one in each line, or commas between "
            "columns with names"
        )
    if not has_header and len(rows[0]) > 1:
        raise ScoresError(
            f"{places[0]} of {name} has {plural(len(rows[0]), 'number')}, and names no columns; "
            "give the columns names in the first line (numbers with decimal commas need ; between "
            "columns)"
        )
    header = rows.pop(0) if has_header else [UNNAMED]
    if has_header:
        places.pop(0)
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise ScoresError(f'{name} has {header.count(twice[0])} columns "{twice[0]}"; rename one')
    for place, row in zip(places, rows, strict=True):
        if len(row) != len(header):
            raise ScoresError(
                f"{place} of {name} has {plural(len(row), 'cell')}, and the first line has "
                f"{len(header)}"
            )
    columns = {column: [row[i] for row in rows] for i, column in enumerate(header)}
    return ScoreTable(name, columns, places, decimal_comma=comma)


def _are_numbers(words: Sequence[str]) -> bool:
    return len(words) > 1 and all(is_number(word, decimal_comma=False) for word in words)


def _rows(text: str, name: str, delimiter: str | None) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV text that are not blank, with the numbers of their lines."""
    if delimiter is None:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield number, [line.strip().strip('"')]
        return
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise ScoresError(f"line {reader.line_num} of {name} cannot be read: {error}") from error


def _from_json(text: str, name: str) -> ScoreTable:
    try:
        whole = _parsed(text)
    except ValueError as error:
        if "\n" not in text.strip():
            raise ScoresError(f"{name} is not JSON: {error}") from error
        return _from_json_lines(text, name)
    if isinstance(whole, Mapping):
        if not all(isinstance(cells, list) for cells in whole.values()):
            return table_of_objects([whole], name)
        return table_of_columns(whole, name)
    return _of_list(whole if isinstance(whole, list) else [whole], name, None)


def _from_json_lines(text: str, name: str) -> ScoreTable:
    rows, places = list[object](), list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            rows.append(_parsed(line))
        except ValueError as error:
            raise ScoresError(f"line {number} of {name} is not JSON: {error}") from error
        places.append(f"line {number}")
    return _of_list(rows, name, places)


def _of_list(rows: Sequence[object], name: str, places: list[str] | None) -> ScoreTable:
    """Return the table of a list of numbers, or of objects."""
    objects = [row for row in rows if isinstance(row, Mapping)]
    if not objects and not any(isinstance(row, list) for row in rows):
        return table_of_numbers(rows, name, places)
    if len(objects) < len(rows):
        raise ScoresError(f"{name} must have a number for each run, or an object for each run")
    return table_of_objects(objects, name, places)


def _parsed(text: str) -> object:
    """Return a JSON value; numbers keep their digits.

    Raises:
        ValueError: it is not JSON, or is nested too deeply.
    """
    try:
        return json.loads(text, parse_float=Decimal)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
