"""Pre-trained word vectors by name, from the data folder or downloaded."""

from __future__ import annotations

from pathlib import Path

from papertrial.data.files.catalog import CATALOG, artifacts
from papertrial.data.files.fetch import fetch
from papertrial.data.texts import vectors
from papertrial.errors import DataError, did_you_mean
from papertrial.progress import Steps


def locate(name: str, folder: Path) -> Steps[tuple[Path, str | None]]:
    """Return the file of word vectors, and its member if the file is an archive of many.

    Args:
        name: a name such as glove.6B.100d, which is downloaded if absent; or the path of a file.
        folder: the data folder.

    Raises:
        DataError: the name is unknown, the file is absent, or the archive cannot be downloaded.
    """
    found = vectors.find(name, folder)
    archived = found is None or found[0].suffix == ".zip"
    if name in vectors.NAMED and archived:  # this also verifies the checksum of an archive on disk
        (artifact,) = artifacts(CATALOG["glove.6B"])
        yield from fetch(artifact, folder)
        found = vectors.find(name, folder)
    if found is None:
        raise DataError(
            f"data.text.vectors: there are no word vectors and no file called {name!r}"
            f"{did_you_mean(name, vectors.NAMED)}"
        )
    return found
