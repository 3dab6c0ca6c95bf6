"""`papertrial check`: check a recipe in seconds, before a long training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from papertrial.cli.formats import clock
from papertrial.cli.options import Data, Device, Json, Overrides, Recipe
from papertrial.cli.output import print_json
from papertrial.numbers import plural

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
    """Check a recipe, its data and its model on one batch, and estimate time and memory.

    Finds mistakes, leaks between splits and problems of the loss. Exits with 0 if there are no
    errors, even if there are warnings, and with 2 otherwise.
    """
    from papertrial.checks.check_recipe import checking
    from papertrial.cli.live import follow_steps

    report = follow_steps(checking(recipe, overrides or [], data=data, device=device))
    if as_json:
        print_json(report.to_json())
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
    counts = f"{plural(errors, 'error')}, {plural(warnings, 'warning')}"
    console.print(f"{report.recipe}: {'ok' if report.ok else 'not ok'}; {counts}", markup=False)


def _facts(facts: dict[str, Any]) -> list[str]:
    lines = []
    if "rows" in facts:
        lines.append("samples: " + ", ".join(f"{n:,} {name}" for name, n in facts["rows"].items()))
    lines += facts.get("notes", [])
    words = facts.get("vocabulary") or {}
    if words.get("coverage") is not None:
        lines.append(f"vectors: {words['vectors']} cover {words['coverage']:.1%} of the words")
    if "parameters" in facts:
        trained = facts["trainable_parameters"]
        all_ = "all" if trained == facts["parameters"] else f"{trained:,}"
        lines.append(f"parameters: {facts['parameters']:,}, {all_} of them trainable")
    if facts.get("first_loss") is not None:
        expected = facts["expected_first_loss"]
        guess = "" if expected is None else f" (random guessing: {expected:.4f})"
        lines.append(f"first loss: {facts['first_loss']:.4f}{guess}")
    if "seconds" in facts:
        took = clock(facts["seconds"])
        memory = facts["bytes"] / 2**20
        lines.append(
            f"estimate: {took} for the whole run on {facts['device']}; {memory:,.0f} MB of memory "
            "for one step and the data, in addition to torch itself"
        )
    return lines
