"""`papertrial report`: write the report of a run, or render that of a verification again."""

from __future__ import annotations

import os

import typer

from papertrial.cli.options import Data, Json, RunOrVerification
from papertrial.cli.output import print_result


def report_command(
    run: RunOrVerification,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write the report of a run or a verification into its folder: HTML, Markdown and JSON.

    The report of a run has no verdict: that takes several seeds, which `verify` trains.
    """
    from papertrial.report.report_files import read_report, render_again, write_report
    from papertrial.store.laboratory_folders import COMBINATION
    from papertrial.store.run_folder import RunFolder
    from papertrial.store.verification_folder import PREREGISTRATION, REPORT_HTML

    # Path.is_file raises for a name that is too long.
    if any(os.path.isfile(run / name) for name in (PREREGISTRATION, COMBINATION)):  # noqa: PTH113
        # Its report describes the verdicts of that time: it is rendered again, not computed again.
        made = read_report(run)
        for name, text in render_again(run).items():
            RunFolder(run).write(name, text)
        path = run / REPORT_HTML
    else:
        from papertrial.report.run_report import run_report
        from papertrial.runs.run import load_run

        made = run_report(load_run(run), data=data)
        path = write_report(run, made)
    for line in made.warnings:
        typer.echo(f"warning: {line}", err=True)
    result = {
        "run": str(run),
        "report": str(path),
        "headline": made.headline,
        "warnings": list(made.warnings),
    }
    print_result([made.headline, f"report: {path}"], result, as_json=as_json)
