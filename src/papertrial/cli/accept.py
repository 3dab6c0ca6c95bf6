"""`papertrial accept`: decide whether a candidate replaces a baseline, under one error budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.options import Json
from papertrial.cli.output import print_result
from papertrial.errors import PapertrialError
from papertrial.numbers import evidence, number, percent, plural

if TYPE_CHECKING:
    from papertrial.acceptance.acceptance import LedgerSummary

EXIT_CODES = {"ACCEPTED": 0, "REJECTED": 1, "UNDECIDED": 3}
_SIDE = "a CSV or JSON file with a column `seed`, or a folder of a verification"


def accept_command(
    ledger: Annotated[Path, typer.Option(help="File of all decisions; the first one creates it.")],
    baseline: Annotated[
        Path | None, typer.Option(help=f"Scores of the baseline: {_SIDE}.", show_default=False)
    ] = None,
    candidate: Annotated[
        Path | None, typer.Option(help=f"Scores of the candidate: {_SIDE}.", show_default=False)
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="Column, or metric of a claim.", show_default="that of the ledger"),
    ] = None,
    lower_is_better: Annotated[
        bool | None,
        typer.Option(
            "--lower-is-better/--higher-is-better",
            help="Direction of the metric.",
            show_default="by the name of the metric",
        ),
    ] = None,
    at_least_by: Annotated[
        float | None,
        typer.Option(help="Minimum gain, in the metric's unit.", show_default="0"),
    ] = None,
    alpha: Annotated[
        float | None, typer.Option(help="Error budget of all ideas.", show_default="0.05")
    ] = None,
    ideas: Annotated[
        int | None,
        typer.Option(
            help="How many ideas you expect; more are possible, at smaller levels.",
            show_default="100",
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            help="Number of test samples, for an accuracy in a file of scores.",
            show_default=False,
        ),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(help="percent, for files that have an accuracy as 93.1.", show_default=False),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Check the ledger, and list its decisions.")
    ] = False,
    head: Annotated[
        str | None,
        typer.Option(
            help="With --show: SHA-256 of a line that the ledger must have.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Decide whether a candidate is better than a baseline, on scores that are paired by seed.

    All ideas of a ledger share one error budget, so that a hundred ideas without an effect are
    accepted at least once with a probability of at most alpha. Exits with 0 for ACCEPTED, 1 for
    REJECTED and 3 for UNDECIDED.
    """
    if show:
        _show(ledger, head, as_json=as_json)
        return
    if baseline is None or candidate is None:
        missing = "--baseline" if baseline is None else "--candidate"
        raise PapertrialError(f"{missing} is missing; or list the decisions with --show")
    if head is not None:
        raise PapertrialError("--head is for --show")
    if unit not in (None, "percent"):
        raise PapertrialError(f"--unit must be percent, or is left out, got {unit!r}")
    from papertrial.acceptance.accept import accept

    done = accept(
        ledger,
        baseline,
        candidate,
        metric=metric,
        better=None if lower_is_better is None else "lower" if lower_is_better else "higher",
        at_least_by=at_least_by,
        alpha=alpha,
        ideas=ideas,
        samples=samples,
        unit="percent" if unit else None,
    )
    lines = [
        done.headline,
        *(f"  {note}" for note in done.notes),
        f"ledger: {done.ledger}, idea {done.idea}; {done.accepted} of {plural(done.ideas, 'idea')} "
        f"accepted; {percent(done.budget_left)} of the budget of {percent(done.alpha)} is left",
    ]
    print_result(lines, done.to_plain(), as_json=as_json)
    if code := EXIT_CODES[done.decision]:
        raise typer.Exit(code)


def _show(ledger: Path, head: str | None, *, as_json: bool) -> None:
    from papertrial.acceptance.show_ledger import show_ledger

    summary = show_ledger(ledger, head)
    print_result(_lines(summary), summary.to_plain(), as_json=as_json)


def _lines(summary: LedgerSummary) -> list[str]:
    lines = []
    for one in summary.decisions:
        lines.append(
            f"{one.decided:%Y-%m-%d %H:%M}  idea {one.idea}: {one.decision}  "
            f"{one.candidate.name} beside {one.baseline.name}; gain {number(one.gain, one.sd)} on "
            f"{plural(one.n, 'seed')}; e-value {evidence(one.e_value)}, needed "
            f"{evidence(1 / one.level, 'up')}"
        )
    return [
        *lines,
        f"{plural(summary.ideas, 'idea')}, {summary.accepted} accepted; "
        f"{percent(summary.budget_left)} of the budget of {percent(summary.alpha)} is left; the "
        f"next idea needs an e-value of {evidence(1 / summary.next_level, 'up')}",
        f"head: {summary.head}",
    ]
