"""`papertrial report`: the report of a run, or once more a verification's: HTML, Markdown, JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from papertrial.cli.options import Data, Json


def report(
    run: Annotated[
        Path, typer.Argument(help="Folder of a run or a verification.", show_default=False)
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write the report of a run, without a verdict, into its folder: HTML, Markdown and JSON."""
    from papertrial.store.verification_folder import PREREGISTRATION

    if os.path.isfile(run / PREREGISTRATION):  # noqa: PTH113  (Path's raises for a name too long)
        # Its report is of what was judged then, so it is shown once more, not made anew.
        from papertrial.report.run_report import kept_report, rendered_again
        from papertrial.store.run_folder import RunFolder
        from papertrial.store.verification_folder import REPORT_HTML

        made = kept_report(run)
        for name, text in rendered_again(run).items():
            RunFolder(run).write(name, text)
        path = run / REPORT_HTML
    else:
        from papertrial.report.run_report import run_report, write_report
        from papertrial.runs.run import load_run

        made = run_report(load_run(run), data=data)
        path = write_report(run, made)
    for line in made["warnings"]:
        typer.echo(f"warning: {line}", err=True)
    if as_json:
        told = {"run": str(run), "report": str(path), "headline": made["headline"]}
        typer.echo(json.dumps({**told, "warnings": made["warnings"]}, allow_nan=False))
        return
    typer.echo(made["headline"])
    typer.echo(f"report: {path}")
