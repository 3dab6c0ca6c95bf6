"""`papertrial runs`: the runs and verifications that a folder holds, and one of them whole."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from papertrial.cli.claims import number, ours, reported
from papertrial.cli.options import Json
from papertrial.numbers import number as score

if TYPE_CHECKING:
    from rich.console import Console

    from papertrial.store.index import Entry

Guard = Callable[[Callable[..., None]], Callable[..., None]]
_DEFAULT = Path("runs")
_WIDE = 500  # letters, where nobody looks: what one copies is then on one line
_LONGEST = 100  # letters of an error in the list


class State(StrEnum):
    """What a run may be found in: damaged by its files, stopped where its process is gone."""

    finished = "finished"
    running = "running"
    stopped = "stopped"
    failed = "failed"
    interrupted = "interrupted"
    damaged = "damaged"


class Kind(StrEnum):
    """What a folder may hold."""

    run = "run"
    verification = "verification"


def make_runs_app(guarded: Guard) -> typer.Typer:
    """Assemble `runs` and its subcommand; `guarded` turns errors into messages and exit codes."""
    app = typer.Typer(invoke_without_command=True, help="List runs and verifications; show one.")
    app.callback()(guarded(list_runs))
    app.command("show")(guarded(show))
    app.command("list", hidden=True)(guarded(list_runs))  # what one may well type
    return app


def list_runs(
    context: typer.Context,
    runs: Annotated[Path, typer.Option(help="Folder that run folders are in.")] = _DEFAULT,
    recipe: Annotated[str | None, typer.Option(help="Of this recipe alone.")] = None,
    state: Annotated[State | None, typer.Option(help="In this state alone.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Of this kind alone.")] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Started then or later, in UTC: 2026-01-31 or 2026-01-31T12:00."),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="Those that have this metric alone, and its number.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many at most.")] = None,
    inside: Annotated[
        bool, typer.Option("--all", help="Also the runs that verifications trained.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List runs and verifications, the newest first; `runs show RUN` tells all of one."""
    if context.invoked_subcommand is not None:
        # What was given before the word `list` holds for it too.
        given = {key: value for key, value in context.params.items() if value is not None}
        context.default_map = {"list": given}
        return
    from papertrial.errors import RunError, nearest
    from papertrial.store.index import scan

    earliest = None if since is None else _date(since)
    if not os.path.isdir(runs) and runs != _DEFAULT:  # noqa: PTH112  (Path's raises)
        raise RunError(f"there is no folder {runs}; --runs names the folder that runs are kept in")
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
        typer.echo(json.dumps([entry.to_json() for entry in shown], allow_nan=False))
        return
    if not shown:
        typer.echo(f"no run in {runs}" if not found else f"none of {len(found)} in {runs} is such")
        return
    _table(shown, metric)
    if len(shown) < len(kept):
        typer.echo(f"the newest {len(shown)} of {len(kept)}")


def _date(text: str) -> datetime.datetime:
    from papertrial.errors import RunError

    try:
        date = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        rule = "--since must be a date such as 2026-01-31 or 2026-01-31T12:00"
        raise RunError(f"{rule}, got {text!r}") from error
    return date if date.tzinfo else date.replace(tzinfo=datetime.UTC)


def _table(entries: list[Entry], metric: str | None) -> None:
    from rich.table import Table

    table = Table("recipe", "kind", "seed", "started (UTC)", "state", "result", "path")
    for column in table.columns:
        column.overflow = "fold"
    table.columns[3].no_wrap = True
    for entry in entries:
        table.add_row(
            entry.recipe,
            entry.kind,
            _seeds(entry),
            f"{entry.started:%Y-%m-%d %H:%M}" if entry.started else "-",
            entry.state,
            "\n".join(_result(entry, metric)),
            str(entry.path),
        )
    _console().print(table)


def _seeds(entry: Entry) -> str:
    seeds = sorted(entry.seeds)
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}-{seeds[-1]}"
    return ", ".join(map(str, seeds)) or "-"


