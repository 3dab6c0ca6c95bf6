"""`papertrial evaluate`: a saved run evaluated again, or on another set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from papertrial.cli.options import Device, Json


def evaluate(
    run: Annotated[Path, typer.Argument(help="The run's folder.", show_default=False)],
    data: Annotated[
        str | None,
        typer.Option(
            help="Another set: a name such as mnist, or a folder or table of one's own.",
            show_default="the run's own data",
        ),
    ] = None,
    data_folder: Annotated[
        Path | None,
        typer.Option(help="Where named sets are; else $PAPERTRIAL_DATA, else the cache folder."),
    ] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Evaluate a run again, on its own data or on another set with the same task."""
    from papertrial.cli.progress import following
    from papertrial.cli.train import show_metrics, told
    from papertrial.runs.evaluate import evaluating
    from papertrial.runs.run import load_run

    loaded = load_run(run, device=device)
    result = following(evaluating(loaded, data, data_folder=data_folder))
    own = data is None  # on another set nothing was chosen
    show_metrics(
        result.metrics,
        optimistic=own and loaded.summary.report.optimistic,
        others_in="with --json",
        to_stderr=as_json,
    )
    for line in told(loaded.summary.model_copy(update={"claims": ()})) if own else ():
        typer.echo(line, err=as_json)
    for note in result.notes:
        typer.echo(f"note: {note}", err=True)
    if as_json:
        kept = {"run": str(run), "data": result.data, "metrics": result.metrics}
        report = {"report": loaded.summary.report.to_plain()} if own else {}
        typer.echo(json.dumps({**kept, **report, "notes": result.notes}, allow_nan=False))
