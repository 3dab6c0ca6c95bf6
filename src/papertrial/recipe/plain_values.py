"""Lookups in a recipe's plain values, which can have any shape before validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def value_at(tree: object, path: str) -> object:
    """Return the value at a key path such as "data.splits.test"; None if it does not exist."""
    for key in path.split("."):
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def list_at(tree: object, path: str) -> Sequence[object]:
    """Return the list at a key path; an empty one if it does not exist or is not a list."""
    value = value_at(tree, path)
    return value if isinstance(value, list | tuple) else ()
