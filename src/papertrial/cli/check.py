"""`papertrial check`: check a recipe in seconds, before a long training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from papertrial.cli.options import Data, Device, Json, Overrides, Recipe
from papertrial.cli.output import print_json
from papertrial.cli.size_and_duration import duration, size
from papertrial.numbers import percent, plural

if TYPE_CHECKING:
    from papertrial.checks.check_result import CheckFacts, CheckResult

_NOT_OK = 2


def check_command(
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

    result = follow_steps(checking(recipe, overrides or [], data=data, device=device))
    if as_json:
        print_json(result.to_json())
    else:
        _show(result)
    if not result.ok:
        raise typer.Exit(_NOT_OK)


def _show(result: CheckResult) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True, emoji=False)
    for line in _facts(result.facts):
        console.print(line, markup=False)
    for problem in result.problems:
        colour = "red" if problem.severity == "error" else "yellow"
        console.print(f"[{colour}]{problem.severity}[/] ", end="")
        where = f"{problem.where}: " if problem.where else ""  # a whole file has no key
        console.print(f"{where}{problem.message}", markup=False)
        console.print(f"  {problem.fix}", markup=False)
    errors = sum(problem.severity == "error" for problem in result.problems)
    warnings = len(result.problems) - errors
    counts = f"{plural(errors, 'error')}, {plural(warnings, 'warning')}"
    console.print(f"{result.recipe}: {'ok' if result.ok else 'not ok'}; {counts}", markup=False)


def _facts(facts: CheckFacts) -> list[str]:
    lines = []
    if facts.rows is not None:
        lines.append("samples: " + ", ".join(f"{n:,} {name}" for name, n in facts.rows.items()))
    lines += facts.notes or []
    words = facts.vocabulary
    if words is not None and words.coverage is not None:
        lines.append(f"vectors: {words.vectors} cover {percent(words.coverage)} of the words")
    cost, first = facts.cost, facts.first_loss
    if cost is not None:
        trained = cost.trainable_parameters
        all_ = "all" if trained == cost.parameters else f"{trained:,}"
        lines.append(f"parameters: {cost.parameters:,}, {all_} of them trainable")
    if first is not None and first.value is not None:
        guess = "" if first.expected is None else f" (random guessing: {first.expected:.4f})"
        lines.append(f"first loss: {first.value:.4f}{guess}")
    if cost is not None:
        took = duration(cost.seconds)
        lines.append(
            f"estimate: {took} for the whole run on {facts.device}; {size(cost.bytes)} of memory "
            "for one step and the data, in addition to torch itself"
        )
    return lines
