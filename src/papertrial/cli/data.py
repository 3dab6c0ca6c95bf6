"""`papertrial data list | fetch NAME | info NAME`: the named data sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from papertrial.cli.formats import size
from papertrial.cli.options import Data, Json
from papertrial.cli.output import print_json
from papertrial.progress import Steps

if TYPE_CHECKING:
    from papertrial.data.files.catalog import CatalogEntry

Guard = Callable[[Callable[..., None]], Callable[..., None]]
Name = Annotated[
    str, typer.Argument(help="Name of a data set; see `papertrial data list`.", show_default=False)
]
_MAX_COUNTS = 12  # the counts of more classes are only in --json


def make_data_app(guarded: Guard) -> typer.Typer:
    """Return the subcommands of `data`; `guarded` turns errors into messages and exit codes."""
    app = typer.Typer(no_args_is_help=True, help="List, download and describe the named data sets.")
    app.command("list")(guarded(list_sets))
    app.command("fetch")(guarded(fetch_set))
    app.command("info")(guarded(info))
    return app


def list_sets(data: Data = None, as_json: Json = False) -> None:
    """List the named data sets: kind, rows, download size, licence, state."""
    from papertrial.data.files.catalog import CATALOG, data_folder, state

    folder = data_folder(data)
    rows = [{**_facts(entry), "state": state(entry, folder)} for entry in CATALOG.values()]
    if as_json:
        print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "kind", "rows", "download", "licence", "")
    for column in table.columns:
        column.no_wrap = column.header in ("name", "rows")  # names are copied, so never cut
        column.overflow = "fold"
    for row in rows:
        download = size(row["nbytes"]) if row["nbytes"] != 0 else "-"
        counts = "\n".join(f"{count:,} {split}" for split, count in row["rows"].items())
        table.add_row(row["name"], row["kind"], counts, download, row["licence"], row["state"])
    Console().print(table)
    typer.echo(f"data folder: {folder}")


def fetch_set(name: Name, data: Data = None) -> None:
    """Download a data set into the data folder: resume a partial download, verify, unpack."""
    from papertrial.cli.live import follow_steps
    from papertrial.data.files.catalog import artifacts, data_folder, entry_of, state

    entry, folder = entry_of(name), data_folder(data)
    if not entry.files:
        typer.echo(f"{name} comes with papertrial: nothing to download")
        return
    was = state(entry, folder)
    from papertrial.data.files.fetch import fetch

    if was == "on disk" or entry.kind == "vectors":
        for artifact in artifacts(entry):
            if was == "absent" or (folder / artifact.file).exists():
                follow_steps(fetch(artifact, folder))
    else:
        from papertrial.data.sources.named_sets import loading

        follow_steps(loading(name, folder))
    for artifact in artifacts(entry):
        if artifact.checksum is None:
            typer.echo(f"{artifact.name}: not verified, because no checksum is published", err=True)
    typer.echo(f"{name} is {'already there' if was == 'on disk' else 'ready'}: {folder}")


def info(
    name: Name,
    data: Data = None,
    as_json: Json = False,
    sheet: Annotated[
        Path | None, typer.Option(help="Write a sheet of sample images to this PNG file.")
    ] = None,
) -> None:
    """Describe a data set on disk: counts, shapes, licence, fingerprints. Download nothing."""
    from papertrial.cli.live import follow_steps
    from papertrial.data.files.catalog import data_folder, entry_of, state
    from papertrial.data.files.fetch import absent
    from papertrial.errors import DataError

    entry, folder = entry_of(name), data_folder(data)
    if state(entry, folder) == "absent":
        raise absent(name, folder)
    if sheet is not None and entry.kind != "image":
        raise DataError(f"--sheet needs a data set of images; {name} has the kind {entry.kind}")
    if sheet is not None and sheet.suffix.lower() != ".png":
        raise DataError(f"--sheet must name a PNG file, got {sheet}")
    facts = {
        **_facts(entry),
        "state": state(entry, folder),
        "folder": str(folder) if entry.files else None,
        "files": follow_steps(_files(entry, folder)),
        "splits": {},
    }
    if entry.kind != "vectors":
        from papertrial.data.describe import describe
        from papertrial.data.sources.named_sets import loading

        dataset = follow_steps(loading(name, folder, download=False))
        facts["splits"] = follow_steps(describe(dataset))
        if sheet is not None:
            from papertrial.data.images.sheet import sheet as draw

            _save_picture(draw(dataset.train, dataset.classes), sheet)
            facts["sheet"] = str(sheet)
    if not as_json:
        _print_facts(facts)
    else:
        print_json(facts)


def _facts(entry: CatalogEntry) -> dict[str, Any]:
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


def _files(entry: CatalogEntry, folder: Path) -> Steps[list[dict[str, Any]]]:
    """Return the files of a data set, and whether each matches its published checksum."""
    from papertrial.data.files.catalog import artifacts
    from papertrial.data.files.fetch import digest

    files = []
    for artifact in artifacts(entry):
        path = folder / artifact.file
        if not path.exists():
            verified = "not there"
        elif artifact.checksum is None:
            verified = "not verified"
        else:
            found = yield from digest(path, artifact.checksum)
            verified = "verified" if found == artifact.checksum else "wrong checksum"
        nbytes = path.stat().st_size if path.exists() else artifact.nbytes
        files.append(
            {
                "file": artifact.file,
                "nbytes": nbytes,
                "checksum": artifact.checksum,
                "state": verified,
                "urls": list(artifact.urls),
            }
        )
    return files


def _save_picture(picture: Any, path: Path) -> None:
    from papertrial.errors import DataError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error


def _print_facts(facts: dict[str, Any]) -> None:
    typer.echo(f"{facts['name']}: {facts['title']}")
    typer.echo(f"kind      {facts['kind']}, {facts['task']}")
    typer.echo(f"licence   {facts['licence']}")
    typer.echo(f"homepage  {facts['homepage']}")
    typer.echo(f"folder    {facts['folder'] or 'scikit-learn, which comes with papertrial'}")
    for file in facts["files"]:
        typer.echo(f"  {file['file']}  {size(file['nbytes'])}, {file['state']}")
    for name, split in facts["splits"].items():
        shape = " x ".join(map(str, split["shape"]))
        each = f"samples, each {shape} {split['dtype']}" if shape else "texts"
        typer.echo(f"{name}: {split['rows']:,} {each}, {size(split['nbytes'])}")
        typer.echo(f"  fingerprint {split['fingerprint']}")
        _print_content(split)
    if "sheet" in facts:
        typer.echo(f"sample sheet: {facts['sheet']}")


def _print_content(split: dict[str, Any]) -> None:
    counts = split.get("classes", {})
    if len(set(counts.values())) == 1 and len(counts) > _MAX_COUNTS:
        typer.echo(f"  {len(counts)} classes, {next(iter(counts.values())):,} samples each")
    elif len(counts) > _MAX_COUNTS:
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
