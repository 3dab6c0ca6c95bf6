"""`papertrial new`: create a folder with a recipe to start from."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from papertrial.errors import PapertrialError

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"


def new_command(
    name: Annotated[
        Path,
        typer.Argument(
            help="Folder to create; its name becomes the recipe's name.", show_default=False
        ),
    ],
) -> None:
    """Create a folder with a working recipe, a model.py and a test."""
    title = name.name
    if not re.fullmatch(_NAME, title):
        rule = "consists of letters, digits, '.', '_' and '-', and starts with a letter or digit"
        raise PapertrialError(f"a recipe's name {rule}; got {title!r}")
    try:
        if name.exists() and (not name.is_dir() or any(name.iterdir())):
            raise PapertrialError(f"{name} already exists; choose another name, or remove it")
        name.mkdir(parents=True, exist_ok=True)
        for template in (resources.files("papertrial") / "templates").iterdir():
            text = template.read_text(encoding="utf-8").replace("{name}", title)
            (name / template.name.removesuffix(".in")).write_text(text, encoding="utf-8")
    except OSError as error:
        raise PapertrialError(f"cannot write {name}: {error.strerror}") from error
    typer.echo(f"created {name}/recipe.yaml, model.py and test_recipe.py; next:")
    typer.echo(f"  papertrial check {name}/recipe.yaml")
    typer.echo(f"  papertrial train {name}/recipe.yaml")
