"""Arguments and options that several subcommands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Recipe = Annotated[
    str, typer.Argument(help="A shipped recipe's name, or a YAML file.", show_default=False)
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        help="Changes to it, such as optimizer.lr=0.01 epochs=3.",
        metavar="[KEY=VALUE]...",
        show_default=False,
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        "--data-folder",
        help="Data folder; else $PAPERTRIAL_DATA, else the platform's cache folder.",
    ),
]
Device = Annotated[str, typer.Option(help="auto (CUDA, then MPS, then CPU), cpu, mps, cuda:N.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON as the last line of output.")]
