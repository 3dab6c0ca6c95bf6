"""The content of files and folders that a recipe names: bytes, SHA-256 and size."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from papertrial.errors import RecipeError

LARGEST = 10 * 2**20  # bytes; larger files and folders are not copied into a run
_SETTLED = 2.0  # seconds; the coarsest resolution of file times (FAT): a newer file is always read


@dataclass(frozen=True)
class Content:
    """The SHA-256 and the size in bytes of a file or folder."""

    sha256: str
    bytes: int


def read_file(path: Path) -> bytes:
    """Return the content of a file that a recipe names.

    Raises:
        RecipeError: the file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecipeError(f"cannot read the file {str(path)!r}: {error.strerror}") from error


def content_of(path: Path) -> Content:
    """Return the SHA-256 and size of the content of a file, or of a folder with all its files.

    The SHA-256 of a folder is that of the relative paths and contents of its files.

    Raises:
        RecipeError: a file cannot be read.
    """
    if not path.is_dir():
        return _file(path)
    return content_of_files(path, files_below(path))


def content_of_files(folder: Path, names: Sequence[str]) -> Content:
    """Return the SHA-256 and size of some files of a folder, as if it had no others.

    Raises:
        RecipeError: a file cannot be read.
    """
    files = {relative: _file(folder / relative) for relative in names}
    listed = json.dumps([[name, file.sha256] for name, file in files.items()])
    digest = hashlib.sha256(listed.encode()).hexdigest()
    return Content(digest, sum(file.bytes for file in files.values()))


def files_below(folder: Path) -> list[str]:
    """Return the sorted relative paths of the files in a folder that count as its content.

    Files in `__pycache__` do not count.
    """
    return sorted(_below(folder))


def _below(folder: Path) -> Iterator[str]:
    seen = set[str]()
    for top, inner, files in os.walk(folder, followlinks=True):
        inner[:] = [name for name in inner if name != "__pycache__"]
        real = os.path.realpath(top)
        if real in seen:  # a cycle of links
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
        return _cached_content(path, known)
    except OSError as error:
        raise RecipeError(f"cannot read the file {str(path)!r}: {error.strerror}") from error


@functools.lru_cache(maxsize=65536)
def _cached_content(path: Path, known: tuple[int, ...]) -> Content:
    """Return the SHA-256 and size of a file, cached while its inode, size and times are `known`."""
    return _read(path)


def _read(path: Path) -> Content:
    with path.open("rb") as file:  # word vectors can have 1 GB, so read in blocks
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Content(digest, file.tell())
