"""`papertrial badge`: draw a badge with the verdict of a verification."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from papertrial.errors import RunError


def badge_command(
    verification: Annotated[
        Path, typer.Argument(help="Folder of a verification.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write the SVG to this file.", show_default="standard output"
        ),
    ] = None,
    endpoint: Annotated[
        Path | None,
        typer.Option(
            help="Write the JSON for a badge by shields.io to this file.", show_default=False
        ),
    ] = None,
    label: Annotated[str, typer.Option(help="The left text.")] = "papertrial",
) -> None:
    """Draw a badge with the verdict of a finished verification, as SVG or for shields.io."""
    import json

    from papertrial.report.render.badge import Badge
    from papertrial.verification.verify import load_verification

    done = load_verification(verification)
    badge = Badge.of(done.verdict, deviates=bool(done.deviations), label=label)
    if endpoint is not None:
        _write(endpoint, json.dumps(badge.to_endpoint().to_plain(), ensure_ascii=False) + "\n")
    if output is not None:
        _write(output, badge.to_svg())
    if output is None and endpoint is None:
        typer.echo(badge.to_svg(), nl=False)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error
    typer.echo(f"badge: {path}", err=True)
