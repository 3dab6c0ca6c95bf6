"""`papertrial runs`: list runs, verifications and laboratories, or show one in full."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.claims import (
    claim_of_run,
    claim_of_verification,
    claim_score,
    run_score,
)
from papertrial.cli.options import RUNS, Json, RunOrVerification, Runs
from papertrial.cli.output import metrics_table, print_json
from papertrial.cli.size_and_duration import size
from papertrial.numbers import number, plural

if TYPE_CHECKING:
    from rich.console import Console

    from papertrial.store.index import EntryDetails, FileSize, IndexEntry
    from papertrial.store.run_records import ClaimBesideRun
    from papertrial.store.verification_records import ClaimLine

Guard = Callable[[Callable[..., None]], Callable[..., None]]
_WIDTH = 500  # of tables where there is no terminal, so that paths are not broken
_MAX_ERROR = 100  # letters of an error in the list


class State(StrEnum):
    """The state of a run: "stopped" if its process is gone, "damaged" if a file is."""

    registered = "registered"
    finished = "finished"
    running = "running"
    stopped = "stopped"
    failed = "failed"
    interrupted = "interrupted"
    damaged = "damaged"


class Kind(StrEnum):
    """What a folder can contain."""

    run = "run"
    verification = "verification"
    laboratories = "laboratories"
    combination = "combination"


def make_runs_app(guarded: Guard) -> typer.Typer:
    """Return the command `papertrial runs`; `guarded` turns errors into messages and exit codes."""
    app = typer.Typer(
        invoke_without_command=True, help="List runs, verifications and laboratories, or show one."
    )
    app.callback()(guarded(runs_list_command))
    app.command("show")(guarded(runs_show_command))
    app.command("list", hidden=True)(guarded(runs_list_command))  # a word that users may well type
    return app


def runs_list_command(
    context: typer.Context,
    runs: Runs = RUNS,
    recipe: Annotated[str | None, typer.Option(help="List only runs of this recipe.")] = None,
    state: Annotated[State | None, typer.Option(help="List only runs in this state.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="List only folders of this kind.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="List only runs started since then (UTC): 2026-01-31 or 2026-01-31T12:00."
        ),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="List only runs that have this metric, and show it.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="List at most this many.")] = None,
    inside: Annotated[
        bool, typer.Option("--all", help="Include the runs that verifications trained.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List runs and verifications, newest first; `runs show RUN` shows one in full."""
    if context.invoked_subcommand is not None:
        # Options before the word `list` apply to it too.
        given = {key: value for key, value in context.params.items() if value is not None}
        context.default_map = {"list": given}
        return
    from papertrial.errors import RunError, nearest
    from papertrial.store.index import scan

    earliest = None if since is None else _date(since)
    if not os.path.isdir(runs) and runs != RUNS:  # noqa: PTH112  (Path's raises)
        raise RunError(
            f"there is no folder {runs}; set --runs to the folder that contains the runs"
        )
    found = scan(runs, inside=inside)
    names = {entry.recipe for entry in found}
    if recipe is not None and recipe not in names:
        typer.echo(f"no run of {recipe!r} in {runs}{nearest(recipe, names)}", err=True)
    kept = [
        entry
        for entry in found
        if (recipe is None or entry.recipe == recipe)
        and (state is None or entry.state == state)
        and (kind is None or entry.kind == kind)
        and (earliest is None or (entry.started is not None and entry.started >= earliest))
        and (metric is None or entry.has(metric))
    ]
    shown = kept[:limit]
    if as_json:
        print_json([entry.to_plain() for entry in shown])
        return
    if not shown:
        none = f"none of the {len(found)} runs in {runs} match" if found else f"no runs in {runs}"
        typer.echo(none)
        return
    _print_entries(shown, metric)
    if len(shown) < len(kept):
        typer.echo(f"showing the newest {len(shown)} of {len(kept)}")


def _date(text: str) -> datetime.datetime:
    from papertrial.errors import RunError

    try:
        date = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        rule = "--since must be a date such as 2026-01-31 or 2026-01-31T12:00"
        raise RunError(f"{rule}, got {text!r}") from error
    return date if date.tzinfo else date.replace(tzinfo=datetime.UTC)


def _print_entries(entries: list[IndexEntry], metric: str | None) -> None:
    from rich.table import Table

    table = Table("recipe", "kind", "seed", "started (UTC)", "state", "result", "path")
    for column in table.columns:
        column.overflow = "fold"
    table.columns[3].no_wrap = True
    for entry in entries:
        table.add_row(
            entry.recipe,
            entry.kind,
            _seed_range(entry),
            f"{entry.started:%Y-%m-%d %H:%M}" if entry.started else "-",
            entry.state,
            "\n".join(_result_lines(entry, metric)),
            str(entry.path),
        )
    _console().print(table)


def _seed_range(entry: IndexEntry) -> str:
    seeds = sorted(entry.seeds)
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}-{seeds[-1]}"
    return ", ".join(map(str, seeds)) or "-"


