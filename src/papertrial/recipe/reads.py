"""Files that Python opens for reading while a recipe's objects are built.

A recipe does not show which files its code reads by a literal path, as in `torch.load("w.pt")`.
Python raises an audit event for each file that it opens; `watch_reads` records those of its
thread. Compiled code that opens files itself (safetensors, HDF5) raises no events.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import sys
import tempfile
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from papertrial.errors import RecipeError
from papertrial.recipe.closure import is_installed
from papertrial.recipe.content import Content, content_of

_Yielded = TypeVar("_Yielded")
_Returned = TypeVar("_Returned")
MOST = 100  # files that a watch records; a data set of images can have millions
_SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr/share", "/usr/lib")
_READING = frozenset("rb+t")


@dataclass(frozen=True)
class Read:
    """A file that was read: its absolute path, the path in the code, and its content."""

    path: Path
    given: str
    content: Content


class _Watch(threading.local):
    """The files opened in this thread during a watch: absolute path -> path in the code."""

    opened: dict[str, str] | None = None
    known: list[Read] | None = None


_watch = _Watch()


@contextmanager
def watch_reads(aside: Iterable[Path] = ()) -> Iterator[list[Read]]:
    """Record the files that this thread opens for reading; the list is filled at the end.

    The list has at most MOST files. Files in the folders `aside` are not among them.
    """
    _install()
    apart = {path for one in aside for path in (one.absolute(), one.resolve())}
    outer = _watch.opened, _watch.known
    opened, known, found = dict[str, str](), list[Read](), list[Read]()
    _watch.opened, _watch.known = opened, known
    try:
        yield found
    finally:
        _watch.opened, _watch.known = None, None  # hashing the files opens them again
        reads = {read.path: read for read in known}
        for path, given in opened.items():
            file = _source(path)
            if any(file.is_relative_to(folder) for folder in apart):
                continue
            if len(reads) < MOST and file not in reads and _is_own_file(file):
                with contextlib.suppress(RecipeError):  # it was deleted, or is not a file
                    reads[file] = Read(file, given, content_of(file))
        found += reads.values()
        _watch.opened, _watch.known = outer
        note_reads(found)


@contextmanager
def unwatched() -> Iterator[None]:
    """Do not record the reads of papertrial itself in this block."""
    outer, _watch.opened = _watch.opened, None
    try:
        yield
    finally:
        _watch.opened = outer


def note_reads(reads: Iterable[Read]) -> None:
    """Add earlier reads to the current watch, if there is one."""
    if _watch.known is not None:
        _watch.known += reads


def watched(
    steps: Generator[_Yielded, None, _Returned], found: list[Read], aside: Sequence[Path] = ()
) -> Generator[_Yielded, None, _Returned]:
    """Run a generator and add the files that it reads to `found`, without those of its consumer.

    Files in the folders `aside` are not added.
    """
    with closing(steps):
        while True:
            ended = False
            with watch_reads(aside) as read:
                try:
                    value: Any = next(steps)
                except StopIteration as end:
                    value, ended = end.value, True
            known = {one.path for one in found}
            found += [one for one in read if one.path not in known][: MOST - len(found)]
            if ended:
                result: _Returned = value
                return result
            yield value


@functools.cache
def _install() -> None:
    """Add the audit hook that records reads, once per process, as hooks cannot be removed."""

    def record(event: str, args: tuple[Any, ...], watch: _Watch = _watch) -> None:
        if event not in ("open", "ctypes.dlopen"):
            return
        opened = watch.opened
        if opened is None:
            return
        try:
            if _is_for_messages():
                return
            path = args[0]
            given = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
            if not given or (event == "ctypes.dlopen" and "/" not in given):
                return
            mode, flags = (args[1], args[2]) if event == "open" else ("r", 0)
            reading = set(mode) <= _READING if mode else not flags & (os.O_WRONLY | os.O_CREAT)
            if reading:
                opened.setdefault(os.path.abspath(given), given)  # noqa: PTH100
            else:
                opened.pop(os.path.abspath(given), None)  # noqa: PTH100
        except Exception:  # an exception here would be raised by open() in the recipe's code
            return

    sys.addaudithook(record)


def _is_for_messages() -> bool:
    """Return whether `linecache` opens the file, for a line of source in a warning or traceback."""
    frame = sys._getframe(2)  # the code that opens it, which is above the hook
    name = frame.f_globals.get("__name__")
    if name == "tokenize" and frame.f_back is not None:  # linecache opens files by tokenize.open
        name = frame.f_back.f_globals.get("__name__")
    return bool(name == "linecache")


def _source(path: str) -> Path:
    """Return the path of a file that was read; for a cached `.pyc` file that of its source."""
    if path.endswith(".pyc") and "__pycache__" in path:
        with contextlib.suppress(ValueError):
            return Path(importlib.util.source_from_cache(path))
    return Path(path)


def _is_own_file(path: Path) -> bool:
    """Return whether reads of a file are recorded: not of packages, the system or a cache."""
    if is_installed(path) or any(path.is_relative_to(folder) for folder in _system()):
        return False
    temporary = Path(tempfile.gettempdir())
    cached = path.is_relative_to(temporary) and "torchinductor" in str(path)
    return not cached and path.is_file()


@functools.cache
def _system() -> tuple[Path, ...]:
    homes = {Path(sys.prefix), Path(sys.base_prefix)}
    inside = ("bin", "etc", "include", "lib", "lib64", "share")
    return (*map(Path, _SYSTEM), *(home / name for home in homes for name in inside))
