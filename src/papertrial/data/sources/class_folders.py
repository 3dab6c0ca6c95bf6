"""Folders with a folder for each class, in parts or not: which folders there are, and their names.

What lies beside them, and what their names leave open, is counted for the notes of a set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from papertrial.data.files.folder_walk import LeftOut, Reason, beside, same_name
from papertrial.data.sources.parts import check_only_parts, named_parts, part_meant, subfolders
from papertrial.errors import DataError

_BESIDE = Reason("lie beside the folders of the classes", change="move them into such a folder")
_SAME_IN_UNICODE = Reason(
    "are written in several Unicode forms, and read as one", "class", "rename it", "guessed"
)
_NEARLY_SAME = Reason(
    "differ in case or spaces alone, and are read as two classes",
    "pair of names",
    "rename one of them",
    "guessed",
)


def find_roots(path: Path, left: LeftOut) -> dict[str, Path]:
    """Return the folder of each part of a folder of classes; without parts, all is for training.

    Raises:
        DataError: there is no training part, or there are other folders beside the parts.
        OSError: a folder cannot be read.
    """
    inside = subfolders(path)
    named = [name for name in inside if part_meant(name)]
    # A class may be called "train" or "valid": it has samples in it, while a part has folders.
    parts = named if named == inside else [name for name in named if subfolders(path / name)]
    if not parts:
        return {"train": path}
    folders = named_parts(path, parts, left)
    if "train" not in folders:
        raise DataError(
            f"{path} has {' and '.join(folders.values())}, but no train; put the training "
            "samples into train/<class>/"
        )
    check_only_parts(path, inside, parts)
    return {part: path / name for part, name in folders.items()}


def class_folders(root: Path) -> dict[str, list[str]]:
    """Return the folders of each class in a part; several if they are equal in Unicode.

    Raises:
        OSError: the folder cannot be read.
    """
    folders: dict[str, list[str]] = {}
    for name in subfolders(root):
        folders.setdefault(same_name(name), []).append(name)
    return folders


def count_similar_names(folders: Mapping[str, Mapping[str, Sequence[str]]], left: LeftOut) -> None:
    """Count classes whose folders are equal in Unicode, or differ in case and spaces alone.

    Args:
        folders: the folders of each class by part.
        left: where they are counted.
    """
    forms: dict[str, set[str]] = {}
    for classes in folders.values():
        for name, names in classes.items():
            forms.setdefault(name, set()).update(names)
    for name, names_of_class in forms.items():
        if len(names_of_class) > 1:
            left.add(_SAME_IN_UNICODE, name)
    alike: dict[str, str] = {}
    for name in forms:
        first = alike.setdefault(" ".join(name.casefold().split()), name)
        if first != name:
            left.add(_NEARLY_SAME, f"{first!r} and {name!r}")


def count_beside(
    path: Path,
    roots: Mapping[str, Path],
    folders: Mapping[str, Mapping[str, Sequence[str]]],
    left: LeftOut,
) -> None:
    """Count the files that lie beside the folders of the classes and of the parts.

    Args:
        path: the folder of the set.
        roots: the folder of each part.
        folders: the folders of each class by part.
        left: where they are counted.

    Raises:
        OSError: a folder cannot be read.
    """
    for part, root in roots.items():
        known = [name for names in folders[part].values() for name in names]
        beside(str(root), "" if root == path else root.name, left, _BESIDE, known)
    if roots["train"] != path:
        beside(str(path), "", left, _BESIDE, [root.name for root in roots.values()])
