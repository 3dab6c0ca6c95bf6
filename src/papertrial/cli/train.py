"""`papertrial train`: train a recipe with live progress, and save the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.claims import claim_of_run, run_score
from papertrial.cli.options import RUNS, Data, Device, Json, Overrides, Recipe, Runs
from papertrial.cli.output import print_confusion, print_metrics, print_result

if TYPE_CHECKING:
    from papertrial.store.run_records import RunSummary


def train_command(
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
    from papertrial.recipe.load import load_recipe, require_model

    loaded = require_model(load_recipe(recipe, overrides or []))
    from papertrial.runs.train import training

    events = training(loaded, runs=runs, data=data, device=device, threads=threads)
    run = follow(events, TrainingRows().rows)
    print_metrics(run.metrics, optimistic=run.summary.report.optimistic, to_stderr=as_json)
    print_confusion(run.metrics, list(run.summary.classes), to_stderr=as_json)
    lines = [*describe_run_result(run.summary), f"run: {run.path}"]
    print_result(lines, {"run": str(run.path), **run.summary.to_plain()}, as_json=as_json)


def describe_folds(summary: RunSummary) -> list[str]:
    """Return the line on the folds of a run: the range and SD of its first test score."""
    from statistics import stdev

    from papertrial.numbers import number

    tested = [one.metrics["test"] for one in summary.folds]
    first = list(tested[0]) if tested else []
    names = [*(claim.metric for claim in summary.claims), "accuracy", "rmse", *first]
    name = next((name for name in names if all(name in scores for scores in tested)), None)
    if not tested or name is None:
        return []
    scores = [one[name] for one in tested]
    low, high, sd = (number(value) for value in (min(scores), max(scores), stdev(scores)))
    return [f"{len(scores)} folds: test {name} from {low} to {high}, SD between folds {sd}"]


def describe_run_result(summary: RunSummary) -> list[str]:
    """Return the lines that `papertrial train` prints on a run: reported epoch, and each claim."""
    from papertrial.report.use_of_test_split import use_of_test_split

    report, lines = summary.report, list[str]()
    if report.last_step < report.planned_steps:
        left = f"{report.last_step:,} of {report.planned_steps:,} steps"
        lines.append(f"stopped early in epoch {report.last_epoch}, after {left}")
    if report.rule == "mean-of-last":
        lines.append(
            f"reported: means over the last {report.evaluations} evaluations; weights, "
            "predictions and matrices are those of the last"
        )
    elif report.rule != "last":
        split = report.rule.removeprefix("best-on-")
        of = f"epoch {report.epoch} of {report.last_epoch}"
        by = "" if report.metric is None else f" by {report.metric}"
        lines.append(f"reported: {of}, the best on {split}{by}")
    if report.skipped_steps:
        of = f"{report.skipped_steps:,} of {report.last_step:,} steps"
        lines.append(f"fp16: {of} changed no weights, because gradients overflowed")
    lines += use_of_test_split(summary)
    lines += describe_folds(summary)
    for claim in summary.claims:
        counted = claim.kind == "exact"
        why = claim.not_judged
        verdict = f"not judged: {why}" if why else "counted" if counted else "one run, no verdict"
        by_test = report.optimistic or claim.best_epoch_on_test
        scored = claim.ours is not None and not counted
        verdict += ", optimistic" if by_test and claim.split == "test" and scored else ""
        score = run_score(claim, summary.metrics)
        lines.append(f"claim: {claim_of_run(claim)}; here {score} ({verdict})")
    return lines
