"""`papertrial train`: train a recipe, with live progress, and keep the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from papertrial.cli.claims import ours, reported
from papertrial.cli.options import Data, Device, Json, Overrides, Recipe
from papertrial.numbers import number

if TYPE_CHECKING:
    from papertrial.store.run_records import RunSummary

_MOST_CLASSES, _NAME = 12, 5  # classes, and letters of a name, that a confusion matrix shows


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
    from papertrial.cli.progress import following
    from papertrial.recipe.load import load_recipe

    loaded = load_recipe(recipe, overrides or [])
    from papertrial.runs.train import training

    run = following(training(loaded, runs=runs, data=data, device=device, threads=threads))
    show_metrics(run.metrics, optimistic=run.summary.report.optimistic, to_stderr=as_json)
    show_confusion(run.metrics, list(run.summary.classes), to_stderr=as_json)
    for line in told(run.summary):
        typer.echo(line, err=as_json)
    typer.echo(f"run: {run.path}", err=as_json)
    if as_json:
        typer.echo(json.dumps({"run": str(run.path), **run.summary.to_plain()}, allow_nan=False))


def show_metrics(
    metrics: dict[str, dict[str, Any]],
    *,
    optimistic: bool = False,
    others_in: str = "in the run's metrics.json",
    to_stderr: bool = False,
) -> None:
    """Print a table of the metrics that are one number, a column a split."""
    from rich.console import Console
    from rich.table import Table

    from papertrial.evaluate.metrics import scalars

    marks = {"test": "test (optimistic)"} if optimistic else {}
    table = Table("metric", *(marks.get(split, split) for split in metrics))
    for column in table.columns[1:]:
        column.justify = "right"
    numbers = {split: scalars(values) for split, values in metrics.items()}
    for name in next(iter(numbers.values())):
        cells = [number(values[name]) if name in values else "-" for values in numbers.values()]
        table.add_row(name, *cells)
    Console(stderr=to_stderr, markup=False, emoji=False).print(table)
    others = [
        name for name in next(iter(metrics.values())) if name not in next(iter(numbers.values()))
    ]
    if others:
        typer.echo(f"{others_in}: {', '.join(others)}", err=to_stderr)


def show_confusion(
    metrics: dict[str, dict[str, Any]], classes: list[str], *, to_stderr: bool = False
) -> None:
    """Print the confusion matrix of the last split with its class names, where it has one."""
    from rich.console import Console
    from rich.table import Table

    split, values = list(metrics.items())[-1]
    matrix = values.get("confusion_matrix")
    if matrix is None or len(classes) > _MOST_CLASSES:
        return
    table = Table(title=f"{split}: a row a true class, a column a predicted one")
    table.add_column("", no_wrap=True)
    for name in classes:
        table.add_column(name[:_NAME], justify="right", no_wrap=True)
    for name, row in zip(classes, matrix, strict=True):
        table.add_row(name, *map(str, row))
    width = max(80, 22 + len(classes) * (_NAME + 3))  # whole, also where nobody looks
    wide = None if Console(stderr=to_stderr).is_terminal else width
    Console(stderr=to_stderr, width=wide, markup=False, emoji=False).print(table)


def told(summary: RunSummary) -> list[str]:
    """Say in words how a run's numbers were chosen, and set its claims beside them."""
    report, lines = summary.report, list[str]()
    if report.last_step < report.planned_steps:
        left = f"{report.last_step:,} of {report.planned_steps:,} steps"
        lines.append(f"stopped early, in epoch {report.last_epoch}, after {left}")
    if report.rule != "last":
        split = report.rule.removeprefix("best-on-")
        of = f"epoch {report.epoch} of {report.last_epoch}"
        lines.append(f"reported: {of}, the best on {split}")
    if report.optimistic:
        last = (report.last_metrics or summary.metrics)["test"]
        numbers = ", ".join(
            f"{k} {number(v)}" for k, v in last.items() if isinstance(v, float | int)
        )
        lines.append(
            "OPTIMISTIC: the epoch was chosen by the test split, so its test numbers are better "
            f"than the model is; test at the last epoch: {numbers}"
        )
    elif report.test_evaluations:
        count = report.test_evaluations
        times = "once" if count == 1 else f"{count} times"
        lines.append(f"the test split was looked at {times} before the end; it chose nothing")
    for claim in summary.claims:
        counted = claim.kind == "exact"
        why = claim.not_judged
        verdict = f"not judged: {why}" if why else "counted" if counted else "one run, no verdict"
        by_test = report.optimistic or claim.best_epoch_on_test
        scored = claim.ours is not None and not counted
        verdict += ", optimistic" if by_test and claim.split == "test" and scored else ""
        lines.append(
            f"claim: {reported(claim.to_plain())}; here {ours(claim.to_plain())} ({verdict})"
        )
    return lines
