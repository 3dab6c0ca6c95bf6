"""`papertrial evaluate`: evaluate a saved run again, or on another data set."""

from __future__ import annotations

from typing import Annotated

import typer

from papertrial.cli.options import DataFolder, Device, Json, Run
from papertrial.cli.output import print_metrics, print_result


def evaluate_command(
    run: Run,
    data: Annotated[
        str | None,
        typer.Option(
            help="Another data set: a name such as mnist, or the path of a folder or table.",
            show_default="the run's own data",
        ),
    ] = None,
    data_folder: DataFolder = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Evaluate a saved run on its own data, or on another data set for the same task."""
    from papertrial.cli.live import follow_steps
    from papertrial.cli.train import describe_run_result
    from papertrial.runs.evaluate import evaluating
    from papertrial.runs.run import load_run

    loaded = load_run(run, device=device)
    result = follow_steps(evaluating(loaded, data, data_folder=data_folder))
    own = data is None  # on another data set, nothing was chosen
    print_metrics(
        result.metrics,
        optimistic=own and loaded.summary.report.optimistic,
        others_in="with --json",
        to_stderr=as_json,
    )
    lines = describe_run_result(loaded.summary.model_copy(update={"claims": ()})) if own else []
    for note in result.notes:
        typer.echo(f"note: {note}", err=True)
    values = {"run": str(run), **result.to_plain()}
    if not own:
        del values["report"]
    print_result(lines, values, as_json=as_json)
