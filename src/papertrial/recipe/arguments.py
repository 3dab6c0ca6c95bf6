"""Files and folders that the arguments of a slot name.

A text is one where it names something that is there, relative to the recipe, and has a folder or a
suffix in it: `weights: w.pt`, `vocabulary: words/en.txt`. With "./", "../", "~/" or "/" in front it
is one in any case. Once anchored, it is the absolute path. A bare word, "mean", never is one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from papertrial.errors import Problem
from papertrial.recipe.slots import other_sides, slots_in
from papertrial.recipe.text import KeyPath, dotted

_OWN_KEYS = {"scheduler": ("interval", "monitor")}  # which are the recipe's own, not arguments
_SLOTS = ("model", "loss", "optimizer", "scheduler", "data.transform", "data.augment")


def anchor_arguments(
    tree: dict[str, Any], folder: Path, within: Sequence[KeyPath] = ((),)
) -> dict[str, Any]:
    """Make the files that arguments name absolute, taken as relative to `folder`.

    Args:
        tree: plain values of a recipe, its slots written out.
        folder: what a path is relative to.
        within: key paths below which to look; the rest is left as it is.
    """

    def anchored(path: KeyPath, text: str) -> str:
        inside = any(path[: len(key)] == key for key in within)
        return _anchored(text, folder) if inside else text

    tree = map_arguments(tree, anchored)
    if any(not key or key[0] == "claims" for key in within):
        for versus in other_sides(tree):
            changes: Any = versus.get("set")
            for key, value in list(changes.items()) if isinstance(changes, dict) else ():
                if any(f"{key}.".startswith(f"{slot}.") for slot in _SLOTS):
                    section, _, last = str(key).rpartition(".")
                    if last != "use" and last not in _OWN_KEYS.get(section, ()):
                        changes[key] = _mapped((), value, lambda _, text: _anchored(text, folder))
    return tree


def map_arguments(tree: dict[str, Any], change: Callable[[KeyPath, str], Any]) -> dict[str, Any]:
    """Return plain values with `change(key path, text)` for each text in the arguments of slots."""
    copy: dict[str, Any] = _copied(tree)
    for path, slot in list(slots_in(copy)):
        if isinstance(slot, dict):
            own = ("use", *_OWN_KEYS.get(dotted(path), ()))
            for key, value in slot.items():
                if key not in own:
                    slot[key] = _mapped((*path, key), value, change)
    return copy


def files_named(tree: dict[str, Any]) -> Iterator[tuple[KeyPath, Path]]:
    """Yield (key path, absolute path) of each file or folder that an anchored argument names."""
    found: list[tuple[KeyPath, Path]] = []

    def seen(path: KeyPath, text: str) -> str:
        if is_path(text):
            found.append((path, Path(text)))
        return text

    map_arguments(tree, seen)
    yield from found


def is_path(text: str) -> bool:
    """Tell whether an anchored argument names a file or a folder."""
    return Path(text).is_absolute() and not _is_punctuation(text) and "\n" not in text


def check_arguments(tree: dict[str, Any]) -> list[Problem]:
    """Return a problem for each file that an argument names and that is not there."""
    return [
        Problem(
            dotted(path),
            f"there is no file or folder {str(file)!r}; a path in a recipe is relative to the "
            "recipe's folder, in an override to the current one",
        )
        for path, file in files_named(tree)
        if not os.path.exists(file)  # noqa: PTH110  (Path.exists raises for a name too long)
    ]


def _anchored(text: str, folder: Path) -> str:
    if not text or _is_punctuation(text) or "\n" in text or "\0" in text:
        return text
    path = Path(text)
    with contextlib.suppress(RuntimeError):  # no such user: then it is only a name
        path = path.expanduser()
    explicit = path.is_absolute() or text.startswith(("./", "../", ".\\", "..\\"))
    if not explicit and not (("/" in text or path.suffix) and os.path.exists(folder / path)):  # noqa: PTH110
        return text
    return str((folder / path).resolve())


def _is_punctuation(text: str) -> bool:
    """Tell whether a text is no path although it could be one, as a separator between words."""
    return not text.strip("./\\~ ")


def _mapped(path: KeyPath, value: Any, change: Callable[[KeyPath, str], Any]) -> Any:
    if isinstance(value, str):
        return change(path, value)
    if isinstance(value, Mapping):
        code = "use" in value
        return {
            key: item if code and key == "use" else _mapped((*path, key), item, change)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_mapped((*path, i), item, change) for i, item in enumerate(value)]
    return value


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list | tuple) else value
