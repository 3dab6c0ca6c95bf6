"""What a recipe depends on outside installed packages, as runs and registrations keep it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from papertrial.record import Part

DependencyKind = Literal["code", "file", "folder", "vocabulary", "vectors", "run", "read"]


class Dependency(Part):
    """A file or folder that a recipe's training depends on.

    Attributes:
        kind: "code", "file" or "folder" (an argument), "vocabulary", "vectors", "run" (init_from),
            or "read": a file that its code read at run time.
        name: its copy, relative to the folder of the run; for one that is not copied the key of the
            recipe that names it, or of one read at run time the path as the code has it.
        path: where it lay, absolute.
        bytes: its size.
        sha256: of its content; of a folder, of its files' relative paths and contents.
        copied: whether the run has a copy.
        hashed: whether it is part of the training hash.
    """

    kind: DependencyKind
    name: str
    path: str
    bytes: int
    sha256: str
    copied: bool = True
    hashed: bool = True


def changes(before: Sequence[Dependency], after: Sequence[Dependency]) -> list[str]:
    """Say in words where two lists of dependencies differ, by name; paths do not count."""
    had, has = ({one.name: one for one in side} for side in (before, after))
    words = [
        f"{has[name].path} has changed (SHA-256 {one.sha256[:12]} before, "
        f"{has[name].sha256[:12]} now)"
        for name, one in had.items()
        if name in has and has[name].sha256 != one.sha256
    ]
    words += [f"{name} is no longer used" for name in had if name not in has]
    return words + [
        f"{one.path} was not used before" for name, one in has.items() if name not in had
    ]
