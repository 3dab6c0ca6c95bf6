"""`papertrial train`: train a recipe with live progress, and save the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.claims import claim_of_run, run_score
from papertrial.cli.options import RUNS, Data, Device, Json, Overrides, Runs
from papertrial.cli.output import print_confusion, print_metrics, print_result
from papertrial.errors import RecipeError, RunError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from papertrial.runs.run import Run
    from papertrial.store.run_records import RunSummary
    from papertrial.training.events import Event


def train_command(
    recipe: Annotated[
        str | None,
        typer.Argument(help="Name of a shipped recipe, or path of a YAML file."),
    ] = None,
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
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Continue a run that was stopped: its folder, the name of its folder, or latest.",
        ),
    ] = None,
    allow_different: Annotated[
        bool,
        typer.Option(
            "--allow-different",
            help="Resume in an environment that may give other bits, and mark the run.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a recipe, evaluate it on every split, and save the run in a new folder."""
    from papertrial.cli.live import follow
    from papertrial.cli.training_rows import TrainingRows

    events = (
        _resuming(resume, recipe, runs, data, device, threads, allow_different=allow_different)
        if resume is not None
        else _training(recipe, overrides or [], runs, data, device, threads)
    )
    run = follow(events, TrainingRows().rows)
    print_metrics(run.metrics, optimistic=run.summary.report.optimistic, to_stderr=as_json)
    print_confusion(run.metrics, list(run.summary.classes), to_stderr=as_json)
    lines = [*describe_run_result(run.summary), f"run: {run.path}"]
    print_result(lines, {"run": str(run.path), **run.summary.to_plain()}, as_json=as_json)


def _training(
    recipe: str | None,
    overrides: list[str],
    runs: Path,
    data: Path | None,
    device: str,
    threads: int | None,
) -> Generator[Event, None, Run]:
    if recipe is None:
        rule = "name a recipe, or a run with --resume"
        raise RecipeError(f"{rule}; `papertrial list` has the recipes")
    from papertrial.recipe.load import load_recipe, require_model

    loaded = require_model(load_recipe(recipe, overrides))
    from papertrial.runs.train import training

    return training(loaded, runs=runs, data=data, device=device, threads=threads)


def _resuming(
    run: str,
    recipe: str | None,
    runs: Path,
    data: Path | None,
    device: str,
    threads: int | None,
    *,
    allow_different: bool,
) -> Generator[Event, None, Run]:
    if recipe is not None:
        raise RunError(f"--resume takes the recipe of the run; remove {recipe!r}")
    from papertrial.store.find_stopped import find_stopped

    path = find_stopped(run, runs)
    from papertrial.runs.train import resuming

    return resuming(
        path, data=data, device=device, threads=threads, allow_different=allow_different
    )


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
