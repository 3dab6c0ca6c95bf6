"""`papertrial show`: print a recipe as YAML."""

from __future__ import annotations

import typer

from papertrial.cli.options import Overrides, Recipe


def show_command(recipe: Recipe, overrides: Overrides = None) -> None:
    """Print a recipe as YAML that can be trained; with overrides, fully resolved."""
    from papertrial.recipe.load import load_recipe, read_recipe, to_yaml

    if overrides:
        typer.echo(to_yaml(load_recipe(recipe, overrides, check=False)), nl=False)
    else:
        _, text, _ = read_recipe(recipe)
        typer.echo(text, nl=False)
