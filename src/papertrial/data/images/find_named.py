"""The image files that the cells of a table name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from papertrial.data.files.folder_walk import LeftOut, Reason, is_junk, same_name
from papertrial.data.images.decode_set import ImageFile
from papertrial.data.images.formats import suffixes

COMPLETED = Reason("are named without their ending, which is completed", "row", action="guessed")
SLASHES = Reason("are named with backslashes, which are read as slashes", "row", action="guessed")
NOT_NAMED = Reason("are images that the table does not name")
_MOST_ABOVE = 3  # folders above that are looked into
_MOST_FOLDERS = 2000  # that are looked into to find where images may lie


class NamedImages:
    """Image files that are named by their path relative to a folder.

    Args:
        folder: the folder.
        left: where it is counted what was guessed, and which images are not named.
    """

    def __init__(self, folder: Path, left: LeftOut) -> None:
        self._folder = str(folder)
        self._left = left
        self._known = suffixes()
        self._inside: dict[str, dict[str, list[str]]] = {}  # by folder: names by name without form
        self._used: dict[str, set[str]] = {}

    def find(self, cell: str, row: str) -> ImageFile | str:
        """Return the file that a cell names, or why there is none, to be read after the cell.

        Args:
            cell: the path, absolute or relative to the folder; its ending may be omitted if there
                is one such image.
            row: the position of the cell, for notes.
        """
        name, reason = cell, None
        if "\\" in cell and not os.path.exists(f"{self._folder}/{cell}"):  # noqa: PTH110
            name, reason = cell.replace("\\", "/"), SLASHES
        above, last = os.path.split(name)
        there = self._list(above)
        found = there.get(same_name(last), [])
        found = [last] if last in found else found
        if not found:
            stem = f"{same_name(last)}."
            found = [
                real
                for form, names in there.items()
                if form.startswith(stem) and f".{form[len(stem) :].lower()}" in self._known
                for real in names
            ]
            reason = COMPLETED if len(found) == 1 else reason
        if len(found) != 1:
            return f"could be {' or '.join(found)}" if found else "does not exist"
        if reason is not None:
            self._left.add(reason, f"{cell!r} ({row})")
        self._used.setdefault(above, set()).add(found[0])
        path = os.path.join(above, found[0])  # noqa: PTH118
        facts = os.stat(os.path.join(self._folder, path))  # noqa: PTH116, PTH118
        return ImageFile(path, 0, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)

    def count_others(self) -> None:
        """Count the images that no cell names, in the folders of those that are named."""
        for above, used in self._used.items():
            for names in self._inside[above].values():
                for name in names:
                    ending = os.path.splitext(name)[1].lower()  # noqa: PTH122
                    if name not in used and ending in self._known:
                        self._left.add(NOT_NAMED, os.path.join(above, name))  # noqa: PTH118

    def where_else(self, cell: str) -> str:
        """Return the folder to which a cell that was not found is relative, "" if none is found."""
        path = cell.replace("\\", "/")
        above, last = os.path.split(path)
        here = Path(self._folder).resolve()
        for root in here.parents[:_MOST_ABOVE]:
            if self._has(os.listdir(root / above) if (root / above).is_dir() else (), last):  # noqa: PTH208
                return str(root)
        for folder, names in _folders(str(here)):
            root_of = folder.removesuffix(f"/{above}") if above else folder
            if (root_of != folder or not above) and self._has(names, last):
                return root_of
        return ""

    def _has(self, names: Iterable[str], wanted: str) -> bool:
        """Return whether a file has a name, or completes it with the ending of an image."""
        stems = (os.path.splitext(name) for name in names)  # noqa: PTH122
        return any(
            stem + ending == wanted or (stem == wanted and ending.lower() in self._known)
            for stem, ending in stems
        )

    def _list(self, above: str) -> dict[str, list[str]]:
        """Return the names of the files in a folder, by their names in NFC."""
        if above not in self._inside:
            names: dict[str, list[str]] = {}
            try:
                with os.scandir(os.path.join(self._folder, above)) as entries:  # noqa: PTH118
                    files = sorted(e.name for e in entries if not is_junk(e.name) and e.is_file())
            except (OSError, ValueError):
                files = []
            for name in files:
                names.setdefault(same_name(name), []).append(name)
            self._inside[above] = names
        return self._inside[above]


def _folders(folder: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the first folders in and below a folder, each with the names of its files."""
    for number, (path, folders, names) in enumerate(os.walk(folder)):
        if number == _MOST_FOLDERS:
            return
        folders[:] = sorted(name for name in folders if not is_junk(name))
        yield path, names
