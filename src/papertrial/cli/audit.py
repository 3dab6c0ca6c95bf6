"""`papertrial audit`: does what a verification tells agree with what its folder holds?"""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.options import Data, Device, Json

if TYPE_CHECKING:
    from collections.abc import Generator

    from papertrial.auditing.audit import Audit, Finding
    from papertrial.progress import Step

DIFFERS = 1


def audit(
    verification: Annotated[
        Path, typer.Argument(help="The verification's folder.", show_default=False)
    ],
    seed: Annotated[
        int | None,
        typer.Option(
            help="Seed to train again.", show_default="one of those that ended, at random"
        ),
    ] = None,
    no_retrain: Annotated[
        bool, typer.Option("--no-retrain", help="Train no seed again, which takes the longest.")
    ] = False,
    data: Data = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Check a verification from its folder alone, and train one of its seeds again.

    Scores are computed again from the stored predictions, verdicts from the scores. Ends with exit
    code 0 where all agrees, 1 where something differs.
    """
    from papertrial.auditing.audit import auditing

    made = _following(
        auditing(verification, seed=seed, retrain=not no_retrain, data=data, device=device),
        to_stderr=as_json,
    )
    count = len(made.differences)
    said = f"{count} difference{'s'[: count != 1]}" if count else "all agrees"
    typer.echo(f"{said}: {made.path}", err=as_json)
    if as_json:
        typer.echo(json.dumps(made.to_json(), allow_nan=False))
    if not made.ok:
        raise typer.Exit(DIFFERS)


def _following(told: Generator[Step | Finding, None, Audit], *, to_stderr: bool) -> Audit:
    """Run an audit to its end, printing what it finds; between, a bar for what takes long."""
    from papertrial.cli.progress import Reporter
    from papertrial.progress import Step

    reporter: Reporter | None = None
    with closing(told), ExitStack() as shown:
        while True:
            try:
                one = next(told)
            except StopIteration as end:
                made: Audit = end.value
                return made
            if isinstance(one, Step):
                reporter = reporter or shown.enter_context(Reporter())
                reporter.show(one)
            else:  # a bar that is on would take what is printed beside it to standard error
                shown.close()
                reporter = None
                typer.echo(str(one), err=to_stderr)