def _result_lines(entry: IndexEntry, metric: str | None) -> list[str]:
    """Return the result of a run or a verification in the list of runs, a line for each claim."""
    lines = list[str]()
    if entry.error:
        line = entry.error.splitlines()[0]
        lines.append(line if len(line) <= _MAX_ERROR else f"{line[: _MAX_ERROR - 1]}…")
    if entry.kind == "laboratories":
        return lines or ["`papertrial combine` gives their verdict"]
    if entry.kind != "run":
        if entry.state not in ("finished", "damaged"):
            finished = plural(len(entry.seeds), "seed")
            return [*lines, f"no verdict yet, {finished} finished"]
        judged = [
            _describe_verdict(claim) for claim in entry.verdicts if metric in (None, claim.metric)
        ]
        verdicts = {claim.verdict for claim in entry.verdicts}
        whole = [entry.verdict] if entry.verdict and (verdicts != {entry.verdict}) else []
        return [*lines, *whole, *judged] or [entry.verdict or "-"]
    if lines:
        return lines
    if metric is not None:
        named = entry.number(metric)
        return [f"{named[0]} {metric} {number(named[1])}" if named else "-"]
    known = entry.headline
    return [f"{known[0]} {known[1]} {number(entry.metrics[known[0]][known[1]])}" if known else "-"]


def _describe_verdict(claim: ClaimLine) -> str:
    ours = "" if claim.mean is None else f", ours {claim_score(claim, claim.mean, claim.sd)}"
    of = f" (n = {claim.n})" if claim.n else ""
    return f"{claim_of_verification(claim)}: {claim.verdict or 'not judged'}{ours}{of}"


def runs_show_command(
    run: RunOrVerification,
    as_json: Json = False,
) -> None:
    """Show one folder that `papertrial runs` lists in full: results, claims and files."""
    from papertrial.errors import RunError
    from papertrial.store.index import details, is_entry

    if not os.path.isdir(run) or not is_entry(run):  # noqa: PTH112  (Path's raises)
        raise RunError(f"{run} is not the folder of a run; `papertrial runs` lists the folders")
    found = details(run)
    if as_json:
        print_json(found.to_plain())
        return
    _print_head(found)
    optimistic = found.report is not None and found.report.optimistic
    if found.metrics:
        _console().print(metrics_table(found.metrics, optimistic=optimistic))
    _print_rows("verdicts", [(_describe_verdict(one), one.why) for one in found.verdicts])
    claims = map(_claim_and_score, found.claims)
    _print_rows("claims, and the results of this run (one run is not a verdict)", claims)
    _print_rows("provenance", _flatten(found.rest))
    _print_rows("files", _file_rows(found.files), right=True)


def _print_head(found: EntryDetails) -> None:
    name = "seed" if found.kind == "run" else "seeds"
    seeds = ", ".join(map(str, found.seeds))
    of = f" of {found.recipe}" if found.recipe else ""  # unknown where the folder is damaged
    what = f"{found.kind}{of}" + (f", {name} {seeds}" if seeds else "")
    verdict = f": {found.verdict}" if found.verdict else ""
    typer.echo(f"{what}, {found.state}{verdict}")
    typer.echo(f"path: {found.path}")
    if found.error:
        typer.echo(f"error: {found.error}")
    if found.report is not None and found.report.optimistic:
        typer.echo("OPTIMISTIC: the epoch was chosen by the test split")


def _claim_and_score(claim: ClaimBesideRun) -> tuple[str, str]:
    why = f" (not judged: {claim.not_judged})" if claim.not_judged else ""
    return claim_of_run(claim), f"{run_score(claim)}{why}"


def _flatten(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested values as the rows of a name and a value that `papertrial runs show` prints."""
    for key, value in values.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{name}, ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield from _flatten({f"{name} {i}": one for i, one in enumerate(value, 1)})
        elif isinstance(value, list):
            yield name, ", ".join(map(str, value)) or "-"
        else:
            yield name, "-" if value is None else str(value)


def _print_rows(title: str, rows: Iterable[tuple[str, str]], *, right: bool = False) -> None:
    from rich.table import Table

    table = Table(show_header=False)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold", justify="right" if right else "left")
    for row in rows:
        table.add_row(*row)
    if table.row_count:
        typer.echo(title)
        _console().print(table)


def _file_rows(files: Sequence[FileSize]) -> list[tuple[str, str]]:
    """Return the rows of files that `papertrial runs show` prints; those of seeds are one row."""
    from papertrial.store.verification_folder import SEEDS

    inside = [file for file in files if file.name.startswith(f"{SEEDS}/")]
    outside = [file for file in files if not file.name.startswith(f"{SEEDS}/")]
    rows = [(file.name, size(file.bytes)) for file in outside]
    if inside:
        runs = len({file.name.split("/")[1] for file in inside})
        name = f"{SEEDS}/ ({plural(runs, 'run')}, {plural(len(inside), 'file')})"
        rows.append((name, size(sum(file.bytes for file in inside))))
    return rows


def _console() -> Console:
    """Return the console for the tables of `papertrial runs`, which cut no path in a pipe."""
    from rich.console import Console

    console = Console(markup=False, emoji=False)
    return console if console.is_terminal else Console(markup=False, emoji=False, width=_WIDTH)
