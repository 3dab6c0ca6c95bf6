"""`papertrial schema`: print the JSON Schema of recipes, or their reference as Markdown."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def schema_command(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a reference of all keys as Markdown instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of recipes, which editors use for completion."""
    if markdown:
        from papertrial.recipe.reference import to_markdown

        typer.echo(to_markdown(), nl=False)
        return
    from papertrial.recipe.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))
