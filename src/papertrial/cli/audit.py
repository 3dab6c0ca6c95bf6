"""`papertrial audit`: check that a verification agrees with the files in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.options import Data, Device, Json
from papertrial.cli.output import print_result
from papertrial.numbers import plural

if TYPE_CHECKING:
    from collections.abc import Generator

    from papertrial.auditing.audit import Audit, Finding
    from papertrial.progress import Step

DIFFERS = 1


def audit_command(
    verification: Annotated[
        Path, typer.Argument(help="Folder of a verification.", show_default=False)
    ],
    seed: Annotated[
        int | None,
        typer.Option(help="Seed to retrain.", show_default="a random one of those that ended"),
    ] = None,
    no_retrain: Annotated[
        bool, typer.Option("--no-retrain", help="Skip the retraining, which takes the longest.")
    ] = False,
    data: Data = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Check a verification against the files in its folder, and retrain one of its seeds.

    Recomputes scores from the stored predictions, and verdicts from the scores. Exits with 0 if
    everything agrees, and with 1 if something differs.
    """
    from papertrial.auditing.audit import auditing

    events = auditing(verification, seed=seed, retrain=not no_retrain, data=data, device=device)
    made = _follow(events, to_stderr=as_json)
    count = len(made.differences)
    result = plural(count, "difference") if count else "everything agrees"
    print_result([f"{result}: {made.path}"], made.to_json(), as_json=as_json)
    if not made.ok:
        raise typer.Exit(DIFFERS)


def _follow(events: Generator[Step | Finding, None, Audit], *, to_stderr: bool) -> Audit:
    """Run an audit to its end; print its findings, and show a bar for slow steps."""
    from papertrial.cli.live import Live, describe_step
    from papertrial.progress import Returning, Step

    with Returning(events) as rest, Live() as live:
        for event in rest:
            if isinstance(event, Step):
                for row in describe_step(event):
                    live.show(row)
            else:
                live.clear()  # a live display would send the finding to standard error
                typer.echo(str(event), err=to_stderr)
    return rest.value
