"""The scores in a column of a table, converted to the metric's own unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import inf, isfinite
from typing import Literal

from papertrial.errors import ScoresError, did_you_mean, nearest
from papertrial.numbers import plural
from papertrial.score_tables.read_cell import FAILED_WORDS, Number, read_cell
from papertrial.score_tables.score_table import UNNAMED, ScoreTable
from papertrial.vocabulary import Metric

Unit = Literal["fraction", "percent", "none"]
_STATE = "state"
_FINISHED = ("", "finished", "completed", "complete", "done", "ok", "success")
# A column of fractions and percentages of one metric has values that differ by a factor of 100.
_FACTOR = 20
_LARGEST = 1e100  # beyond it, sums of squares overflow


def named_column(table: ScoreTable, name: str, *, what: str) -> str:
    """Return the column of a table that has this name; upper and lower case are alike.

    Raises:
        ScoresError: there is none.
    """
    if table.is_unnamed:
        raise ScoresError(
            f'{table.name} has no column "{name}" for {what}: its only column has no name'
        )
    return column_for(table, [name], what=what)


def column_for(table: ScoreTable, names: Sequence[str], *, what: str) -> str:
    """Return the column of a table that has one of these names; upper and lower case are alike.

    A table with one column that has no name has the scores of any metric.

    Raises:
        ScoresError: there is none, or there are two.
    """
    if table.is_unnamed:
        return UNNAMED
    by_name = {_plain(name): name for name in table.columns}
    for name in names:
        if name in table.columns:
            return name
        if _plain(name) in by_name:
            return by_name[_plain(name)]
    hint = did_you_mean(names[0], table.columns)
    raise ScoresError(f'{table.name} has no column "{names[0]}" for {what}{hint}')


def scores_in(table: ScoreTable, column: str, metric: Metric, unit: Unit) -> list[float | None]:
    """Return the scores in a column, in the metric's own unit; None for a run without a score.

    Args:
        table: one row a run.
        column: of the table.
        metric: of the scores.
        unit: "percent" for numbers such as 93.1, which are divided by 100.

    Raises:
        ScoresError: a cell is not a number, or does not fit the unit.
    """
    cells = list[Number | None]()
    for row, cell in enumerate(table.columns[column]):
        try:
            cells.append(read_cell(cell, decimal_comma=table.decimal_comma))
        except ValueError as error:
            hint = _hint_on_columns(table, column)
            raise ScoresError(f"{table.where(row)}: {metric.name} {error}{hint}") from None
    failed = failed_rows(table)
    kept = [None if row in failed else cell for row, cell in enumerate(cells)]
    found = [(row, cell) for row, cell in enumerate(kept) if cell is not None]
    _require_one_notation(table, found)
    in_percent = unit == "percent" or any(cell.percent for _, cell in found)
    if in_percent and not metric.is_fraction:
        row = found[0][0]
        raise ScoresError(
            f"{table.where(row)}: {metric.name} is not a fraction and cannot be in percent; if it "
            "is a share, say unit: percent"
        )
    negative = next((row for row, cell in found if cell.value < 0), None)
    if negative is not None and not metric.may_be_negative:
        raise ScoresError(f"{table.where(negative)}: {metric.name} cannot be negative")
    if metric.is_fraction:
        _require_unit(table, metric, found, in_percent=in_percent)
    scores = [None if cell is None else _score(cell, in_percent=in_percent) for cell in kept]
    for row, score in enumerate(scores):
        if score is not None and _LARGEST < abs(score) < inf:
            raise ScoresError(
                f"{table.where(row)}: {metric.name} is {score:g}, but sums of squares overflow "
                f"beyond {_LARGEST:g}"
            )
    return [score if score is None or isfinite(score) else None for score in scores]


def seeds_in(table: ScoreTable, column: str) -> list[int]:
    """Return the seeds in a column.

    Raises:
        ScoresError: one is not a whole number, or stands in two rows.
    """
    rows = dict[int, int]()
    for row, cell in enumerate(table.columns[column]):
        seed = _whole(cell)
        if seed is None:
            raise ScoresError(
                f"{table.where(row)}: a seed must be a whole number, got {cell!r} in column "
                f'"{column}"'
            )
        if seed in rows:
            raise ScoresError(
                f"{table.where(row)}: seed {seed} stands in {table.places[rows[seed]]} already; a "
                "seed counts once, because a run that is counted twice is not independent: remove "
                "one row, or name the right column of seeds"
            )
        rows[seed] = row
    return list(rows)


def failed_rows(table: ScoreTable) -> set[int]:
    """Return the rows that a column `state` marks as failed.

    Raises:
        ScoresError: it has another word.
    """
    name = next((name for name in table.columns if _plain(name) == _STATE), None)
    failed = set[int]()
    for row, cell in enumerate(() if name is None else table.columns[name]):
        word = "" if cell is None else str(cell).strip().lower()
        if word in FAILED_WORDS:
            failed.add(row)
        elif word not in _FINISHED:
            known = ("finished", *FAILED_WORDS)
            hint = nearest(cell, known)
            raise ScoresError(
                f"{table.where(row)}: unknown state {cell!r}{hint}; known are {', '.join(known)}"
            )
    return failed


def _require_one_notation(table: ScoreTable, found: Sequence[tuple[int, Number]]) -> None:
    """Check that all numbers of a column have a percent sign, or none has."""
    signs = {cell.percent for _, cell in found}
    if len(signs) < 2:
        return
    row = next(row for row, cell in found if cell.percent != found[0][1].percent)
    first, other = ("has a", "has none") if found[0][1].percent else ("has no", "has one")
    raise ScoresError(
        f"the column mixes notations: {table.where(found[0][0])} {first} percent sign, and "
        f"{table.where(row)} {other}; write all of them alike"
    )


def _require_unit(
    table: ScoreTable, metric: Metric, found: Sequence[tuple[int, Number]], *, in_percent: bool
) -> None:
    """Check that the numbers of a fraction are fractions or, in percent, percentages."""
    most = Decimal(100 if in_percent else 1)
    large = [(row, cell.value) for row, cell in found if cell.value > most]
    small = [cell.value for _, cell in found if 0 < cell.value <= 1]
    if large:
        row, value = large[0]
        rule = f"{table.where(row)}: {value} is more than {most}"
        if in_percent:
            raise ScoresError(f"{rule} percent")
        if len(large) < len(found):
            raise ScoresError(
                f"{rule}, and {plural(len(small), 'other row')} at most 1: the column mixes "
                "fractions and percentages; write all of them alike"
            )
        raise ScoresError(
            f"{rule}, and {metric.name} is a fraction; if the scores are percentages, say unit: "
            "percent"
        )
    if not in_percent or any(cell.percent for _, cell in found):
        return
    values = [cell.value for _, cell in found if cell.value > 0]
    if values and max(values) <= 1:
        raise ScoresError(
            f"all scores of {table.name} are at most 1 percent; if they are fractions, leave out "
            "unit: percent; else write percent signs after them"
        )
    if small and max(values) > _FACTOR * min(values):
        raise ScoresError(
            f"the column mixes fractions and percentages: {min(values)} and {max(values)}; write "
            "all of them alike, or with percent signs"
        )


def _score(cell: Number, *, in_percent: bool) -> float:
    return float(cell.value.scaleb(-2) if in_percent else cell.value)


def _hint_on_columns(table: ScoreTable, column: str) -> str:
    others = [name for name in table.columns if name != column]
    return f"; columns: {', '.join(others)}" if others and column else ""


def _whole(cell: object) -> int | None:
    """Return a seed: 7, "7" and 7.0 are the same."""
    try:
        number = read_cell(cell, decimal_comma=False)
    except ValueError:
        return None
    if number is None or number.percent or number.value != number.value.to_integral_value():
        return None
    return int(number.value)


def _plain(name: str) -> str:
    return "_".join(name.lower().replace("/", " ").replace("-", " ").replace("_", " ").split())


def columns_of_metric(metric: str, split: str) -> Iterator[str]:
    """Yield the names that the column of a metric may have: "accuracy", "test_accuracy"."""
    yield metric
    if split != "none":
        yield f"{split}_{metric}"
