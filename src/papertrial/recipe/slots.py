"""Where a recipe names classes and files, in its plain values."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from papertrial.errors import RecipeError
from papertrial.recipe.text import KeyPath

_SECTIONS = ("model", "loss", "optimizer", "scheduler")
_LISTS = ("transform", "augment")
_PATHS = (
    ("data", "path"),
    ("data", "text", "vocabulary_file"),
    ("data", "text", "vectors"),
    ("init_from",),
)


def slots_in(tree: dict[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    """Yield (key path, value) of each place in a recipe's plain values that names a class."""
    for section in _SECTIONS:
        if tree.get(section) is not None:
            yield (section,), tree[section]
    data = tree.get("data")
    data = data if isinstance(data, dict) else {}
    for section in _LISTS:
        listed = data.get(section)
        for index, item in enumerate(listed if isinstance(listed, list) else ()):
            yield ("data", section, index), item


def expand(tree: dict[str, Any]) -> dict[str, Any]:
    """Return plain values with every slot in short form, `loss: torch.nn.MSELoss`, written out.

    Mappings and lists are new ones, so that a caller's are left alone.
    """
    tree = map_files(tree, lambda use: use)
    for path, value in slots_in(tree):
        if isinstance(value, str):
            owner: Any = tree
            for part in path[:-1]:
                owner = owner[part]
            owner[path[-1]] = {"use": value}
    return tree


def is_file(use: str) -> bool:
    """Tell whether `use` is "file.py:Name" rather than an import path."""
    return ".py:" in use


def anchor_files(tree: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make every file that plain values name absolute, taken as relative to `folder`.

    These are "./file.py:Name" under a `use` or as the source, the paths of data and runs, and those
    of the other side of a claim's difference.
    """
    anchored: dict[str, Any] = map_files(tree, lambda use: str((folder / use).resolve()))
    for *owners, key in _PATHS:
        section: Any = anchored
        for owner in owners:
            section = section.get(owner) if isinstance(section, dict) else None
        _anchor(section, key, key, folder)
    for versus in other_sides(anchored):
        if is_recipe_file(versus.get("recipe")):
            _anchor(versus, "recipe", "recipe", folder)
        changes: Any = versus.get("set")
        for key, value in list(changes.items()) if isinstance(changes, dict) else ():
            if isinstance(value, str) and is_file(value):
                changes[key] = str((folder / value).resolve())
            elif tuple(str(key).split(".")) in _PATHS:
                _anchor(changes, key, str(key).rpartition(".")[2], folder)
    return anchored


def _anchor(section: Any, key: str, name: str, folder: Path) -> None:
    """Make one path of a section absolute, where there is a section and a path in it."""
    if not isinstance(section, dict):
        return
    value = section.get(key)
    if isinstance(value, str) and value and (name != "vectors" or is_vectors_file(value)):
        path = Path(value)
        with contextlib.suppress(RuntimeError):  # no such user: told when it is opened
            path = path.expanduser()
        section[key] = str((folder / path).resolve())


def other_sides(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the `versus` of each claim of a difference, in plain values."""
    claims = tree.get("claims")
    for claim in claims if isinstance(claims, list | tuple) else ():
        versus = claim.get("versus") if isinstance(claim, dict) else None
        if isinstance(versus, dict):
            yield versus


def is_recipe_file(recipe: Any) -> bool:
    """Tell whether a recipe is named by its file rather than as one of the shipped ones."""
    if not isinstance(recipe, str):
        return False
    return "/" in recipe or "\\" in recipe or Path(recipe).suffix in (".yaml", ".yml")


def is_vectors_file(vectors: str) -> bool:
    """Tell whether word vectors are named by a file rather than by a name such as glove.6B.100d."""
    return "/" in vectors or "\\" in vectors or Path(vectors).suffix in (".txt", ".zip", ".vec")


def read_file(path: Path) -> bytes:
    """Return a recipe's file; RecipeError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecipeError(f"there is no readable file {str(path)!r}: {error.strerror}") from error


def map_files(value: Any, rename: Callable[[str], str]) -> Any:
    """Return plain values with every "path.py:Name" under a `use` or `source` renamed.

    A slot's own argument of the name `source` is left alone.
    """
    return map_uses(value, lambda use: rename(use) if is_file(use) else use)


def map_uses(value: Any, rename: Callable[[str], str]) -> Any:
    """Return plain values with every text under a `use` renamed, and a `source` that is a file."""
    if isinstance(value, dict):
        named = "use" if "use" in value else "source"
        return {
            key: rename(item)
            if key == named and isinstance(item, str) and (key == "use" or is_file(item))
            else map_uses(item, rename)
            for key, item in value.items()
        }
    return [map_uses(i, rename) for i in value] if isinstance(value, list | tuple) else value
