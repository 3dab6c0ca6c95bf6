"""`papertrial data list | fetch NAME | info NAME`: the sets that can be named."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from papertrial.cli.options import Data, Json
from papertrial.progress import Step, Steps

if TYPE_CHECKING:
    from papertrial.data.files.catalog import Entry

T = TypeVar("T")
Guard = Callable[[Callable[..., None]], Callable[..., None]]
Name = Annotated[
    str, typer.Argument(help="A set that `papertrial data list` names.", show_default=False)
]
_PLAIN_EVERY = 2.0  # seconds between two plain lines
_COUNTS = 12  # classes whose counts are shown; more are in --json


def make_data_app(guarded: Guard) -> typer.Typer:
    """Assemble the subcommands of `data`; `guarded` turns errors into messages and exit codes."""
    app = typer.Typer(no_args_is_help=True, help="What sets there are, and bring them here.")
    app.command("list")(guarded(list_sets))
    app.command("fetch")(guarded(fetch_set))
    app.command("info")(guarded(info))
    return app


def list_sets(data: Data = None, as_json: Json = False) -> None:
    """List the sets that can be named: kind, rows, download, licence, whether they are here."""
    from papertrial.data.files.catalog import CATALOG, data_folder, state

    folder = data_folder(data)
    rows = [{**_facts(entry), "state": state(entry, folder)} for entry in CATALOG.values()]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "kind", "rows", "download", "licence", "")
    for column in table.columns:
        column.no_wrap = column.header in ("name", "rows")  # what one copies is shown whole
        column.overflow = "fold"
    for row in rows:
        size = _size(row["nbytes"]) if row["nbytes"] != 0 else "-"
        counts = "\n".join(f"{count:,} {split}" for split, count in row["rows"].items())
        table.add_row(row["name"], row["kind"], counts, size, row["licence"], row["state"])
    Console().print(table)
    typer.echo(f"data folder: {folder}")


def fetch_set(name: Name, data: Data = None) -> None:
    """Fetch a set into the data folder: resumed where it stopped, checked, unpacked."""
    from papertrial.data.files.catalog import artifacts, data_folder, entry_of, state

    entry, folder = entry_of(name), data_folder(data)
    if not entry.files:
        typer.echo(f"{name} comes with papertrial: there is nothing to fetch")
        return
    was = state(entry, folder)
    from papertrial.data.files.fetch import fetch

    if was == "on disk" or entry.kind == "vectors":
        for artifact in artifacts(entry):
            if was == "absent" or (folder / artifact.file).exists():
                watch(fetch(artifact, folder))
    else:
        from papertrial.data.sources.named_sets import loading

        watch(loading(name, folder))
    for artifact in artifacts(entry):
        if artifact.checksum is None:
            typer.echo(f"{artifact.name}: not verified, no checksum is published", err=True)
    typer.echo(f"{name} is {'already there' if was == 'on disk' else 'ready'}: {folder}")


def info(
    name: Name,
    data: Data = None,
    as_json: Json = False,
    sheet: Annotated[
        Path | None, typer.Option(help="Write a sample sheet of images, a PNG file, here.")
    ] = None,
) -> None:
    """Tell what is in a set: counts, shapes, licence, fingerprints. Nothing is fetched."""
    from papertrial.data.files.catalog import data_folder, entry_of, state
    from papertrial.data.files.fetch import absent
    from papertrial.errors import DataError

    entry, folder = entry_of(name), data_folder(data)
    if state(entry, folder) == "absent":
        raise absent(name, folder)
    if sheet is not None and entry.kind != "image":
        raise DataError(f"--sheet is for sets of images; {name} is of kind {entry.kind}")
    if sheet is not None and sheet.suffix.lower() != ".png":
        raise DataError(f"--sheet must name a PNG file, got {sheet}")
    facts = {
        **_facts(entry),
        "state": state(entry, folder),
        "folder": str(folder) if entry.files else None,
        "files": watch(_files(entry, folder)),
        "splits": {},
    }
    if entry.kind != "vectors":
        from papertrial.data.describe import describe
        from papertrial.data.sources.named_sets import loading

        dataset = watch(loading(name, folder, download=False))
        facts["splits"] = watch(describe(dataset))
        if sheet is not None:
            from papertrial.data.images.sheet import sheet as draw

            _save(draw(dataset.train, dataset.classes), sheet)
            facts["sheet"] = str(sheet)
    if not as_json:
        _tell(facts)
    else:
        typer.echo(json.dumps(facts, allow_nan=False))


def watch(steps: Steps[T]) -> T:
    """Run slow steps to their end: a live bar on a terminal, plain lines elsewhere, on stderr."""
    from contextlib import closing

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    text = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}")
    bar = Progress(*text, TimeRemainingColumn(), console=console, transient=True)
    bar.disable = not console.is_terminal
    task, told, what = bar.add_task("", total=None, text=""), time.monotonic(), ""
    with closing(steps), bar:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                result: T = end.value
                return result
            if step.what != what:  # a new bar: one that is reset keeps a total that is now unknown
                what = step.what
                bar.remove_task(task)
                task = bar.add_task(what, total=step.total, text="")
            bar.update(task, total=step.total, completed=step.done, text=_done(step))
            if bar.disable and time.monotonic() - told >= _PLAIN_EVERY:
                told = time.monotonic()
                typer.echo(f"{what}  {_done(step)}", err=True)


def _done(step: Step) -> str:
    shown = _size if step.unit == "bytes" else "{:,}".format
    total = "" if step.total is None else f" of {shown(step.total)}"
    unit = f" {step.unit}" if step.unit not in ("bytes", "") else ""
    return f"{shown(step.done)}{total}{unit}" if step.unit else ""


def _facts(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "title": entry.title,
        "kind": entry.kind,
        "task": entry.task,
        "rows": dict(entry.rows),
        "classes": entry.classes,
        "nbytes": entry.nbytes,
        "licence": entry.licence,
        "homepage": entry.homepage,
    }


def _files(entry: Entry, folder: Path) -> Steps[list[dict[str, Any]]]:
    """Return the files that are fetched for the set, and whether each is as it was published."""
    from papertrial.data.files.catalog import artifacts
    from papertrial.data.files.fetch import digest

    told = []
    for artifact in artifacts(entry):
        path = folder / artifact.file
        if not path.exists():
            said = "not there"
        elif artifact.checksum is None:
            said = "not verified"
        else:
            found = yield from digest(path, artifact.checksum)
            said = "verified" if found == artifact.checksum else "wrong checksum"
        nbytes = path.stat().st_size if path.exists() else artifact.nbytes
        told.append(
            {
                "file": artifact.file,
                "nbytes": nbytes,
                "checksum": artifact.checksum,
                "state": said,
                "urls": list(artifact.urls),
            }
        )
    return told


def _save(picture: Any, path: Path) -> None:
    from papertrial.errors import DataError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error


def _tell(facts: dict[str, Any]) -> None:
    typer.echo(f"{facts['name']}: {facts['title']}")
    typer.echo(f"kind      {facts['kind']}, {facts['task']}")
    typer.echo(f"licence   {facts['licence']}")
    typer.echo(f"homepage  {facts['homepage']}")
    typer.echo(f"lies in   {facts['folder'] or 'scikit-learn, which comes with papertrial'}")
    for file in facts["files"]:
        typer.echo(f"  {file['file']}  {_size(file['nbytes'])}, {file['state']}")
    for name, split in facts["splits"].items():
        shape = " x ".join(map(str, split["shape"]))
        each = f"samples, each {shape} {split['dtype']}" if shape else "texts"
        typer.echo(f"{name}: {split['rows']:,} {each}, {_size(split['nbytes'])}")
        typer.echo(f"  fingerprint {split['fingerprint']}")
        _tell_content(split)
    if "sheet" in facts:
        typer.echo(f"sample sheet: {facts['sheet']}")


def _tell_content(split: dict[str, Any]) -> None:
    counts = split.get("classes", {})
    if len(set(counts.values())) == 1 and len(counts) > _COUNTS:
        typer.echo(f"  {len(counts)} classes, {next(iter(counts.values())):,} samples each")
    elif len(counts) > _COUNTS:
        few, many = min(counts.values()), max(counts.values())
        typer.echo(f"  {len(counts)} classes, {few:,} to {many:,} samples each")
    elif counts:
        typer.echo("  " + ", ".join(f"{name}: {count:,}" for name, count in counts.items()))
    for name, column in split.get("columns", {}).items():
        typer.echo(f"  {name:12}" + "".join(f"  {k} {v:<10.5g}" for k, v in column.items()))
    if "words" in split:
        typer.echo("  words: " + ", ".join(f"{k} {v:,.5g}" for k, v in split["words"].items()))
    for sample in split.get("samples", []):
        typer.echo(f"  {sample['name']} ({sample['label']}): {sample['text']}")


def _size(nbytes: int | None) -> str:
    if nbytes is None:
        return "size unknown"
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if nbytes >= size:
            return f"{nbytes / size:.1f} {unit}"
    return f"{nbytes} bytes"
