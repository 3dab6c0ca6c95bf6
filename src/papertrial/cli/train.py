"""`papertrial train`: train a recipe with live progress, and save the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.claims import claim_of_run, run_score
from papertrial.cli.options import RUNS, Data, Device, Json, Overrides, Recipe, Runs
from papertrial.cli.output import metrics_table, print_result

if TYPE_CHECKING:
    from papertrial.store.run_records import RunSummary
    from papertrial.vocabulary import SplitMetrics

_MAX_CLASSES = 12  # a larger confusion matrix is not printed
_NAME_LENGTH = 5  # letters of a class name above a column


def train(
    recipe: Recipe,
    overrides: Overrides = None,
    runs: Runs = RUNS,
    data: Data = None,
    device: Device = "auto",
    threads: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="CPU threads; the same number gives the same result, bit for bit.",
            show_default="torch's choice",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a recipe, evaluate it on every split, and save the run in a new folder."""
    from papertrial.cli.live import follow
    from papertrial.cli.training_rows import TrainingRows
    from papertrial.recipe.load import load_recipe

    loaded = load_recipe(recipe, overrides or [])
    from papertrial.runs.train import training

    events = training(loaded, runs=runs, data=data, device=device, threads=threads)
    run = follow(events, TrainingRows().rows)
    show_metrics(run.metrics, optimistic=run.summary.report.optimistic, to_stderr=as_json)
    show_confusion(run.metrics, list(run.summary.classes), to_stderr=as_json)
    lines = [*describe_result(run.summary), f"run: {run.path}"]
    print_result(lines, {"run": str(run.path), **run.summary.to_plain()}, as_json=as_json)


def show_metrics(
    metrics: SplitMetrics,
    *,
    optimistic: bool = False,
    others_in: str = "also in the run's metrics.json",
    to_stderr: bool = False,
) -> None:
    """Print a table of the metrics that are single numbers, and name the others."""
    from rich.console import Console

    from papertrial.evaluate.metrics import scalars

    numbers = {split: scalars(values) for split, values in metrics.items()}
    table = metrics_table(numbers, optimistic=optimistic)
    Console(stderr=to_stderr, markup=False, emoji=False).print(table)
    first = next(iter(metrics))
    others = [name for name in metrics[first] if name not in numbers[first]]
    if others:
        typer.echo(f"{others_in}: {', '.join(others)}", err=to_stderr)


def show_confusion(metrics: SplitMetrics, classes: list[str], *, to_stderr: bool = False) -> None:
    """Print the confusion matrix of the last split, if it has one that is small enough."""
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


def describe_result(summary: RunSummary) -> list[str]:
    """Return lines on how the reported epoch was chosen, and on each claim beside this run."""
    from papertrial.report.use_of_test_split import use_of_test_split

    report, lines = summary.report, list[str]()
    if report.last_step < report.planned_steps:
        left = f"{report.last_step:,} of {report.planned_steps:,} steps"
        lines.append(f"stopped early in epoch {report.last_epoch}, after {left}")
    if report.rule != "last":
        split = report.rule.removeprefix("best-on-")
        of = f"epoch {report.epoch} of {report.last_epoch}"
        lines.append(f"reported: {of}, the best on {split}")
    lines += use_of_test_split(summary)
    for claim in summary.claims:
        counted = claim.kind == "exact"
        why = claim.not_judged
        verdict = f"not judged: {why}" if why else "counted" if counted else "one run, no verdict"
        by_test = report.optimistic or claim.best_epoch_on_test
        scored = claim.ours is not None and not counted
        verdict += ", optimistic" if by_test and claim.split == "test" and scored else ""
        lines.append(f"claim: {claim_of_run(claim)}; here {run_score(claim)} ({verdict})")
    return lines
