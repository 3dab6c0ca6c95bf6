"""How commands print results: lines, JSON, and tables of metrics and of confused classes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from papertrial.numbers import number
from papertrial.vocabulary import why_undefined

if TYPE_CHECKING:
    from rich.table import Table

    from papertrial.vocabulary import SplitMetrics

_MAX_CLASSES = 12  # a larger confusion matrix is not printed
_NAME_LENGTH = 5  # letters of a class name above a column


def print_json(value: Any) -> None:
    """Print the result of a command as one line of JSON; NaN and infinity are an error."""
    typer.echo(json.dumps(value, allow_nan=False))


def print_result(lines: Iterable[str], value: Any, *, as_json: bool) -> None:
    """Print the result of a command as lines, or with --json also as JSON.

    With --json the lines go to standard error, so that standard output contains only JSON.
    """
    for line in lines:
        typer.echo(line, err=as_json)
    if as_json:
        print_json(value)


def metrics_table(metrics: Mapping[str, Mapping[str, float]], *, optimistic: bool = False) -> Table:
    """Return the table of metrics that a command prints: a row per metric, a column per split.

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


def print_metrics(
    metrics: SplitMetrics,
    *,
    optimistic: bool = False,
    others_in: str = "also in the run's metrics.json",
    to_stderr: bool = False,
) -> None:
    """Print the metrics in the result of a command.

    A table shows those that are single numbers. Lines say why others are undefined, and name those
    that are several numbers.
    """
    from rich.console import Console

    from papertrial.evaluate.metrics import scalars

    numbers = {split: scalars(values) for split, values in metrics.items()}
    table = metrics_table(numbers, optimistic=optimistic)
    Console(stderr=to_stderr, markup=False, emoji=False).print(table)
    for split, values in metrics.items():
        for name in (name for name, value in values.items() if value is None):
            typer.echo(f"{split} {name} is undefined: {why_undefined(name)}", err=to_stderr)
    first = metrics[next(iter(metrics))]
    others = [name for name, value in first.items() if isinstance(value, dict | list)]
    if others:
        typer.echo(f"{others_in}: {', '.join(others)}", err=to_stderr)


def print_confusion(metrics: SplitMetrics, classes: list[str], *, to_stderr: bool = False) -> None:
    """Print the confusion matrix in the result of a command, of the last split, if it is small."""
    from rich.console import Console
    from rich.table import Table

    split, values = list(metrics.items())[-1]
    matrix = values.get("confusion_matrix")
    if not isinstance(matrix, list) or len(classes) > _MAX_CLASSES:
        return
    table = Table(title=f"{split} (rows: true, columns: predicted)")
    table.add_column("", no_wrap=True)
    for name in classes:
        table.add_column(name[:_NAME_LENGTH], justify="right", no_wrap=True)
    for name, row in zip(classes, matrix, strict=True):
        table.add_row(name, *map(str, row))
    width = max(80, 22 + len(classes) * (_NAME_LENGTH + 3))  # uncut where there is no terminal
    wide = None if Console(stderr=to_stderr).is_terminal else width
    Console(stderr=to_stderr, width=wide, markup=False, emoji=False).print(table)
