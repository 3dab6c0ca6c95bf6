"""`papertrial report`: write the report of a run, or that of a verification again."""

from __future__ import annotations

import os

import typer

from papertrial.cli.options import Data, Json, RunOrVerification
from papertrial.cli.output import print_result


def report(
    run: RunOrVerification,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write the report of a run or a verification into its folder: HTML, Markdown and JSON.

    The report of a run has no verdict: that takes several seeds, which `verify` trains.
    """
    from papertrial.store.verification_folder import PREREGISTRATION

    if os.path.isfile(run / PREREGISTRATION):  # noqa: PTH113  (Path's raises for a name too long)
        # Its report describes what was judged then, so it is rendered again, not computed again.
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
    headline = made["headline"]
    result = {
        "run": str(run),
        "report": str(path),
        "headline": headline,
        "warnings": made["warnings"],
    }
    print_result([headline, f"report: {path}"], result, as_json=as_json)
