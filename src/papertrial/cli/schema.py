"""`papertrial schema`: the JSON Schema of recipes, or their reference as Markdown."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def schema(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the reference of all keys as Markdown.")
    ] = False,
) -> None:
    """Print the JSON Schema of a recipe, for editors: save it as recipe.schema.json."""
    if markdown:
        from papertrial.recipe.reference import to_markdown

        typer.echo(to_markdown(), nl=False)
        return
    from papertrial.recipe.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))
