"""Run git, and read the state of a work tree."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from papertrial.errors import PapertrialError
from papertrial.record import Part

# Git sets these for its hooks; they would name another repository.
_OF_A_REPOSITORY = frozenset((
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE",
))  # fmt: skip
_TIMEOUT = 60  # seconds for what reads a local repository


class CodeState(Part):
    """The commit of a program's folder, and the files that differ from it.

    `changed` also has untracked files that git does not ignore.
    """

    commit: str
    changed: tuple[str, ...]


def run_git(*words: str, folder: Path | None = None, timeout: float = _TIMEOUT) -> bytes:
    """Run git without asking anyone for a password, and return its standard output.

    Raises:
        PapertrialError: git is not installed.
        subprocess.SubprocessError: it failed or took too long.
    """
    environment = {key: text for key, text in os.environ.items() if key not in _OF_A_REPOSITORY}
    where = [] if folder is None else ["-C", str(folder)]
    try:
        done = subprocess.run(
            ["git", *where, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=timeout,
            env={**environment, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
        )
    except FileNotFoundError as error:
        raise PapertrialError("git is not installed: install it, or use `folder:`") from error
    return done.stdout


def names(output: bytes) -> list[str]:
    """Return the file names in output that `-z` separates by NUL."""
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def head_commit(folder: Path) -> str:
    """Return the commit that is checked out.

    Raises:
        PapertrialError: git is not installed.
        subprocess.SubprocessError: the folder is not in a repository, or that has no commit.
    """
    return run_git("rev-parse", "--verify", "HEAD", folder=folder).decode().strip()


def git_state(folder: Path) -> CodeState | None:
    """Return the commit of a folder and what has changed in it; None outside a repository."""
    try:
        commit = head_commit(folder)
        status = run_git(
            "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ".",
            folder=folder,
        )  # fmt: skip
        prefix = os.fsdecode(run_git("rev-parse", "--show-prefix", folder=folder)).strip("\n")
    except (subprocess.SubprocessError, PapertrialError):
        return None
    changed = (name[3:].removeprefix(prefix) for name in names(status))  # "XY name", from the top
    return CodeState(commit=commit, changed=tuple(sorted(set(changed))))


def work_tree(folder: Path) -> Path | None:
    """Return the top folder of the repository that a folder is in; None outside one."""
    try:
        top = run_git("rev-parse", "--show-toplevel", folder=folder)
    except (subprocess.SubprocessError, PapertrialError):
        return None
    return Path(os.fsdecode(top).rstrip("\n"))
