"""`papertrial check`: check a recipe in seconds, before a long training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.check_facts import fact_lines
from papertrial.cli.options import Data, Device, Json, Overrides, Recipe
from papertrial.cli.output import print_json
from papertrial.errors import PapertrialError
from papertrial.numbers import plural

if TYPE_CHECKING:
    from papertrial.checks.check_result import CheckResult

_NOT_OK = 2


def check_command(
    recipe: Recipe,
    overrides: Overrides = None,
    data: Data = None,
    device: Device = "auto",
    no_run: Annotated[
        bool, typer.Option("--no-run", help="Do not run a program; check what is seen before.")
    ] = False,
    quick: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Override for the runs of a program alone: program.parameters.epochs=1. May be "
            "repeated.",
            show_default=False,
        ),
    ] = None,
    time_limit: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="Stop a run of a program after this time: 90, 2min or 1h."
        ),
    ] = "2min",
    as_json: Json = False,
) -> None:
    """Check a recipe, its data and its model on one batch, and estimate time and memory.

    Finds mistakes, leaks between splits and problems of the loss. A program is run three times:
    twice with the same seed, and with another one. Exits with 0 if there are no errors, even if
    there are warnings, and with 2 otherwise.
    """
    from papertrial.checks.check_recipe import checking
    from papertrial.cli.live import follow_steps
    from papertrial.recipe.program import to_seconds

    seconds = to_seconds(time_limit)
    if seconds is None:
        raise PapertrialError(
            f"--time-limit is a positive number of seconds, or a time such as 90, 2min or 1h, got "
            f"{time_limit!r}"
        )
    steps = checking(
        recipe,
        overrides or [],
        data=data,
        device=device,
        run=not no_run,
        quick=quick or [],
        time_limit=seconds,
    )
    result = follow_steps(steps)
    if as_json:
        print_json(result.to_json())
    else:
        _show(result)
    if not result.ok:
        raise typer.Exit(_NOT_OK)


def _show(result: CheckResult) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True, emoji=False)
    for line in fact_lines(result.facts):
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
