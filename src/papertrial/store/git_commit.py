"""Commit files to the git repository that encloses them, and look a commit up again."""

from __future__ import annotations

import datetime
import hashlib
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from papertrial.errors import RunError

# Set where git itself runs papertrial, as in a hook; they would name another repository.
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
_OUTSIDE = "choose a folder inside a git repository with --runs, or create one with `git init`"


@dataclass(frozen=True)
class FileInCommit:
    """A file in a commit: the committer's time, to the second, and the SHA-256 of its content."""

    committed: datetime.datetime
    sha256: str


def check_repository(folder: Path, names: Sequence[str]) -> None:
    """Check that files of a folder can be committed; neither the folder nor they need to exist.

    Raises:
        RunError: there is no git, no repository around the folder, or it ignores a file.
    """
    there = next(path for path in (folder, *folder.resolve().parents) if path.is_dir())
    inside = _git(there, "rev-parse", "--is-inside-work-tree")
    if inside.returncode or inside.stdout.strip() != b"true":
        raise RunError(f"{folder} is not in a git repository; {_OUTSIDE}")
    paths = [str((folder / name).resolve()) for name in names]
    ignored = _git(there, "check-ignore", "--verbose", "--", *paths)
    if ignored.returncode == 0:
        rule, _, path = _text(ignored.stdout).partition("\n")[0].partition("\t")
        raise RunError(
            f"git ignores {path} ({rule}), so it cannot be committed; remove that rule, or choose "
            "another folder with --runs"
        )


def commit_files(folder: Path, names: Sequence[str], message: str) -> str:
    """Commit files of a folder, and nothing else; return the hash of the commit.

    What the user has staged stays staged and is not part of the commit. If the files are committed
    already, return the last commit that changed one of them.

    Raises:
        RunError: they cannot be committed; the message has that of git.
    """
    check_repository(folder, names)
    paths = ["--", *names]
    added = _git(folder, "add", *paths)
    if added.returncode:
        raise RunError(f"git could not add {folder}: {_text(added.stderr)}")
    is_born = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD").returncode == 0
    if is_born and _git(folder, "diff", "--cached", "--quiet", "HEAD", *paths).returncode == 0:
        return _text(_git(folder, "log", "-1", "--format=%H", *paths).stdout)
    done = _git(folder, "commit", "--quiet", "--only", "--message", message, *paths)
    if done.returncode:
        undo = ("reset",) if is_born else ("rm", "--cached")
        _git(folder, *undo, "--quiet", *paths)
        said = _text(done.stderr) or _text(done.stdout)
        raise RunError(f"git could not commit {folder}: {said}\ncorrect this, and run it again")
    return _text(_git(folder, "rev-parse", "HEAD").stdout)


def path_in_repository(path: Path) -> str:
    """Return the path of a committed file from the root of its repository.

    Raises:
        RunError: there is no git.
    """
    found = _git(path.parent, "ls-files", "--full-name", "-z", "--", path.name)
    return found.stdout.partition(b"\0")[0].decode(errors="replace")


def committed_file(folder: Path, commit: str, file: str) -> FileInCommit | None:
    """Return a file of a commit; None if the repository of a folder does not have them.

    Args:
        folder: a folder in the repository.
        commit: the hash of the commit.
        file: the path of the file from the root of the repository.

    Raises:
        RunError: there is no git.
    """
    content = _git(folder, "cat-file", "blob", f"{commit}:{file}")
    time = _git(folder, "show", "--no-patch", "--format=%cI", commit)
    if content.returncode or time.returncode:
        return None
    return FileInCommit(
        committed=datetime.datetime.fromisoformat(_text(time.stdout)),
        sha256=hashlib.sha256(content.stdout).hexdigest(),
    )


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder.

    Raises:
        RunError: there is no git.
    """
    given = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True, check=False, env=given, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        raise RunError(f"cannot run git: {error.strerror}; install it, or omit --git") from error


def _text(output: bytes) -> str:
    return output.decode(errors="replace").strip()
