"""`papertrial show`: print a recipe as YAML."""

from __future__ import annotations

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
    """Return a shipped recipe with the absolute folder of its program, so that a copy can run."""
    from papertrial.recipe.yaml_text import dump

    def line(found: re.Match[str]) -> str:
        return found[1] + dump({"folder": str(folder / found[2])}).rstrip()

    return re.sub(r"^( +)folder: (\./\S+)$", line, text, flags=re.MULTILINE)
