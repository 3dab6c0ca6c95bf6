"""How results are printed: lines, JSON, and tables of metrics."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from papertrial.numbers import number

if TYPE_CHECKING:
    from rich.table import Table


def print_json(value: Any) -> None:
    """Print a value as one line of JSON; NaN and infinity, which JSON lacks, are an error."""
    typer.echo(json.dumps(value, allow_nan=False))


def print_result(lines: Iterable[str], value: Any, *, as_json: bool) -> None:
    """Print a result as lines, or with --json also as JSON.

    With --json the lines go to standard error, so that standard output contains only JSON.
    """
    for line in lines:
        typer.echo(line, err=as_json)
    if as_json:
        print_json(value)


def metrics_table(metrics: Mapping[str, Mapping[str, float]], *, optimistic: bool = False) -> Table:
    """Return a table with a row for each metric and a column for each split.

    Args:
        metrics: metrics by split, single numbers only.
        optimistic: whether the test split was used to choose the epoch; its column says so.
    """
    from rich.table import Table

    titles = {"test": "test (optimistic)"} if optimistic else {}
    table = Table("metric", *(titles.get(split, split) for split in metrics))
    for column in table.columns[1:]:
        column.justify = "right"
    for name in dict.fromkeys(name for values in metrics.values() for name in values):
        cells = [number(values[name]) if name in values else "-" for values in metrics.values()]
        table.add_row(name, *cells)
    return table
