"""Pre-trained word vectors by name, from the data folder or downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from papertrial.data.files.catalog import CATALOG, artifacts
from papertrial.data.files.fetch import fetch
from papertrial.errors import DataError, did_you_mean
from papertrial.progress import Steps


@dataclass(frozen=True)
class NamedVectors:
    """Word vectors that a recipe can name: an archive, and the file in it."""

    archive: str
    member: str


NAMED = {
    f"glove.6B.{size}d": NamedVectors("glove.6B.zip", f"glove.6B.{size}d.txt")
    for size in (50, 100, 200, 300)
}


def find_vectors(name_or_path: str, folder: Path) -> tuple[Path, str | None] | None:
    """Locate a file of word vectors on disk, and its member if it is an archive; None if absent.

    Named vectors are in the data folder: as an unpacked file, or else in their archive. Any other
    name is the path of a file.
    """
    named = NAMED.get(name_or_path)
    if named is None:
        path = Path(name_or_path).expanduser()
        return (path, None) if path.is_file() else None
    if (folder / named.member).is_file():
        return folder / named.member, None
    if (folder / named.archive).is_file():
        return folder / named.archive, named.member
    return None


def locate(name: str, folder: Path) -> Steps[tuple[Path, str | None]]:
    """Locate word vectors by name or path: their file, downloaded if absent, and its member.

    Args:
        name: a name such as glove.6B.100d, which is downloaded if absent; or the path of a file.
        folder: the data folder.

    Raises:
        DataError: the name is unknown, the file is absent, or the archive cannot be downloaded.
    """
    found = find_vectors(name, folder)
    archived = found is None or found[0].suffix == ".zip"
    if name in NAMED and archived:  # this also verifies the checksum of an archive on disk
        (artifact,) = artifacts(CATALOG["glove.6B"])
        yield from fetch(artifact, folder)
        found = find_vectors(name, folder)
    if found is None:
        raise DataError(
            f"data.text.vectors: there are no word vectors and no file called {name!r}"
            f"{did_you_mean(name, NAMED)}"
        )
    return found
