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

    These are "./file.py:Name" under a `use` or as the source, and the paths of data and runs.
    """
    anchored: dict[str, Any] = map_files(tree, lambda use: str((folder / use).resolve()))
    for *owners, key in _PATHS:
        section: Any = anchored
        for owner in owners:
            section = section.get(owner) if isinstance(section, dict) else None
        value = section.get(key) if isinstance(section, dict) else None
        if isinstance(value, str) and value and (key != "vectors" or is_vectors_file(value)):
            path = Path(value)
            with contextlib.suppress(RuntimeError):  # no such user: told when it is opened
                path = path.expanduser()
            section[key] = str((folder / path).resolve())
    return anchored


def is_vectors_file(vectors: str) -> bool:
    """Tell whether word vectors are named by a file rather than by a name such as glove.6B.100d."""
    return "/" in vectors or "\\" in vectors or Path(vectors).suffix in (".txt", ".zip", ".vec")


def read_file(path: Path) -> bytes:
    """Return a recipe's file; RecipeError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecipeError(f"there is no readable file {str(path)!r}: {error.strerror}") from error


def files_in(value: Any) -> list[Path]:
    """List the Python files that plain values name, each once, in order."""
    found: dict[Path, None] = {}
    map_files(value, lambda use: found.setdefault(Path(use.rpartition(":")[0])) or use)
    return list(found)


def map_files(value: Any, rename: Callable[[str], str]) -> Any:
    """Return plain values with every "path.py:Name" under a `use` or `source` renamed.

    A slot's own argument of the name `source` is left alone.
    """
    if isinstance(value, dict):
        named = "use" if "use" in value else "source"
        return {
            key: rename(item)
            if key == named and isinstance(item, str) and is_file(item)
            else map_files(item, rename)
            for key, item in value.items()
        }
    return [map_files(i, rename) for i in value] if isinstance(value, list | tuple) else value
