"""`papertrial schema`: the JSON Schema of recipes."""

from __future__ import annotations

import json

import typer


def schema() -> None:
    """Print the JSON Schema of a recipe, for editors: save it as recipe.schema.json."""
    from papertrial.recipe.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))
