"""The files of a program that a recipe runs: where they are, and their hashes."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from papertrial.programs.checkout import checked_out
from papertrial.programs.code_files import content_hash, file_hashes
from papertrial.recipe.dependency import Dependency
from papertrial.recipe.program import Program

CODE = "code"  # the folder of the copy, beside the copied recipe


def code_folder(program: Program) -> Path:
    """Return the folder with a program's files; a commit is checked out into the cache first.

    Raises:
        PapertrialError: the folder is absent, or the commit cannot be checked out.
    """
    if program.git is None:
        assert program.folder is not None, "a valid program has a folder or a commit"
        return Path(program.folder)
    cache = platformdirs.user_cache_path("papertrial") / "git"
    return checked_out(program.git.url, program.git.commit, cache).folder


def code_hash(program: Program) -> str:
    """Return the SHA-256 of all files of a program, with their names.

    Raises:
        PapertrialError: a file cannot be read.
    """
    return content_hash(file_hashes(code_folder(program)))


def code_dependencies(program: Program) -> tuple[Dependency, ...]:
    """Return a record of each file of a program, named by its place in the copy.

    Raises:
        PapertrialError: a file cannot be read.
    """
    folder = code_folder(program)
    return tuple(
        Dependency(
            kind="code",
            name=f"{CODE}/{name}",
            path=str(folder / name),
            bytes=(folder / name).lstat().st_size,
            sha256=digest,
            copied=not program.in_place,
        )
        for name, digest in file_hashes(folder).items()
    )
