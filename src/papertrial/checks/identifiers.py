"""Features that number or name the rows of a table, instead of describing a sample."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from papertrial.checks.table_sample import SampledColumn, Suspect, TableSample
from papertrial.data.column import Dataset
from papertrial.numbers import percent

_FEWEST = 20  # rows; in fewer of them, a measurement may rise from row to row by chance
_FEWEST_UNNAMED = 50  # without a name that says so
_WORDS = {"id", "ids", "idx", "uid", "uuid", "guid", "pk", "unnamed"}
_NAMES = {"index", "key", "serial", "row", "no", "nr"}  # if there is no other word
_JOINED = re.compile(
    r"(row|record|sample|case|user|customer|client|patient|person|subject|member|student|employee|"
    r"order|account|product|item|session|ticket|transaction)_?(id|nr|no|num|number)$"
)
_CODE = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}|[0-9a-f]{32,}", re.IGNORECASE)
_YEARS = (1800, 2100)
_OPEN = 0.15  # how far above chance neighbours agree before it is said


def identifiers(
    sample: TableSample, dataset: Dataset, *, in_order: bool, skip: Sequence[str] = ()
) -> list[Suspect]:
    """Return the features that number or identify the rows.

    What counts are the values, in the order of the file: whole numbers that rise by 1 from row to
    row; whole numbers that are all different and fill their range, as the numbers of rows do in any
    order; texts that are all different, or hashes. Other whole numbers that are all different
    may be measured: they count only if the name is that of an identifier. Columns of years and
    times are not reported, nor is a table's only feature.

    Args:
        sample: rows of the table.
        dataset: the data set, before its splits are cut.
        in_order: whether the last rows are tested, so that rows are in the order of time.
        skip: features that are reported already.
    """
    found = []
    for column in sample.features:
        if column.name in skip:
            continue
        what = _what(column, sample, in_order=in_order)
        if what is None:
            continue
        message = (
            f"a feature describes a sample, but {column.name} {what} ({sample.rows_in_words})"
            f"{_tells_target(column, sample, dataset)}"
        )
        found.append(Suspect(column.name, message))
    return found


def has_name_of_identifier(column: SampledColumn) -> bool:
    """Return whether a column's name is that of an identifier: "Id", "user_id", "Unnamed: 0"."""
    words = column.words
    alone = len(words) == 1 and words[0] in _NAMES
    return alone or not _WORDS.isdisjoint(words) or bool(_JOINED.search(column.name.lower()))


def _what(column: SampledColumn, sample: TableSample, *, in_order: bool) -> str | None:
    """Return in words what makes a column an identifier; None if it is not one."""
    if len(column.values) < _FEWEST:
        return None
    if column.texts:
        return _what_of_texts(column)
    named = has_name_of_identifier(column)
    is_otherwise = column.is_time or in_order or len(sample.features) == 1 or _has_years(column)
    if (is_otherwise and not named) or not _all_differ(column, sample.total):
        return None
    return _what_of_numbers(column, sample, named=named)


def _has_years(column: SampledColumn) -> bool:
    least, most = column.values.min(), column.values.max()
    return bool(least >= _YEARS[0] and most <= _YEARS[1])


def _all_differ(column: SampledColumn, total: int) -> bool:
    """Return whether all `total` rows may have different whole numbers, as those sampled do."""
    values = column.values
    if not column.is_whole or values.max() - values.min() + 1 < total:
        return False
    return len(np.unique(values)) == len(values)


def _what_of_numbers(column: SampledColumn, sample: TableSample, *, named: bool) -> str | None:
    values = column.values
    steps = np.diff(values) / np.diff(sample.positions)
    if (steps == steps[0]).all() and (named or abs(steps[0]) == 1):
        rises = "rises" if steps[0] > 0 else "falls"
        return f"numbers the rows: it {rises} by {abs(steps[0]):g} from row to row"
    fills_range = sample.total >= (values.max() - values.min() + 1) / 2
    if not named and not (fills_range and len(values) >= _FEWEST_UNNAMED):
        return None
    what = "identifies the rows: its whole numbers are all different"
    if (steps > 0).all() or (steps < 0).all():
        return f"{what} and {'rise' if steps[0] > 0 else 'fall'} with the rows"
    return None if "rank" in column.words and not named else what


def _what_of_texts(column: SampledColumn) -> str | None:
    distinct, count = len(column.texts), len(column.values)
    if distinct >= count // 2 and all(map(_CODE.fullmatch, column.texts)):
        return f"identifies the rows: it has {distinct:,} different hashes"
    if distinct >= 0.9 * count:
        return f"identifies the rows: it has {distinct:,} different texts"
    return None


def _tells_target(column: SampledColumn, sample: TableSample, dataset: Dataset) -> str:
    """Return how far neighbours in the column agree in their class, if they do more than chance."""
    if not dataset.classes or column.texts:
        return ""
    y = sample.y.numpy()[np.argsort(column.values, kind="stable")]
    shares = np.bincount(y) / len(y)
    agree, chance = float((y[1:] == y[:-1]).mean()), float((shares**2).sum())
    if agree - chance < _OPEN:
        return ""
    return (
        f"; neighbours in it have the same {dataset.target} in {percent(agree)} of cases, "
        f"{percent(chance)} by chance, so that it tells the target"
    )
