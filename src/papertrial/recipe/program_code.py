"""The files of a program that a recipe runs: where they are, and their hashes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import platformdirs

from papertrial.errors import RecipeError
from papertrial.numbers import plural
from papertrial.programs.checkout import checked_out
from papertrial.programs.code_files import content_hash, file_hashes, in_unicode, list_files
from papertrial.recipe.dependency import Dependency
from papertrial.recipe.plain_values import value_at
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
    found = checked_out(program.git.url, program.git.commit, cache)
    if found.lfs_pointers:
        count, first = len(found.lfs_pointers), found.lfs_pointers[0]
        raise RecipeError(
            f"program.git: the content of {plural(count, 'file')}, such as {first}, is in Git LFS, "
            "which is not fetched; clone the repository yourself, run `git lfs pull` in it, and "
            "use folder: in place of git:"
        )
    return found.folder


def anchor_command(tree: Mapping[str, object]) -> None:
    """Make the path of a command absolute, in place, if the copies of the folder do not have it.

    An interpreter in a virtual environment in the folder, such as `.venv/bin/python`, is not copied
    with the program's files.
    """
    folder, words = value_at(tree, "program.folder"), value_at(tree, "program.command")
    first = words[0] if isinstance(words, list) and words else None
    if not isinstance(folder, str) or not isinstance(first, str) or "/" not in first:
        return
    path = Path(folder) / first  # not resolved: a link to Python names its environment
    if path.is_file() and Path(first).as_posix() not in list_files(Path(folder)):
        assert isinstance(words, list), "it has a first word"
        words[0] = str(path)


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
            name=f"{CODE}/{in_unicode(name)}",
            path=str(folder / name),
            bytes=(folder / name).lstat().st_size,
            sha256=digest,
            copied=not program.in_place,
        )
        for name, digest in file_hashes(folder).items()
    )
