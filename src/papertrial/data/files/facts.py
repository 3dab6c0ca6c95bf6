"""Facts about the named sets and their files, as `papertrial data` prints them.

This module must not import anything slow, so that listing the sets is immediate.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from papertrial.data.files.catalog import CatalogEntry, SetState, artifacts, state
from papertrial.progress import Steps
from papertrial.record import Part

FileState = Literal["not there", "not verified", "verified", "wrong checksum"]


class SetFacts(Part):
    """What the catalog says of a set, and whether its files are on disk."""

    name: str
    title: str
    kind: str
    task: str
    rows: dict[str, int]
    classes: int
    nbytes: int | None
    licence: str
    homepage: str
    state: SetState

    @classmethod
    def of(cls, entry: CatalogEntry, folder: Path) -> SetFacts:
        """Return the facts of a catalog entry, with its state in the data folder."""
        return cls(
            name=entry.name,
            title=entry.title,
            kind=entry.kind,
            task=entry.task,
            rows={str(name): count for name, count in entry.rows.items()},
            classes=entry.classes,
            nbytes=entry.nbytes,
            licence=entry.licence,
            homepage=entry.homepage,
            state=state(entry, folder),
        )


class FileFacts(Part):
    """A file to download, and whether it matches its published checksum."""

    file: str
    nbytes: int | None
    checksum: str | None
    state: FileState
    urls: tuple[str, ...]


def files_of(entry: CatalogEntry, folder: Path) -> Steps[tuple[FileFacts, ...]]:
    """Return the facts about each file of a named set; files in the data folder are hashed."""
    from papertrial.data.files.fetch import checksum_of  # noqa: PLC0415  (slow to import)

    files = []
    for artifact in artifacts(entry):
        path = folder / artifact.file
        there = path.exists()
        verified: FileState
        if not there:
            verified = "not there"
        elif artifact.checksum is None:
            verified = "not verified"
        else:
            found = yield from checksum_of(path, artifact.checksum)
            verified = "verified" if found == artifact.checksum else "wrong checksum"
        files.append(
            FileFacts(
                file=artifact.file,
                nbytes=path.stat().st_size if there else artifact.nbytes,
                checksum=artifact.checksum,
                state=verified,
                urls=artifact.urls,
            )
        )
    return tuple(files)
