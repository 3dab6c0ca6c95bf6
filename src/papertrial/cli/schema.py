"""`papertrial schema`: print the JSON Schema of recipes."""

from __future__ import annotations

import json

import typer


def schema() -> None:
    """Print the JSON Schema of recipes, which editors use for completion."""
    from papertrial.recipe.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))
