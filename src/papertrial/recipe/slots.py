"""Slots in a recipe's plain values: where they are, what they use, and their arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from papertrial.recipe.plain_values import KeyPath, dotted, list_at, value_at

# Keys of a slot that belong to the recipe, and are not arguments.
OWN_KEYS = {
    "optimizer": ("groups",),
    "group": ("match", "layers", "ndim", "scheduler"),
    "scheduler": ("interval", "monitor"),
    "metrics": ("name", "better", "unit"),
    "data.transform": ("only",),
}
# Names that stand for a slot of papertrial's own, by key path.
_NAMED: dict[KeyPath, dict[str, str]] = {
    ("data", "sampler"): {"balanced": "papertrial.samplers.Balanced"},
    ("data", "text", "words"): {
        "whitespace": "papertrial.tokenizers.whitespace",
        "basic-english": "papertrial.tokenizers.basic_english",
    },
}
SOURCE: KeyPath = ("data", "source")  # a slot if it is a function with arguments
_SECTIONS = ("model", "loss", "objective", "optimizer", "scheduler", "keep")
_LISTS = (("data", "transform"), ("data", "augment"), ("evaluate", "augment", "views"))
_REFERENCE = re.compile(r"[^\n]*\.py:[A-Za-z_]\w*(\.\w+)*")


def slots_in(tree: Mapping[str, object]) -> Iterator[tuple[KeyPath, object]]:
    """Yield (key path, value) of each slot in a recipe's plain values."""
    for section in _SECTIONS:
        if tree.get(section) is not None:
            yield (section,), tree[section]
    yield from _slots_of_groups(tree.get("optimizer"))
    metrics = tree.get("metrics")
    for index, item in enumerate(metrics if isinstance(metrics, list) else ()):
        if isinstance(item, dict) and "use" in item:  # others are papertrial's own, by name
            yield ("metrics", index), item
    for path in _NAMED:
        if (value := value_at(tree, dotted(path))) is not None:
            yield path, value
    source = value_at(tree, dotted(SOURCE))
    if isinstance(source, Mapping) and "use" in source:
        yield SOURCE, source
    for *owners, key in _LISTS:
        for index, item in enumerate(list_at(tree, ".".join((*owners, key)))):
            yield (*owners, key, index), item


def _slots_of_groups(optimizer: object) -> Iterator[tuple[KeyPath, object]]:
    """Yield the slots in the parameter groups of an optimizer: a group's class, and scheduler."""
    groups = optimizer.get("groups") if isinstance(optimizer, dict) else None
    for index, group in enumerate(groups if isinstance(groups, list | tuple) else ()):
        if isinstance(group, dict) and group.get("use") is not None:
            yield ("optimizer", "groups", index), group
        if isinstance(group, dict) and group.get("scheduler") is not None:
            yield ("optimizer", "groups", index, "scheduler"), group["scheduler"]


def kind_and_depth(path: KeyPath) -> tuple[str, int]:
    """Return the kind of the slot that is not nested, on the way to `path`, and its path's length.

    The kind is "model" or "data.transform", or "group" or "scheduler" inside `optimizer.groups`.
    """
    if path[:2] == ("optimizer", "groups"):
        return ("scheduler", 4) if path[3:4] == ("scheduler",) else ("group", 3)
    inner = path[0] in ("data", "evaluate")
    kind = ".".join(map(str, path[:2])) if inner else str(path[0])
    depths = {"data.sampler": 2, "data.source": 2, "evaluate.augment": 4, "metrics": 2}
    return kind, depths.get(kind, 3 if path[0] == "data" else 1)


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
            owner[path[-1]] = {"use": _NAMED.get(path, {}).get(value, value)}
    data = expanded.get("data")
    if isinstance(data, dict) and isinstance(source := data.get("source"), str) and is_file(source):
        data["source"] = {"use": source}
    return expanded


def source_in(tree: Mapping[str, object]) -> str | None:
    """Return the source in a recipe's plain values by its name; None if it has none.

    Of a function it is the path, "file.py:name", without its arguments.
    """
    source = value_at(tree, dotted(SOURCE))
    named = source.get("use") if isinstance(source, Mapping) else source
    return named if isinstance(named, str) else None


def is_function(source: str | None) -> bool:
    """Return whether a source, by its name, is a function in a file."""
    return source is not None and is_file(source)


def is_file(use: str) -> bool:
    """Return whether the `use` of a slot is a file, "file.py:Name", rather than an import path."""
    return ".py:" in use


def is_reference(text: str) -> bool:
    """Return whether a text in an argument names code in a file, as "file.py:name" does."""
    return is_file(text) and _REFERENCE.fullmatch(text) is not None


def map_files(tree: Mapping[str, object], rename: Callable[[str], str]) -> dict[str, object]:
    """Return plain values with every "file.py:Name" renamed, in slots and as `data.source`."""
    return map_uses(tree, lambda use: rename(use) if is_file(use) else use)


def map_uses(
    tree: Mapping[str, object], rename: Callable[[str], str], *, inside: bool = False
) -> dict[str, object]:
    """Return plain values with the code that they name renamed.

    That is the `use` of all slots, each "file.py:name" in their arguments, and `source` if it is
    a file. `inside` means that `tree` is a part of a slot.
    """
    inside = inside or "use" in tree

    def is_code(key: str, text: str) -> bool:
        if key == "use":
            return True
        return is_reference(text) if inside else key == "source" and is_file(text)

    return {
        key: rename(item)
        if isinstance(item, str) and is_code(key, item)
        else _map_nested(item, rename, inside)
        for key, item in tree.items()
    }


def _map_nested(value: object, rename: Callable[[str], str], inside: bool) -> object:
    if isinstance(value, dict):
        return map_uses(value, rename, inside=inside)
    if isinstance(value, list | tuple):
        return [_map_nested(item, rename, inside) for item in value]
    return rename(value) if inside and isinstance(value, str) and is_reference(value) else value


def map_arguments(
    tree: Mapping[str, object], change: Callable[[KeyPath, str], str]
) -> dict[str, object]:
    """Return plain values with `change(key path, text)` for each text in the arguments of slots."""
    copy = {key: _copied(value) for key, value in tree.items()}
    for path, slot in list(slots_in(copy)):
        if isinstance(slot, dict):
            own = ("use", *OWN_KEYS.get(kind_and_depth(path)[0], ()))
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
