"""Slots in a recipe's plain values: where they are, what they use, and their arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from papertrial.recipe.plain_values import KeyPath

# Keys of a slot that belong to the recipe, and are not arguments.
OWN_KEYS = {"scheduler": ("interval", "monitor"), "metrics": ("name", "better", "unit")}
_SECTIONS = ("model", "loss", "objective", "optimizer", "scheduler", "keep")
_LISTS = ("transform", "augment")


def slots_in(tree: Mapping[str, object]) -> Iterator[tuple[KeyPath, object]]:
    """Yield (key path, value) of each slot in a recipe's plain values."""
    for section in _SECTIONS:
        if tree.get(section) is not None:
            yield (section,), tree[section]
    metrics = tree.get("metrics")
    for index, item in enumerate(metrics if isinstance(metrics, list) else ()):
        if isinstance(item, dict) and "use" in item:  # others are papertrial's own, by name
            yield ("metrics", index), item
    data = tree.get("data")
    data = data if isinstance(data, dict) else {}
    for section in _LISTS:
        listed = data.get(section)
        for index, item in enumerate(listed if isinstance(listed, list) else ()):
            yield ("data", section, index), item


def depth_of(path: KeyPath) -> int:
    """Return the length of the key path of the slot that is not nested, on the way to `path`."""
    return {"data": 3, "metrics": 2}.get(str(path[0]), 1)


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
    """Return whether the `use` of a slot is a file, "file.py:Name", rather than an import path."""
    return ".py:" in use


def map_files(tree: Mapping[str, object], rename: Callable[[str], str]) -> dict[str, object]:
    """Return plain values with every "file.py:Name" renamed, in slots and as `data.source`.

    A slot's argument called `source` does not change.
    """
    return map_uses(tree, lambda use: rename(use) if is_file(use) else use)


def map_uses(tree: Mapping[str, object], rename: Callable[[str], str]) -> dict[str, object]:
    """Return plain values with the `use` of all slots renamed, and each `source` that is a file."""
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


def map_arguments(
    tree: Mapping[str, object], change: Callable[[KeyPath, str], str]
) -> dict[str, object]:
    """Return plain values with `change(key path, text)` for each text in the arguments of slots."""
    copy = {key: _copied(value) for key, value in tree.items()}
    for path, slot in list(slots_in(copy)):
        if isinstance(slot, dict):
            own = ("use", *OWN_KEYS.get(str(path[0]), ()))
            for key, value in slot.items():
                if key not in own:
                    slot[key] = map_texts((*path, key), value, change)
    return copy


def map_texts(path: KeyPath, value: object, change: Callable[[KeyPath, str], str]) -> object:
    """Return an argument of a slot with `change(key path, text)` for each text inside."""
    if isinstance(value, str):
        return change(path, value)
    if isinstance(value, Mapping):
        is_slot = "use" in value
        return {
            key: item if is_slot and key == "use" else map_texts((*path, key), item, change)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [map_texts((*path, i), item, change) for i, item in enumerate(value)]
    return value


def _copied(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list | tuple) else value
