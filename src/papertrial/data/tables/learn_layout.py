"""Learn the layout of a training table: which columns hold numbers, categories and dates."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from papertrial.data.numbers import is_number, sort_values
from papertrial.data.tables.dates import date_numbers
from papertrial.data.tables.float32 import Rounding, fit_float32
from papertrial.data.tables.layout import Feature, Layout, Unseen, raise_all
from papertrial.data.tables.missing_words import check_no_category_is_missing
from papertrial.data.tables.number_format import number_advice
from papertrial.data.tables.table_file import TableFile
from papertrial.errors import DataError
from papertrial.reading_note import ReadingNote

_MOST_CATEGORIES = 100
_MOST_CELLS = 1000  # distinct ones that advice looks at


@dataclass(frozen=True)
class Encoding:
    """How the feature columns of a table are encoded, where they do not hold numbers.

    Args:
        categorical: the columns of categories, one-hot.
        codes: the columns of categories, as one number each.
        dates: the columns of dates, with the parts of DATE_PARTS that become numbers.
        unseen: see `Layout`.
        fills_missing: see `Layout`.
    """

    categorical: Collection[str] = ()
    codes: Collection[str] = ()
    dates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unseen: Unseen = "error"
    fills_missing: bool = False


class LearnedLayout(NamedTuple):
    """The layout of a table, and notes on what it converts."""

    layout: Layout
    notes: list[ReadingNote]


def learn_layout(
    table: TableFile, features: Sequence[str], encoding: Encoding | None = None
) -> LearnedLayout:
    """Learn the layout of the feature columns from a training table.

    Raises:
        DataError: a column that is not declared categorical holds text, a categorical column has
            too many categories, or none, or the numbers of a column collapse in float32. The
            message has the problems of all columns.
    """
    encoding = encoding or Encoding()
    found: list[Feature] = []
    notes: list[ReadingNote] = []
    problems: list[str] = []
    for name in features:
        try:
            feature, more = _feature(table, name, encoding)
            found.append(feature)
            notes += more
        except DataError as error:
            problems.append(str(error))
    raise_all(problems)
    layout = Layout(tuple(found), encoding.fills_missing, encoding.unseen)
    twice = sorted({name for name in layout.names if layout.names.count(name) > 1})
    if twice:
        raise DataError(
            f"{table.path}: a column and a category are both called {twice[0]!r}; rename the column"
        )
    return LearnedLayout(layout, notes)


def _feature(table: TableFile, name: str, encoding: Encoding) -> tuple[Feature, list[ReadingNote]]:
    if name in encoding.dates:
        parts = encoding.dates[name]
        columns = date_numbers(table, name, parts).T
        what = f"{table.path}: {name}"
        offsets = tuple(fit_float32(column, what).offset for column in columns)
        since = dict(zip(parts, offsets, strict=True))
        encoded = [f"{p} after {since[p]:.17g}" if since[p] else p for p in parts]
        note = _note(table, f"{name} holds dates, encoded as {', '.join(encoded)}")
        return Feature(name, dates=parts, offsets=offsets if any(offsets) else ()), [note]
    if name in encoding.codes:
        categories = _categories(table, name, coded=True)
        rows = len(categories) + 1
        what = (
            f"{name} has {len(categories):,} categories, encoded as codes from 1; 0 is no known "
            f"category, so an embedding needs {rows:,} rows"
        )
        return Feature(name, categories, coded=True), [_note(table, what)]
    if name in encoding.categorical:
        return Feature(name, _categories(table, name, coded=False)), []
    rounding = fit_float32(_numbers(table, name), f"{table.path}: {name}")
    offsets = (rounding.offset,) if rounding.offset else ()
    return Feature(name, offsets=offsets), rounding_notes(name, rounding)


def rounding_notes(name: str, rounding: Rounding) -> list[ReadingNote]:
    """Return what float32 does to the numbers of a column, as notes."""
    if rounding.offset:
        what = (
            f"{name} holds differences from {rounding.offset:.17g}, because float32 has too few "
            "digits for the numbers themselves"
        )
        return [ReadingNote(action="converted", what=what, count=1, unit="column")]
    if rounding.lost:
        what = f"{name} has whole numbers beyond 2**24, which are rounded to float32"
        return [
            ReadingNote(
                action="converted",
                what=what,
                count=rounding.lost,
                unit="cell",
                change="list identifiers in data.table.exclude",
            )
        ]
    return []


def _note(table: TableFile, what: str) -> ReadingNote:
    where = table.path.name
    return ReadingNote(action="converted", what=what, count=1, unit="column", where=where)


def _categories(table: TableFile, name: str, *, coded: bool) -> tuple[str, ...]:
    check_no_category_is_missing(table, name)
    present = [text for text in table.texts(name) if text is not None]
    distinct = sort_values(present)
    if not distinct:
        raise DataError(f"{table.path}: every cell of {name} is missing; do not use the column")
    got = f"{name} has {len(distinct):,} categories in {len(table):,} rows"
    if len(distinct) == len(table) and len(table) > 1:
        raise DataError(
            f"{table.path}: a categorical column has fewer categories than rows, but {got}, like a "
            "column of ids or numbers; list it in data.table.exclude, or remove it from "
            f"data.table.{'codes' if coded else 'categorical'}"
        )
    if len(distinct) > _MOST_CATEGORIES and not coded:
        raise DataError(
            f"{table.path}: a one-hot encoded column has at most {_MOST_CATEGORIES} categories, "
            f"but {got}; move it to data.table.codes, which gives one number for an embedding "
            "(papertrial.models.TableEmbeddings), or to data.table.exclude"
        )
    return tuple(distinct)


def _numbers(table: TableFile, name: str) -> np.ndarray:
    """Return the numbers of a column, float64 [N]; DataError with advice if some are not."""
    values, bad = table.numbers(name)
    if not bad.any():
        return values
    rows = np.flatnonzero(bad)
    row = int(rows[0])
    cell = table.written(name, row)
    if is_number(cell):
        raise DataError(
            f"{table.where(row)}: {name} must be a finite number that float32 can hold, got "
            f"{cell!r}"
        )
    texts = [table.written(name, int(one)) for one in rows[:_MOST_CELLS]]
    others = f" (and {len(rows) - 1} more of its {len(table)} cells)" if len(rows) > 1 else ""
    distinct = list(dict.fromkeys(texts))
    among = bool(np.isfinite(values).any())
    advice = number_advice(distinct, table.form, among_numbers=among)
    what = f"text in a numeric column: {name} is {table.quoted(name, row)}{others}"
    raise DataError(
        f"{table.where(row)}: {what}; "
        f"{advice + '; otherwise ' if advice else ''}correct it, add the column to "
        "data.table.categorical, or list it in data.table.exclude"
    )
