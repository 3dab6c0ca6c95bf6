"""Plain values of a recipe, of any type before validation: key paths, lookups, type checks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeGuard

KeyPath = tuple[str | int, ...]


def dotted(path: KeyPath) -> str:
    """Format a key path of plain values: `("data", "augment", 0)` is "data.augment.0"."""
    return ".".join(str(part) for part in path)


def value_at(tree: object, path: str) -> object:
    """Return the plain value at a key path such as "data.splits.test"; None if there is none."""
    for key in path.split("."):
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def list_at(tree: object, path: str) -> Sequence[object]:
    """Return the list at a key path of plain values; an empty one if it is not a list."""
    value = value_at(tree, path)
    return value if isinstance(value, list | tuple) else ()


def is_finite_number(value: object) -> TypeGuard[int | float]:
    """Return whether a plain value is a finite number, and not a boolean or text."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False


def is_whole_number(value: object, least: int) -> TypeGuard[int]:
    """Return whether a plain value is an integer of at least `least`, and not a boolean."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
