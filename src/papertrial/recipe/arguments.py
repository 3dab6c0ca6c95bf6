"""Paths of files and folders in the arguments of slots.

A text is a path if it contains a folder or a suffix and exists, relative to the recipe:
`weights: w.pt`, `vocabulary: words/en.txt`. A text that begins with "./", "../", "~/" or "/" is
always a path, and a single word such as "mean" never is. Anchoring replaces a path with the
absolute path.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from papertrial.errors import Problem
from papertrial.recipe.slots import OWN_KEYS, other_sides, slots_in
from papertrial.recipe.text import KeyPath, dotted

_SLOTS = ("model", "loss", "optimizer", "scheduler", "data.transform", "data.augment")


def anchor_arguments(
    tree: Mapping[str, object], folder: Path, within: Sequence[KeyPath] = ((),)
) -> dict[str, object]:
    """Return plain values with absolute paths in arguments; relative ones are relative to `folder`.

    Args:
        tree: plain values of a recipe, without slots in short form.
        folder: the folder that paths are relative to.
        within: key paths; only values below one of them change.
    """

    def anchored(path: KeyPath, text: str) -> str:
        inside = any(path[: len(key)] == key for key in within)
        return _anchored(text, folder) if inside else text

    changed = map_arguments(tree, anchored)
    if any(not key or key[0] == "claims" for key in within):
        for versus in other_sides(changed):
            changes = versus.get("set")
            if not isinstance(changes, dict):
                continue
            for key, value in list(changes.items()):
                if any(f"{key}.".startswith(f"{slot}.") for slot in _SLOTS):
                    section, _, last = str(key).rpartition(".")
                    if last != "use" and last not in OWN_KEYS.get(section, ()):
                        changes[key] = _mapped((), value, lambda _, text: _anchored(text, folder))
    return changed


def map_arguments(
    tree: Mapping[str, object], change: Callable[[KeyPath, str], str]
) -> dict[str, object]:
    """Return plain values with `change(key path, text)` in place of each text in slot arguments."""
    copy = {key: _copied(value) for key, value in tree.items()}
    for path, slot in list(slots_in(copy)):
        if isinstance(slot, dict):
            own = ("use", *OWN_KEYS.get(dotted(path), ()))
            for key, value in slot.items():
                if key not in own:
                    slot[key] = _mapped((*path, key), value, change)
    return copy


def files_named(tree: Mapping[str, object]) -> Iterator[tuple[KeyPath, Path]]:
    """Yield (key path, absolute path) of each file or folder in anchored arguments."""
    found: list[tuple[KeyPath, Path]] = []

    def add(path: KeyPath, text: str) -> str:
        if is_path(text):
            found.append((path, Path(text)))
        return text

    map_arguments(tree, add)
    yield from found


def is_path(text: str) -> bool:
    """Return whether an anchored argument is the path of a file or folder."""
    return Path(text).is_absolute() and not _is_punctuation(text) and "\n" not in text


def check_arguments(tree: Mapping[str, object]) -> list[Problem]:
    """Return a problem for each path in the arguments that does not exist."""
    return [
        Problem(
            dotted(path),
            f"the file or folder {str(file)!r} does not exist; a path in a recipe is relative to "
            "the folder of the recipe, a path in an override to the current folder",
        )
        for path, file in files_named(tree)
        if not os.path.exists(file)  # noqa: PTH110  (Path.exists raises if a name is too long)
    ]


def _anchored(text: str, folder: Path) -> str:
    if not text or _is_punctuation(text) or "\n" in text or "\0" in text:
        return text
    path = Path(text)
    with contextlib.suppress(RuntimeError):  # no such user, so "~" is part of the name
        path = path.expanduser()
    explicit = path.is_absolute() or text.startswith(("./", "../", ".\\", "..\\"))
    if not explicit and not (("/" in text or path.suffix) and os.path.exists(folder / path)):  # noqa: PTH110
        return text
    return str((folder / path).resolve())


def _is_punctuation(text: str) -> bool:
    """Return whether a text has only dots, slashes and the like, as a separator has."""
    return not text.strip("./\\~ ")


def _mapped(path: KeyPath, value: object, change: Callable[[KeyPath, str], str]) -> object:
    if isinstance(value, str):
        return change(path, value)
    if isinstance(value, Mapping):
        is_slot = "use" in value
        return {
            key: item if is_slot and key == "use" else _mapped((*path, key), item, change)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_mapped((*path, i), item, change) for i, item in enumerate(value)]
    return value


def _copied(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list | tuple) else value
