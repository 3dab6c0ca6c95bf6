"""File paths in a recipe: in its keys and in the arguments of slots.

A text in an argument is a path if it contains a folder or a suffix and exists, relative to the
recipe: `weights: w.pt`, `vocabulary: words/en.txt`. A text that begins with "./", "../", "~/" or
"/" is always a path, and a single word such as "mean" never is. Anchoring replaces a path with the
absolute path.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeGuard

from papertrial.errors import Problem
from papertrial.hub import is_on_hub
from papertrial.recipe.plain_values import KeyPath, dotted, list_at, value_at
from papertrial.recipe.slots import (
    OWN_KEYS,
    is_file,
    is_reference,
    map_arguments,
    map_files,
    map_texts,
)

_PATHS = (
    ("data", "path"),
    *(("data", "path", part) for part in ("train", "validation", "test")),
    ("data", "image", "folder"),
    ("data", "text", "vocabulary_file"),
    ("data", "text", "vectors"),
    ("data", "text", "tokenizer"),
    ("init_from",),
    ("init_from", "weights"),
    ("program", "folder"),
    ("program", "git", "url"),
)
_SLOTS = (
    "model",
    "loss",
    "optimizer",
    "scheduler",
    "data.transform",
    "data.augment",
    "data.source",
)


def anchor_files(tree: Mapping[str, object], folder: Path) -> dict[str, object]:
    """Return plain values with absolute file paths in each `use` and in keys such as `data.path`.

    Relative paths are relative to `folder`. This covers "./file.py:Name" as `use` or source, the
    paths of data and runs, and the paths in the `versus` of a claim.
    """
    anchored = map_files(tree, lambda use: str((folder / use).resolve()))
    for *owners, key in _PATHS:
        section = value_at(anchored, ".".join(owners)) if owners else anchored
        _anchor_key(section, key, key, folder)
    for versus in _versus_in(anchored):
        if is_recipe_file(versus.get("recipe")):
            _anchor_key(versus, "recipe", "recipe", folder)
        changes = versus.get("set")
        if not isinstance(changes, dict):
            continue
        for key, value in list(changes.items()):
            if isinstance(value, str) and is_file(value):
                changes[key] = str((folder / value).resolve())
            elif tuple(str(key).split(".")) in _PATHS:
                _anchor_key(changes, key, str(key).rpartition(".")[2], folder)
    return anchored


def _anchor_key(section: object, key: str, name: str, folder: Path) -> None:
    """Make the file path at a key of a section absolute, if the section and the path exist."""
    if not isinstance(section, dict):
        return
    value = section.get(key)
    if isinstance(value, str) and value and _MAY_BE_PATHS.get(name, bool)(value):
        path = Path(value)
        with contextlib.suppress(RuntimeError):  # no such user; reported when the file is opened
            path = path.expanduser()
        section[key] = str((folder / path).resolve())


def is_local_repository(url: str) -> bool:
    """Return whether a recipe gives a Git repository as a file path, not as an address."""
    return "://" not in url and not re.match(r"[^/\\.]+@?[^/\\]*:", url)


def _versus_in(tree: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Yield the `versus` of each claim that has one, because file paths occur in it too."""
    for claim in list_at(tree, "claims"):
        versus = claim.get("versus") if isinstance(claim, dict) else None
        if isinstance(versus, dict):
            yield versus


def is_recipe_file(recipe: object) -> TypeGuard[str]:
    """Return whether a recipe is given as a file path, not as the name of a shipped recipe."""
    if not isinstance(recipe, str):
        return False
    return "/" in recipe or "\\" in recipe or Path(recipe).suffix in (".yaml", ".yml")


def is_tokenizer_folder(tokenizer: str) -> bool:
    """Return whether a recipe gives a tokenizer as a folder, not as a name on the hub."""
    return not is_on_hub(tokenizer)


def is_vectors_file(vectors: str) -> bool:
    """Return whether a recipe gives word vectors as a file path, not as a name (glove.6B.100d)."""
    return "/" in vectors or "\\" in vectors or Path(vectors).suffix in (".txt", ".zip", ".vec")


def is_weights_file(path: Path) -> bool:
    """Return whether initial weights are a file, which may be absent, and not the folder of a run.

    The names of run folders have no suffix.
    """
    return path.is_file() or (bool(path.suffix) and not path.is_dir())


def anchor_arguments(
    tree: Mapping[str, object], folder: Path, within: Sequence[KeyPath] = ((),)
) -> dict[str, object]:
    """Return plain values with absolute file paths in the arguments of slots.

    Args:
        tree: plain values of a recipe, without slots in short form.
        folder: the folder that relative paths are relative to.
        within: key paths; only values below one of them change.
    """

    def anchored(path: KeyPath, text: str) -> str:
        inside = any(path[: len(key)] == key for key in within)
        return _anchored(text, folder) if inside else text

    changed = map_arguments(tree, anchored)
    if any(not key or key[0] == "claims" for key in within):
        for versus in _versus_in(changed):
            changes = versus.get("set")
            if not isinstance(changes, dict):
                continue
            for key, value in list(changes.items()):
                if any(f"{key}.".startswith(f"{slot}.") for slot in _SLOTS):
                    section, _, last = str(key).rpartition(".")
                    if last != "use" and last not in OWN_KEYS.get(section, ()):
                        changes[key] = map_texts((), value, lambda _, text: _anchored(text, folder))
    return changed


def files_named(tree: Mapping[str, object]) -> Iterator[tuple[KeyPath, Path]]:
    """Yield (key path, absolute file path) of each file or folder in anchored arguments."""
    found: list[tuple[KeyPath, Path]] = []

    def add(path: KeyPath, text: str) -> str:
        if is_path(text):
            found.append((path, Path(text)))
        return text

    map_arguments(tree, add)
    yield from found


def is_path(text: str) -> bool:
    """Return whether an anchored argument is a file path."""
    is_text = _is_punctuation(text) or "\n" in text or is_reference(text)
    return Path(text).is_absolute() and not is_text


def check_arguments(tree: Mapping[str, object]) -> list[Problem]:
    """Return a problem for each file path in the arguments of slots that does not exist."""
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
    if not text or _is_punctuation(text) or is_reference(text) or "\n" in text or "\0" in text:
        return text
    path = Path(text)
    with contextlib.suppress(RuntimeError):  # no such user, so "~" is part of the name
        path = path.expanduser()
    explicit = path.is_absolute() or text.startswith(("./", "../", ".\\", "..\\"))
    if not explicit and not (("/" in text or path.suffix) and os.path.exists(folder / path)):  # noqa: PTH110
        return text
    return str((folder / path).resolve())


def _is_punctuation(text: str) -> bool:
    """Return whether a text is only dots and slashes, so a separator rather than a file path."""
    return not text.strip("./\\~ ")


# Keys whose value is a path only if it looks like one.
_MAY_BE_PATHS = {
    "vectors": is_vectors_file,
    "url": is_local_repository,
    "tokenizer": is_tokenizer_folder,
}
