"""`papertrial train`: train a recipe, with live progress, and keep the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from papertrial.cli.options import Data, Device, Json, Overrides, Recipe


def train(
    recipe: Recipe,
    overrides: Overrides = None,
    runs: Annotated[Path, typer.Option(help="Folder that run folders are made in.")] = Path("runs"),
    data: Data = None,
    device: Device = "auto",
    threads: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="CPU threads. The same number gives the same bits.",
            show_default="torch's choice",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a recipe, evaluate it on every split, and keep the run in a folder of its own."""
    from contextlib import closing

    from papertrial.cli.progress import Reporter
    from papertrial.recipe.load import load_recipe

    loaded = load_recipe(recipe, overrides or [])
    from papertrial.experiment import training

    steps = training(loaded, runs=runs, data=data, device=device, threads=threads)
    with closing(steps), Reporter() as reporter:
        while True:
            try:
                reporter.show(next(steps))
            except StopIteration as end:
                run = end.value
                break
    _table(run.metrics, to_stderr=as_json)
    typer.echo(f"run: {run.path}", err=as_json)
    if as_json:
        typer.echo(json.dumps({"run": str(run.path), **run.summary}, allow_nan=False))


def _table(metrics: dict[str, dict[str, Any]], *, to_stderr: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from papertrial.evaluate.metrics import scalars

    table = Table("metric", *metrics)
    for column in table.columns[1:]:
        column.justify = "right"
    numbers = {split: scalars(values) for split, values in metrics.items()}
    for name in next(iter(numbers.values())):
        cells = [f"{values[name]:.6g}" if name in values else "-" for values in numbers.values()]
        table.add_row(name, *cells)
    Console(stderr=to_stderr).print(table)
    others = [
        name for name in next(iter(metrics.values())) if name not in next(iter(numbers.values()))
    ]
    if others:
        typer.echo(f"in the run's metrics.json: {', '.join(others)}", err=to_stderr)
