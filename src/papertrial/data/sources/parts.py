"""The parts of a set in folders and files: their names, and the folders inside a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

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

    They are sorted, and without hidden ones.

    Raises:
        OSError: the folder cannot be read.
    """
    with os.scandir(path) as entries:
        return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))


def check_only_parts(path: Path, inside: list[str], parts: list[str]) -> None:
    """Raise DataError if a folder has other folders beside the parts of a set."""
    beside = [name for name in inside if name not in parts]
    if beside:
        raise DataError(
            f"{path} has {', '.join(beside)} beside train, which is not a part of a set; move it "
            f"away, or rename it to validation or test{nearest(beside[0], PARTS)}"
        )