def _result(entry: Entry, metric: str | None) -> list[str]:
    """Say what a run or a verification came to, in a line a claim."""
    told = []
    if entry.error:
        line = entry.error.splitlines()[0]
        told.append(line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…")
    if entry.kind == "verification":
        if entry.state not in ("finished", "damaged"):
            n = len(entry.seeds)
            return [*told, f"no verdict yet, {n} seed{'s'[: n != 1]} finished"]
        ruled = [_ruled(one) for one in entry.verdicts if metric in (None, one.get("metric"))]
        verdicts = {one.get("verdict") for one in entry.verdicts}
        whole = [entry.verdict] if entry.verdict and (verdicts != {entry.verdict}) else []
        return [*told, *whole, *ruled] or [entry.verdict or "-"]
    if told:
        return told
    if metric is not None:
        named = entry.number(metric)
        return [f"{named[0]} {metric} {score(named[1])}" if named else "-"]
    known = entry.headline
    return [f"{known[0]} {known[1]} {score(entry.metrics[known[0]][known[1]])}" if known else "-"]


def _ruled(verdict: Any) -> str:
    mean, n = verdict.get("mean"), verdict.get("n")
    ours = (
        f", ours {number(verdict, mean, verdict.get('sd'))}"
        if isinstance(mean, int | float)
        else ""
    )
    of = f" (n = {n})" if n else ""
    said = verdict.get("verdict") or "not judged"
    return f"{reported(verdict)}: {said}{ours}{of}"


def show(
    run: Annotated[
        Path, typer.Argument(help="Folder of a run or a verification.", show_default=False)
    ],
    as_json: Json = False,
) -> None:
    """Tell all of one run or verification: results, claims, where they came from, files."""
    from papertrial.errors import RunError
    from papertrial.store.index import details, is_entry

    if not os.path.isdir(run) or not is_entry(run):  # noqa: PTH112  (Path's raises)
        raise RunError(f"{run} is no folder of a run; `papertrial runs` lists those there are")
    told = details(run)
    if as_json:
        typer.echo(json.dumps(told))
        return
    _head(told)
    _metrics(told)
    if told["verdicts"]:
        _rows("verdicts", [(_ruled(verdict), str(verdict.get("why") or ""))
                           for verdict in told["verdicts"]])  # fmt: skip
    if told["claims"]:
        _rows("claims, and what is here; one run is no verdict", map(_claimed, told["claims"]))
    _rows("provenance", _flat(told["provenance"]))
    _rows("files", _files(told["files"]), right=True)


def _head(told: dict[str, Any]) -> None:
    name = "seed" if told["kind"] == "run" else "seeds"
    seeds = ", ".join(map(str, told["seeds"]))
    what = f"{told['kind']} of {told['recipe']}" + (f", {name} {seeds}" if seeds else "")
    verdict = f": {told['verdict']}" if told["verdict"] else ""
    typer.echo(f"{what}, {told['state']}{verdict}")
    typer.echo(f"path: {told['path']}")
    if told["error"]:
        typer.echo(f"error: {told['error']}")
    if (told["report"] or {}).get("optimistic"):
        typer.echo("OPTIMISTIC: the epoch was chosen by the test split")


def _metrics(told: dict[str, Any]) -> None:
    from rich.table import Table

    splits = told["metrics"]
    if not splits:
        return
    optimistic = (told["report"] or {}).get("optimistic")
    marks = {"test": "test (optimistic)"} if optimistic else {}
    table = Table("metric", *(marks.get(split, split) for split in splits))
    for column in table.columns[1:]:
        column.justify = "right"
    for name in dict.fromkeys(name for values in splits.values() for name in values):
        cells = [score(v[name]) if name in v else "-" for v in splits.values()]
        table.add_row(name, *cells)
    _console().print(table)


def _claimed(claim: dict[str, Any]) -> tuple[str, str]:
    why = f" (not judged: {claim['not_judged']})" if claim.get("not_judged") else ""
    return reported(claim), f"{ours(claim)}{why}"


def _flat(values: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested values as rows of a name and a text."""
    for key, value in values.items():
        name = f"{above}{key}".replace("_", " ")
        if isinstance(value, dict):
            yield from _flat(value, f"{name}, ")
        elif isinstance(value, list):
            yield name, ", ".join(map(str, value)) or "-"
        else:
            yield name, "-" if value is None else str(value)


def _rows(title: str, rows: Iterable[tuple[str, str]], *, right: bool = False) -> None:
    from rich.table import Table

    table = Table(show_header=False)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold", justify="right" if right else "left")
    for row in rows:
        table.add_row(*row)
    if table.row_count:
        typer.echo(title)
        _console().print(table)


def _files(files: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return a row a file; the runs of a verification's seeds together in one."""
    from papertrial.store.verification_folder import SEEDS

    inside = [file for file in files if file["name"].startswith(f"{SEEDS}/")]
    outside = [file for file in files if not file["name"].startswith(f"{SEEDS}/")]
    rows = [(file["name"], _size(file["bytes"])) for file in outside]
    if inside:
        runs = len({file["name"].split("/")[1] for file in inside})
        name = f"{SEEDS}/ ({runs} run{'s'[: runs != 1]}, {len(inside)} files)"
        rows.append((name, _size(sum(file["bytes"] for file in inside))))
    return rows


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def _console() -> Console:
    """Return where tables go."""
    from rich.console import Console

    console = Console(markup=False, emoji=False)
    return console if console.is_terminal else Console(markup=False, emoji=False, width=_WIDE)
