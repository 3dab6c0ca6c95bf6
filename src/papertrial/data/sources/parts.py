"""The parts of a set in folders and files: their names, and the folders inside a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from papertrial.data.files.folder_walk import LeftOut, Reason, is_junk
from papertrial.errors import DataError, nearest
from papertrial.vocabulary import SplitName

PARTS: tuple[SplitName, ...] = get_args(SplitName)
_MEANT: dict[str, SplitName] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "dev", "eval"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def part_meant(name: str) -> SplitName | None:
    """Return the part of a set that a name such as "val" or "Test" means, None if it is none."""
    return _MEANT.get(name.lower())


def subfolders(path: Path) -> list[str]:
    """Return the names of the folders in a folder, such as the parts of a set.

    They are sorted, and without hidden ones and those of operating systems.

    Raises:
        OSError: the folder cannot be read.
    """
    with os.scandir(path) as entries:
        return sorted(e.name for e in entries if e.is_dir() and not is_junk(e.name))


def named_parts(path: Path, inside: Sequence[str], left: LeftOut) -> dict[str, str]:
    """Return the name of the folder or file for each part, of those that are named for a part.

    A name such as "val" is read as the part that it means, and counted in `left`.

    Raises:
        DataError: two names mean the same part.
    """
    found: dict[str, str] = {}
    for name in inside:
        part = part_meant(name)
        if part is None:
            continue
        if part in found:
            raise DataError(
                f"{path} has {found[part]} and {name}, which both mean the part {part}; rename one "
                "of them"
            )
        found[part] = name
        if name != part:
            left.add(_guessed(part), name)
    return {part: found[part] for part in PARTS if part in found}


def check_only_parts(path: Path, inside: Sequence[str], parts: Sequence[str]) -> None:
    """Raise DataError if a folder has other folders beside the parts of a set."""
    beside = [name for name in inside if name not in parts]
    if beside:
        raise DataError(
            f"{path} has {', '.join(beside)} beside train, which is not a part of a set; move it "
            f"away, or rename it to validation or test{nearest(beside[0], PARTS)}"
        )


def _guessed(part: str) -> Reason:
    return Reason(f"is read as the part {part}", "folder", "rename it", "guessed")
