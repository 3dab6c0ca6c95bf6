"""`papertrial check`: is a recipe whole? Answers in seconds, before hours are spent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from papertrial.cli.options import Data, Device, Json, Overrides, Recipe

if TYPE_CHECKING:
    from papertrial.checks.check_recipe import Report

_NOT_OK = 2


def check(
    recipe: Recipe,
    overrides: Overrides = None,
    data: Data = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Check a recipe, its data and its model on one batch: mistakes, leaks, and what it will take.

    Exit code 0 without errors (warnings or not), 2 with errors.
    """
    from papertrial.checks.check_recipe import checking
    from papertrial.cli.progress import following

    report = following(checking(recipe, overrides or [], data=data, device=device))
    if as_json:
        typer.echo(json.dumps(report.to_json(), allow_nan=False))
    else:
        _show(report)
    if not report.ok:
        raise typer.Exit(_NOT_OK)


def _show(report: Report) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True, emoji=False)
    for line in _facts(report.facts):
        console.print(line, markup=False)
    for problem in report.problems:
        colour = "red" if problem.severity == "error" else "yellow"
        console.print(f"[{colour}]{problem.severity}[/] ", end="")
        console.print(f"{problem.where}: {problem.message}", markup=False)
        console.print(f"  {problem.fix}", markup=False)
    errors = sum(problem.severity == "error" for problem in report.problems)
    warnings = len(report.problems) - errors
    counts = f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
    console.print(f"{report.recipe}: {'ok' if report.ok else 'not ok'}; {counts}", markup=False)


def _facts(facts: dict[str, Any]) -> list[str]:
    import datetime

    lines = []
    if "rows" in facts:
        lines.append("samples: " + ", ".join(f"{n:,} {name}" for name, n in facts["rows"].items()))
    lines += facts.get("notes", [])
    words = facts.get("vocabulary") or {}
    if words.get("coverage") is not None:
        lines.append(f"vectors: {words['vectors']} has {words['coverage']:.1%} of the words")
    if "parameters" in facts:
        trained = facts["trainable_parameters"]
        all_ = "all" if trained == facts["parameters"] else f"{trained:,}"
        lines.append(f"parameters: {facts['parameters']:,}, {all_} of them trained")
    if facts.get("first_loss") is not None:
        expected = facts["expected_first_loss"]
        guess = "" if expected is None else f", {expected:.4f} expected of a guess"
        lines.append(f"first loss: {facts['first_loss']:.4f}{guess}")
    if "seconds" in facts:
        took = datetime.timedelta(seconds=round(facts["seconds"]))
        memory = facts["bytes"] / 2**20
        lines.append(
            f"the whole run: about {took} on {facts['device']}; {memory:,.0f} MB for a step "
            "and the data, beside torch itself"
        )
    return lines
