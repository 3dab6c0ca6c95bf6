"""The files in a user's folder, without the junk of operating systems, and what was left out."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from stat import S_ISREG
from typing import NamedTuple

from papertrial.reading_note import ReadingAction, ReadingNote

# Names of files and folders that operating systems and network drives write, in lower case.
_JUNK = {
    "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "#recycle", "#snapshot",
    "__macosx", "$recycle.bin", "system volume information", "lost+found", "__pycache__",
}  # fmt: skip


class Reason(NamedTuple):
    """Why files or folders were left out, or what was guessed: see `ReadingNote`."""

    what: str
    unit: str = "file"
    change: str = ""
    action: ReadingAction = "left out"


JUNK_FILES = Reason("are hidden, or written by an operating system")
JUNK_FOLDERS = Reason("are hidden, or written by an operating system", "folder")
NOT_FILES = Reason("are pipes, devices or sockets")
LINKS = Reason("are links; what they lead to is read", "link", action="guessed")
CYCLES = Reason("are links to a folder that they are in", "link")
BROKEN_LINKS = Reason("are links to nothing", "link", "restore what they lead to")


Listed = tuple[str, os.stat_result]  # a file of a folder: its name, and facts from `stat`


class LeftOut:
    """Files and folders that listing a folder left out or guessed about, counted by reason."""

    def __init__(self) -> None:
        self._counts: dict[Reason, int] = {}
        self._examples: dict[Reason, str] = {}

    def add(self, reason: Reason, example: str, count: int = 1) -> None:
        """Count one file or folder, or several."""
        self._counts[reason] = self._counts.get(reason, 0) + count
        self._examples.setdefault(reason, example)

    def first(self, reason: Reason) -> str | None:
        """Return the first one that was counted for a reason; None if there is none."""
        return self._examples.get(reason)

    def notes(self) -> tuple[ReadingNote, ...]:
        """Return a note for each reason."""
        return tuple(
            ReadingNote(
                action=reason.action,
                what=reason.what,
                count=count,
                unit=reason.unit,
                example=self._examples[reason].encode("utf-8", "backslashreplace").decode(),
                change=reason.change,
            )
            for reason, count in self._counts.items()
        )


def is_junk(name: str) -> bool:
    """Return whether a file or folder is hidden, or written by an operating system."""
    return name.startswith(".") or name.lower() in _JUNK


def same_name(name: str) -> str:
    """Return a name in the form of Unicode (NFC) in which equal names are equal."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def walk(
    folder: str, name: str, left: LeftOut, above: tuple[str, ...] = ()
) -> Iterator[tuple[str, list[Listed]]]:
    """Yield (name, files) of a folder and of each folder below it, without junk and cycles.

    Names are in the order of their code points, and a folder comes before what is in it. Paths are
    plain strings, because Path objects would take most of the time of opening a cached set.

    Args:
        folder: the folder.
        name: its name in what is yielded.
        left: where what is left out is counted.
        above: the real paths of the folders that it is in.

    Raises:
        OSError: a folder cannot be read.
    """
    above = (*above, os.path.realpath(folder))
    with os.scandir(folder) as entries:
        inside = sorted(entries, key=lambda entry: entry.name)
    folders, files = [], []
    for entry in inside:
        file = entry.name
        if file[0] == "." or file.lower() in _JUNK:  # as is_junk; a call would take a tenth
            junk = JUNK_FOLDERS if entry.is_dir(follow_symlinks=False) else JUNK_FILES
            left.add(junk, f"{name}/{entry.name}")
            continue
        if entry.is_symlink():
            reason = _of_link(entry.path, above)
            left.add(reason, f"{name}/{entry.name}")
            if reason != LINKS:
                continue
        if entry.is_dir():
            folders.append(entry)
            continue
        facts = entry.stat()
        if S_ISREG(facts.st_mode):
            files.append((file, facts))
        else:
            left.add(NOT_FILES, f"{name}/{entry.name}")
    yield name, files
    for entry in folders:
        yield from walk(entry.path, f"{name}/{entry.name}", left, above)


def _of_link(path: str, above: tuple[str, ...]) -> Reason:
    if not os.path.exists(path):  # noqa: PTH110  (see above)
        return BROKEN_LINKS
    return CYCLES if os.path.realpath(path) in above else LINKS


def beside(folder: str, name: str, left: LeftOut, reason: Reason, known: Iterable[str]) -> None:
    """Count what lies in a folder beside the folders that are read: files, junk, dead links.

    Args:
        folder: the folder.
        name: its name in notes, "" for none.
        left: where they are counted.
        reason: why its files are left out.
        known: the folders in it that are read.

    Raises:
        OSError: the folder cannot be read.
    """
    read = set(known)
    with os.scandir(folder) as entries:
        inside = sorted((entry.name, entry.is_dir(), entry.is_symlink()) for entry in entries)
    for entry, is_folder, is_link in inside:
        shown = f"{name}/{entry}" if name else entry
        if entry in read:
            if is_link:
                left.add(LINKS, shown)
        elif is_junk(entry):
            left.add(JUNK_FOLDERS if is_folder else JUNK_FILES, shown)
        elif is_link and _of_link(f"{folder}/{entry}", ()) == BROKEN_LINKS:
            left.add(BROKEN_LINKS, shown)
        elif not is_folder:
            left.add(reason, shown)
