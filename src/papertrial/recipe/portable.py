"""A recipe that runs from a folder of its own, with copies of the files that it names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from papertrial.recipe.load import to_tree
from papertrial.recipe.schema import Recipe
from papertrial.recipe.slots import files_in, map_files, read_file
from papertrial.recipe.text import dump


def portable(
    recipe: Recipe, folder: str, sides: Mapping[int, str] | None = None
) -> tuple[str, dict[str, bytes]]:
    """Return (YAML text, file contents by relative path), the files lying in `folder` beside it.

    `sides` has files of recipes by the number of the claim: the other sides of its differences.
    The files are those of its Python code and its vocabulary; data and runs stay where they are.

    Raises:
        RecipeError: a file is no longer there.
    """
    tree = to_tree(recipe)
    words = recipe.data.text and recipe.data.text.vocabulary_file
    copies: dict[Path, str] = {}
    for path in [*files_in(tree), *([Path(words)] if words else [])]:
        name, number = path.name, 2
        while name in copies.values():
            name, number = f"{number}-{path.name}", number + 1
        copies[path] = name

    def beside(use: str) -> str:
        path, _, name = use.rpartition(":")
        return f"./{folder}/{copies[Path(path)]}:{name}"

    files = {f"{folder}/{name}": read_file(path) for path, name in copies.items()}
    tree = map_files(tree, beside)
    if words:
        tree["data"]["text"]["vocabulary_file"] = f"./{folder}/{copies[Path(words)]}"
    for number, side in (sides or {}).items():
        tree["claims"][number]["versus"] = {"recipe": side}
    return dump(tree), files
