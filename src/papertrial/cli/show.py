"""`papertrial show`: print a recipe as YAML."""

from __future__ import annotations

import json
import re
from pathlib import Path

import typer

from papertrial.cli.options import Overrides, Recipe


def show_command(recipe: Recipe, overrides: Overrides = None) -> None:
    """Print a recipe as YAML that can be run; with overrides, fully resolved."""
    from papertrial.recipe.load import load_recipe, read_recipe, shipped_recipes, to_yaml

    if overrides:
        typer.echo(to_yaml(load_recipe(recipe, overrides, check=False)), nl=False)
        return
    _, text, folder = read_recipe(recipe)
    typer.echo(_anchored(text, folder) if recipe in shipped_recipes() else text, nl=False)


def _anchored(text: str, folder: Path) -> str:
    """Return a shipped recipe with absolute paths of its code and files, so that a copy can run."""

    def path(found: re.Match[str]) -> str:
        return json.dumps(str(folder / found[1]))  # a text in quotes, in YAML too

    return re.sub(r'(?<=: )"?(\./[^\s",}]+)"?', path, text)
