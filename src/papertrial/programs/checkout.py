"""Check out a commit of a repository into a cache folder."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from papertrial.errors import PapertrialError
from papertrial.programs.code_files import list_files
from papertrial.programs.git import run_git

_COMMIT = re.compile("[0-9a-fA-F]{7,40}")
_POINTER = b"version https://git-lfs.github.com/spec/"
_CLONE_SECONDS = 3600


@dataclass(frozen=True)
class CheckedOut:
    """A commit's files on disk.

    Attributes:
        folder: a git work tree; not to be written to.
        commit: all 40 digits.
        lfs_pointers: files whose content is still in Git LFS.
    """

    folder: Path
    commit: str
    lfs_pointers: tuple[str, ...]


def checked_out(url: str, commit: str, cache: Path) -> CheckedOut:
    """Clone a repository, once, and check out a commit, once.

    Args:
        url: anything that `git clone` takes; a local path too.
        commit: 7 to 40 hexadecimal digits.
        cache: a folder that processes share; it is locked while it is written to.

    Raises:
        PapertrialError: git is missing, the repository cannot be cloned, it lacks the commit, or
            the commit has submodules.
    """
    if not _COMMIT.fullmatch(commit):
        raise PapertrialError(
            f'"{commit}" is not a commit: write 7 to 40 hexadecimal digits, as `git log` shows '
            "them; branches and tags move"
        )
    local = Path(url).expanduser()
    url = str(local.resolve()) if local.is_dir() else url
    cache.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(url.encode()).hexdigest()[:16]
    clone = cache / f"{key}.git"
    with FileLock(cache / f"{key}.lock"):
        if not clone.exists():
            _clone(url, clone)
        full = _find_commit(url, commit, clone)
        folder = cache / f"{key}-{full[:16]}"
        if not folder.exists():
            _check_out(clone, full, folder)
    return CheckedOut(folder, full, _lfs_pointers(folder))


def _clone(url: str, clone: Path) -> None:
    partial = clone.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        run_git(
            "clone", "--bare", "--quiet", "--", url, str(partial.resolve()), timeout=_CLONE_SECONDS
        )
    except subprocess.SubprocessError as error:
        raise PapertrialError(f'cannot clone "{url}": {_reason(error)}') from error
    partial.rename(clone)


def _find_commit(url: str, commit: str, clone: Path) -> str:
    """Return all digits of a commit; fetch what is new if the clone does not have it."""
    fetches = (
        (),
        ("fetch", "--quiet", "--force", "--tags", "origin", "+refs/heads/*:refs/heads/*"),
        ("fetch", "--quiet", "origin", commit),  # one that no branch has, by all its digits
    )
    problem = ""
    for words in fetches:
        try:
            if words:
                run_git(*words, folder=clone, timeout=_CLONE_SECONDS)
            found = run_git("rev-parse", "--verify", f"{commit}^{{commit}}", folder=clone)
            return found.decode().strip()
        except subprocess.SubprocessError as error:
            problem = _reason(error)
    hint = "" if len(commit) == 40 else "; write all 40 digits of one that is on no branch"
    raise PapertrialError(f'"{url}" has no commit {commit}: {problem}{hint}')


def _check_out(clone: Path, commit: str, folder: Path) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        # `git archive` would leave out files, and change some, by the attributes export-ignore and
        # export-subst.
        run_git("clone", "--quiet", "--shared", "--no-checkout", "--", str(clone.resolve()),
                str(partial.resolve()), timeout=_CLONE_SECONDS)  # fmt: skip
        run_git("checkout", "--quiet", "--detach", commit, folder=partial, timeout=_CLONE_SECONDS)
    except subprocess.SubprocessError as error:
        raise PapertrialError(f"cannot check out commit {commit}: {_reason(error)}") from error
    if (partial / ".gitmodules").exists():
        raise PapertrialError(
            f"commit {commit} has submodules, which are not fetched: clone the repository with "
            "`git clone --recurse-submodules`, and use `folder:`"
        )
    partial.rename(folder)


def _lfs_pointers(folder: Path) -> tuple[str, ...]:
    found = []
    for name in list_files(folder):
        path = folder / name
        if not path.is_symlink() and path.stat().st_size < 1024:
            with path.open("rb") as file:
                if file.read(len(_POINTER)) == _POINTER:
                    found.append(name)
    return tuple(found)


def _reason(error: subprocess.SubprocessError) -> str:
    """Return git's message in one line, without its advice after an empty line."""
    if isinstance(error, subprocess.CalledProcessError):
        lines = error.stderr.decode(errors="replace").split("\n\n")[0].strip().splitlines()
        return "; ".join(lines[-3:]) or f"git ended with exit code {error.returncode}"
    return "git took too long"
