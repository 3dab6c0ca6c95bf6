"""The places in a recipe's plain values that name classes and files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeGuard

from papertrial.errors import RecipeError
from papertrial.recipe.plain_values import list_at, value_at
from papertrial.recipe.text import KeyPath

# Keys of a slot that belong to the recipe, and are not arguments.
OWN_KEYS = {"scheduler": ("interval", "monitor")}
_SECTIONS = ("model", "loss", "optimizer", "scheduler")
_LISTS = ("transform", "augment")
_PATHS = (
    ("data", "path"),
    ("data", "text", "vocabulary_file"),
    ("data", "text", "vectors"),
    ("init_from",),
)


def slots_in(tree: Mapping[str, object]) -> Iterator[tuple[KeyPath, object]]:
    """Yield (key path, value) of each slot in a recipe's plain values."""
    for section in _SECTIONS:
        if tree.get(section) is not None:
            yield (section,), tree[section]
    data = tree.get("data")
    data = data if isinstance(data, dict) else {}
    for section in _LISTS:
        listed = data.get(section)
        for index, item in enumerate(listed if isinstance(listed, list) else ()):
            yield ("data", section, index), item


def expand(tree: Mapping[str, object]) -> dict[str, object]:
    """Return plain values with slots in short form, `loss: torch.nn.MSELoss`, as mappings.

    Mappings and lists are copied, so the given ones do not change.
    """
    expanded = map_files(tree, lambda use: use)
    for path, value in slots_in(expanded):
        if isinstance(value, str):
            owner: Any = expanded
            for part in path[:-1]:
                owner = owner[part]
            owner[path[-1]] = {"use": value}
    return expanded


def is_file(use: str) -> bool:
    """Return whether `use` is "file.py:Name" rather than an import path."""
    return ".py:" in use


def anchor_files(tree: Mapping[str, object], folder: Path) -> dict[str, object]:
    """Return plain values with absolute paths; relative ones are relative to `folder`.

    This covers "./file.py:Name" as `use` or source, the paths of data and runs, and the paths in
    the `versus` of a claim.
    """
    anchored = map_files(tree, lambda use: str((folder / use).resolve()))
    for *owners, key in _PATHS:
        section = value_at(anchored, ".".join(owners)) if owners else anchored
        _anchor(section, key, key, folder)
    for versus in other_sides(anchored):
        if is_recipe_file(versus.get("recipe")):
            _anchor(versus, "recipe", "recipe", folder)
        changes = versus.get("set")
        if not isinstance(changes, dict):
            continue
        for key, value in list(changes.items()):
            if isinstance(value, str) and is_file(value):
                changes[key] = str((folder / value).resolve())
            elif tuple(str(key).split(".")) in _PATHS:
                _anchor(changes, key, str(key).rpartition(".")[2], folder)
    return anchored


def _anchor(section: object, key: str, name: str, folder: Path) -> None:
    """Make one path in a section absolute; do nothing if there is no section or no path."""
    if not isinstance(section, dict):
        return
    value = section.get(key)
    if isinstance(value, str) and value and (name != "vectors" or is_vectors_file(value)):
        path = Path(value)
        with contextlib.suppress(RuntimeError):  # no such user; reported when the file is opened
            path = path.expanduser()
        section[key] = str((folder / path).resolve())


def other_sides(tree: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Yield the `versus` of each claim that has one, in plain values."""
    for claim in list_at(tree, "claims"):
        versus = claim.get("versus") if isinstance(claim, dict) else None
        if isinstance(versus, dict):
            yield versus


def is_recipe_file(recipe: object) -> TypeGuard[str]:
    """Return whether a recipe is given as a file rather than as the name of a shipped recipe."""
    if not isinstance(recipe, str):
        return False
    return "/" in recipe or "\\" in recipe or Path(recipe).suffix in (".yaml", ".yml")


def is_vectors_file(vectors: str) -> bool:
    """Return whether word vectors are given as a file rather than a name such as glove.6B.100d."""
    return "/" in vectors or "\\" in vectors or Path(vectors).suffix in (".txt", ".zip", ".vec")


def read_file(path: Path) -> bytes:
    """Return the content of a file that a recipe names.

    Raises:
        RecipeError: the file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecipeError(f"cannot read the file {str(path)!r}: {error.strerror}") from error


def map_files(tree: Mapping[str, object], rename: Callable[[str], str]) -> dict[str, object]:
    """Return plain values with every "path.py:Name" that is a `use` or a `source` renamed.

    A slot's argument called `source` does not change.
    """
    return map_uses(tree, lambda use: rename(use) if is_file(use) else use)


def map_uses(tree: Mapping[str, object], rename: Callable[[str], str]) -> dict[str, object]:
    """Return plain values with every `use` renamed, and every `source` that is a file."""
    named = "use" if "use" in tree else "source"
    return {
        key: rename(item)
        if key == named and isinstance(item, str) and (key == "use" or is_file(item))
        else _map_nested(item, rename)
        for key, item in tree.items()
    }


def _map_nested(value: object, rename: Callable[[str], str]) -> object:
    if isinstance(value, dict):
        return map_uses(value, rename)
    return [_map_nested(i, rename) for i in value] if isinstance(value, list | tuple) else value
