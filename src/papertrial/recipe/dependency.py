"""Records of the files that a recipe depends on, as stored in runs and registrations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from papertrial.record import Part

DependencyKind = Literal[
    "code", "file", "folder", "vocabulary", "vectors", "tokenizer", "run", "weights", "hub", "read"
]  # fmt: skip


class Dependency(Part):
    """A file or folder that a recipe's training depends on.

    Attributes:
        kind: "code"; "file" or "folder" for arguments; "vocabulary"; "vectors"; "tokenizer"; "run"
            for the run of init_from; "weights" for its file, or for the file of a network by name;
            "hub" for a repository of the hub; or "read" for a file that the recipe's code read at
            run time.
        name: path of the copy, relative to the folder of the run. Without a copy, the key in the
            recipe, or for a file read at run time the path in the code.
        path: absolute path of the original.
        bytes: size in bytes.
        sha256: SHA-256 of the content; for a folder, of the relative paths and contents of its
            files.
        copied: whether the run has a copy.
        hashed: whether the file is part of the training hash.
    """

    kind: DependencyKind
    name: str
    path: str
    bytes: int
    sha256: str
    copied: bool = True
    hashed: bool = True


def changes(before: Sequence[Dependency], after: Sequence[Dependency]) -> list[str]:
    """Return the differences of two lists of dependencies in words; they are matched by name."""
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
