"""The files that were written since a moment, as far as the file system tells."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

# Of Git, and caches that tools write at any time.
_SKIPPED = frozenset((
    ".git", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".ipynb_checkpoints",
))  # fmt: skip
_MOST_ENTRIES = 200_000
_SECONDS = 0.5  # a home folder may have millions of files


@dataclass(frozen=True)
class NewFiles:
    """Files that were written since a moment.

    Attributes:
        root: the folder that was looked at.
        files: relative to it, sorted.
        bytes: their size in total.
        complete: whether all of the folder was looked at.
    """

    root: Path
    files: tuple[str, ...]
    bytes: int
    complete: bool


def moment(folder: Path) -> int:
    """Return the present in ns, by the clock that dates the files of this machine.

    That clock may be some ms behind that of Python.
    """
    path = folder / ".moment"
    path.touch()
    found = path.stat().st_mtime_ns
    path.unlink()
    return found


def new_files(root: Path, since: int, skip: Collection[Path] = ()) -> NewFiles:
    """Return the files below a folder that were written since a moment.

    It takes about half a second at most. Links are not followed. The folders of Git, caches of
    tools such as __pycache__, and folders on another file system are left out.

    Args:
        root: the folder.
        since: what `moment` returned.
        skip: folders below it that are left out.
    """
    skipped = {os.path.realpath(path) for path in skip}
    top = os.path.realpath(root)
    files: list[str] = []
    total = entries = 0
    until = time.monotonic() + _SECONDS
    todo = [top]
    device = _device(top)
    while todo:
        folder = todo.pop(0)  # breadth first: what is near the top is looked at in any case
        if time.monotonic() > until or entries > _MOST_ENTRIES:
            return NewFiles(root, tuple(sorted(files)), total, complete=False)
        try:
            found = list(os.scandir(folder))
        except OSError:
            continue
        entries += len(found)
        for entry in found:
            try:
                if entry.is_dir(follow_symlinks=False):
                    path = entry.path
                    if (
                        entry.name not in _SKIPPED
                        and path not in skipped
                        and _device(path) == device
                    ):
                        todo.append(path)
                    continue
                state = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if state.st_mtime_ns >= since:
                files.append(os.path.relpath(entry.path, top))
                total += state.st_size
    return NewFiles(root, tuple(sorted(files)), total, complete=True)


def _device(path: str) -> int:
    try:
        return Path(path).stat().st_dev
    except OSError:
        return -1
