"""`papertrial combine`: one verdict from the verifications of several laboratories."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.options import RUNS, Data, Json, Runs
from papertrial.cli.output import print_result
from papertrial.cli.verify import EXIT_CODES, lines_on
from papertrial.numbers import between, number, sequence

if TYPE_CHECKING:
    from papertrial.store.laboratory_records import Laboratories, LaboratoryLine


def combine_command(
    laboratories: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER...",
            help="For each laboratory, the folder of its verification, or one that contains it.",
            show_default=False,
        ),
    ],
    registration: Annotated[
        Path | None,
        typer.Option(
            help="labs.json, the common registration.",
            show_default="looked for above the folders and in --runs",
        ),
    ] = None,
    without: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N",
            help="Leave out registered laboratory N, and mark the verdict.",
            show_default=False,
        ),
    ] = None,
    runs: Runs = RUNS,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Combine verifications of one recipe with disjoint seeds into one verdict, and write a report.

    Trains nothing. Exits with 0 for REPRODUCED, 1 for NOT REPRODUCED and 3 for UNDECIDED.
    """
    from papertrial.verification.combine import combine

    done = combine(
        laboratories, runs=runs, registration=registration, without=without or (), data=data
    )
    for text in done.warnings:
        typer.echo(f"warning: {text}", err=True)
    lines = [
        done.headline,
        *(f"  {line}" for claim in done.claims for line in lines_on(claim)),
        *_lines_on_labs(done.laboratories),
        f"combination: {done.path}",
        f"report: {done.report}",
    ]
    print_result(lines, done.to_json(), as_json=as_json)
    if code := EXIT_CODES[done.verdict]:
        raise typer.Exit(code)


def _lines_on_labs(found: Laboratories) -> list[str]:
    """Return a line for each laboratory, and one for each claim on whether they differ."""
    lines = [f"{lab.name}: {_scores(lab)}" for lab in found.lines]
    several = len(found.differences) > 1
    for i, one in enumerate(found.differences, 1):
        lines.append(f"{f'claim {i}, ' if several else ''}differences: {one.text}")
    return lines


def _scores(lab: LaboratoryLine) -> str:
    """Return what a laboratory scored, in a line."""
    parts = [
        f"mean {number(one.mean, one.sd)}, interval {between(one.low, one.high, one.sd)}, "
        f"alone {one.verdict}"
        for one in lab.scores
    ]
    failed = f" ({lab.failed} failed)" if lab.failed else ""
    return "; ".join([f"seeds {sequence(lab.seeds)}{failed} on {lab.device}", *parts])
