"""`papertrial data list | fetch NAME | info SOURCE`: data sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from papertrial.cli.data_info import data_info_command
from papertrial.cli.options import Data, Json
from papertrial.cli.output import print_json
from papertrial.cli.size_and_duration import size

Guard = Callable[[Callable[..., None]], Callable[..., None]]
Name = Annotated[
    str, typer.Argument(help="Name of a data set; see `papertrial data list`.", show_default=False)
]


def make_data_app(guarded: Guard) -> typer.Typer:
    """Return the command `papertrial data`; `guarded` turns errors into messages and exit codes."""
    app = typer.Typer(
        no_args_is_help=True, help="List and download the named data sets; describe any data set."
    )
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
