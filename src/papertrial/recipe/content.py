"""Files and folders by their content: SHA-256, size, and whether a run keeps a copy."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from papertrial.errors import RecipeError

LARGEST = 10 * 2**20  # bytes of a file or a folder that is copied into a run
_SETTLED = 2.0  # seconds after which a change shows in a file's times, on any file system


@dataclass(frozen=True)
class Content:
    """What a file or a folder holds: its SHA-256, and its size in bytes."""

    sha256: str
    bytes: int


def content_of(path: Path) -> Content:
    """Return the content of a file, or of a folder: the relative paths and contents of its files.

    Raises:
        RecipeError: it cannot be read.
    """
    if not path.is_dir():
        return _file(path)
    files = {relative: _file(path / relative) for relative in files_below(path)}
    listed = json.dumps([[name, file.sha256] for name, file in files.items()])
    digest = hashlib.sha256(listed.encode()).hexdigest()
    return Content(digest, sum(file.bytes for file in files.values()))


def files_below(folder: Path) -> list[str]:
    """List the files of a folder by their relative paths, sorted; not what Python caches there."""
    return sorted(_below(folder))


def _below(folder: Path) -> Iterator[str]:
    seen = set[str]()
    for top, inner, files in os.walk(folder, followlinks=True):
        inner[:] = [name for name in inner if name != "__pycache__"]
        real = os.path.realpath(top)
        if real in seen:  # links that lead around
            inner.clear()
            continue
        seen.add(real)
        for name in files:
            yield (Path(top) / name).relative_to(folder).as_posix()


def _file(path: Path) -> Content:
    try:
        stat = path.stat()
        if time.time() - max(stat.st_mtime, stat.st_ctime) < _SETTLED:
            return _read(path)
        known = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        return _unchanged(path, known)
    except OSError as error:
        raise RecipeError(f"there is no readable file {str(path)!r}: {error.strerror}") from error


@functools.lru_cache(maxsize=65536)
def _unchanged(path: Path, known: tuple[int, ...]) -> Content:
    """Read a file once for as long as its times, its size and its place on the disk are `known`."""
    return _read(path)


def _read(path: Path) -> Content:
    with path.open("rb") as file:  # word vectors take a gigabyte: never read whole
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Content(digest, file.tell())
