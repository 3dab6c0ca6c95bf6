"""`papertrial new`: create a folder with a recipe to start from."""

from __future__ import annotations

import os
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
    program: Annotated[
        Path | None,
        typer.Option(
            help="Repository, or script, to write a recipe for.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="What the program printed when it last ran, to suggest patterns for its scores.",
            show_default=False,
        ),
    ] = None,
    no_run: Annotated[
        bool,
        typer.Option("--no-run", help="Do not ask the script for its --help; read its source."),
    ] = False,
) -> None:
    """Create a folder with a working recipe, a model.py and a test.

    With --program, the recipe runs that program. Its command, seed and scores are suggested from
    the README, the script's --help and source, and --output. Nothing else of it is run.
    """
    title = name.name
    if not re.fullmatch(_NAME, title):
        rule = "consists of letters, digits, '.', '_' and '-', and starts with a letter or digit"
        raise PapertrialError(f"a recipe's name {rule}; got {title!r}")
    if program is None and (output is not None or no_run):
        raise PapertrialError("--output and --no-run are for --program; name the repository")
    if program is not None:
        files = _of_program(name, program, output, run=not no_run)
    else:
        templates = (resources.files("papertrial") / "templates").iterdir()
        files = {
            one.name.removesuffix(".in"): one.read_text(encoding="utf-8").replace("{name}", title)
            for one in templates
        }
    _write(name, files)
    if program is not None:
        _say_what_is_next(name, files["recipe.yaml"])
        return
    typer.echo(f"created {name}/recipe.yaml, model.py and test_recipe.py; next:")
    typer.echo(f"  papertrial check {name}/recipe.yaml")
    typer.echo(f"  papertrial train {name}/recipe.yaml")


def _write(folder: Path, files: dict[str, str]) -> None:
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise PapertrialError(f"{folder} already exists; choose another name, or remove it")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise PapertrialError(f"cannot write {folder}: {error.strerror}") from error


def _of_program(name: Path, program: Path, output: Path | None, *, run: bool) -> dict[str, str]:
    from papertrial.programs.suggest.repository import read_repository
    from papertrial.recipe.program_text import program_recipe_text

    if not program.exists():
        raise PapertrialError(
            f"--program {program} does not exist; name the folder of a repository, or a script"
        )
    folder, script = (program, None) if program.is_dir() else (program.parent, program.name)
    text = None
    if output is not None:
        try:
            text = output.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise PapertrialError(f"cannot read --output {output}: {error.strerror}") from error
    suggestion = read_repository(folder, script=script, output=text, run=run)
    relative = os.path.relpath(folder.resolve(), name.resolve())
    return {"recipe.yaml": program_recipe_text(name.name, relative, suggestion)}


def _say_what_is_next(folder: Path, text: str) -> None:
    from papertrial.recipe.program_text import FILL_IN

    path = folder / "recipe.yaml"
    lines = [
        (number, line.strip(" #"))
        for number, line in enumerate(text.splitlines(), 1)
        if line.lstrip().startswith(f"# {FILL_IN}")
    ]
    typer.echo(f"created {path}; to fill in:")
    for number, line in lines:
        typer.echo(f"  line {number}: {line.removeprefix(FILL_IN + ': ')}")
    typer.echo("next:")
    typer.echo(f"  papertrial check {path} --no-run")
    typer.echo(f"  papertrial check {path}")
    typer.echo(f"  papertrial verify {path}")
