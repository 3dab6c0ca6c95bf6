"""`papertrial data list | fetch NAME | info NAME`: the named data sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.options import Data, Json
from papertrial.cli.output import print_json
from papertrial.cli.size_and_duration import size

if TYPE_CHECKING:
    from PIL.Image import Image

    from papertrial.data.describe import SetDescription, SplitDescription

Guard = Callable[[Callable[..., None]], Callable[..., None]]
Name = Annotated[
    str, typer.Argument(help="Name of a data set; see `papertrial data list`.", show_default=False)
]
_MAX_COUNTS = 12  # the counts of more classes are only in --json


def make_data_app(guarded: Guard) -> typer.Typer:
    """Return the command `papertrial data`; `guarded` turns errors into messages and exit codes."""
    app = typer.Typer(no_args_is_help=True, help="List, download and describe the named data sets.")
    app.command("list")(guarded(data_list_command))
    app.command("fetch")(guarded(data_fetch_command))
    app.command("info")(guarded(data_info_command))
    return app


def data_list_command(data: Data = None, as_json: Json = False) -> None:
    """List the named data sets: kind, rows, download size, licence, state."""
    from papertrial.data.files.catalog import CATALOG
    from papertrial.data.files.data_folder import data_folder
    from papertrial.data.files.facts import SetFacts

    folder = data_folder(data)
    sets = [SetFacts.of(entry, folder) for entry in CATALOG.values()]
    if as_json:
        print_json([one.to_plain() for one in sets])
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "kind", "rows", "download", "licence", "")
    for column in table.columns:
        column.no_wrap = column.header in ("name", "rows")  # names are copied, so never cut
        column.overflow = "fold"
    for one in sets:
        download = size(one.nbytes) if one.nbytes != 0 else "-"
        counts = "\n".join(f"{count:,} {split}" for split, count in one.rows.items())
        table.add_row(one.name, one.kind, counts, download, one.licence, one.state)
    Console().print(table)
    typer.echo(f"data folder: {folder}")


def data_fetch_command(name: Name, data: Data = None) -> None:
    """Download a data set into the data folder: resume a partial download, verify, unpack."""
    from papertrial.cli.live import follow_steps
    from papertrial.data.files.catalog import artifacts, entry_of, state
    from papertrial.data.files.data_folder import data_folder

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


def data_info_command(
    name: Name,
    data: Data = None,
    as_json: Json = False,
    sheet: Annotated[
        Path | None, typer.Option(help="Write a sheet of sample images to this PNG file.")
    ] = None,
) -> None:
    """Describe a data set on disk: counts, shapes, licence, fingerprints. Download nothing."""
    from papertrial.cli.live import follow_steps
    from papertrial.data.describe import SetDescription, describe
    from papertrial.data.files.catalog import entry_of, state
    from papertrial.data.files.data_folder import data_folder
    from papertrial.data.files.facts import SetFacts, files_of
    from papertrial.data.files.fetch import absent
    from papertrial.errors import DataError

    entry, folder = entry_of(name), data_folder(data)
    if state(entry, folder) == "absent":
        raise absent(name, folder)
    if sheet is not None and entry.kind != "image":
        raise DataError(f"--sheet needs a data set of images; {name} has the kind {entry.kind}")
    if sheet is not None and sheet.suffix.lower() != ".png":
        raise DataError(f"--sheet must name a PNG file, got {sheet}")
    about = SetDescription(
        **dict(SetFacts.of(entry, folder)),
        folder=str(folder) if entry.files else None,
        files=follow_steps(files_of(entry, folder)),
        splits={},
    )
    if entry.kind != "vectors":
        from papertrial.data.sources.named_sets import loading

        dataset = follow_steps(loading(name, folder, download=False))
        about = about.model_copy(update={"splits": follow_steps(describe(dataset))})
        if sheet is not None:
            from papertrial.data.images.sheet import sheet as draw

            _save_picture(draw(dataset.train, dataset.classes), sheet)
            about = about.model_copy(update={"sheet": str(sheet)})
    if as_json:
        print_json(about.to_plain())
    else:
        _print_set(about)


def _save_picture(picture: Image, path: Path) -> None:
    from papertrial.errors import DataError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error


def _print_set(about: SetDescription) -> None:
    typer.echo(f"{about.name}: {about.title}")
    typer.echo(f"kind      {about.kind}, {about.task}")
    typer.echo(f"licence   {about.licence}")
    typer.echo(f"homepage  {about.homepage}")
    typer.echo(f"folder    {about.folder or 'scikit-learn, which comes with papertrial'}")
    for file in about.files:
        typer.echo(f"  {file.file}  {size(file.nbytes)}, {file.state}")
    for name, split in about.splits.items():
        shape = " x ".join(map(str, split.shape))
        each = f"samples, each {shape} {split.dtype}" if shape else "texts"
        typer.echo(f"{name}: {split.rows:,} {each}, {size(split.nbytes)}")
        typer.echo(f"  fingerprint {split.fingerprint}")
        _print_content(split)
    if about.sheet is not None:
        typer.echo(f"sample sheet: {about.sheet}")


def _print_content(split: SplitDescription) -> None:
    counts = split.classes or {}
    if len(set(counts.values())) == 1 and len(counts) > _MAX_COUNTS:
        typer.echo(f"  {len(counts)} classes, {next(iter(counts.values())):,} samples each")
    elif len(counts) > _MAX_COUNTS:
        few, many = min(counts.values()), max(counts.values())
        typer.echo(f"  {len(counts)} classes, {few:,} to {many:,} samples each")
    elif counts:
        typer.echo("  " + ", ".join(f"{name}: {count:,}" for name, count in counts.items()))
    for name, column in (split.columns or {}).items():
        typer.echo(f"  {name:12}" + "".join(f"  {k} {v:<10.5g}" for k, v in column))
    if split.words is not None:
        typer.echo("  words: " + ", ".join(f"{k} {v:,.5g}" for k, v in split.words.items()))
    for sample in split.samples or ():
        typer.echo(f"  {sample.name} ({sample.label}): {sample.text}")
