"""Arguments and options that several subcommands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_DATA_HELP = "Data folder. Default: $PAPERTRIAL_DATA, or else the user's cache folder."

Recipe = Annotated[
    str,
    typer.Argument(help="Name of a shipped recipe, or path of a YAML file.", show_default=False),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        help="Overrides of the recipe, such as optimizer.lr=0.01 epochs=3.",
        metavar="KEY=VALUE",
        show_default=False,
    ),
]
Run = Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)]
RunOrVerification = Annotated[
    Path,
    typer.Argument(help="Folder of a run, a verification or a combination.", show_default=False),
]
Runs = Annotated[Path, typer.Option(help="Folder that contains the run folders.")]
RUNS = Path("runs")
Data = Annotated[Path | None, typer.Option("--data", "--data-folder", help=_DATA_HELP)]
DataFolder = Annotated[Path | None, typer.Option(help=_DATA_HELP)]
Device = Annotated[str, typer.Option(help="auto (CUDA, then MPS, then CPU), cpu, mps or cuda:N.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON as the last line of output.")]
