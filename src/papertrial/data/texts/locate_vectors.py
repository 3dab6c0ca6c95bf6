"""Pre-trained word vectors by name: found in the data folder, or fetched."""

from __future__ import annotations

from pathlib import Path

from papertrial.data.files.catalog import CATALOG, artifacts
from papertrial.data.files.fetch import fetch
from papertrial.data.texts import vectors
from papertrial.errors import DataError, did_you_mean
from papertrial.progress import Steps


def locate(name: str, folder: Path) -> Steps[tuple[Path, str | None]]:
    """Return the file that word vectors lie in, and which member where it is an archive of many.

    Args:
        name: glove.6B.100d and the like, fetched if it is absent; or the path of a file.
        folder: the data folder.

    Raises:
        DataError: the name is unknown, the file absent, or the archive cannot be fetched.
    """
    found = vectors.find(name, folder)
    archived = found is None or found[0].suffix == ".zip"
    if name in vectors.NAMED and archived:  # an archive that is there is held to its checksum
        (artifact,) = artifacts(CATALOG["glove.6B"])
        yield from fetch(artifact, folder)
        found = vectors.find(name, folder)
    if found is None:
        raise DataError(
            f"data.text.vectors: there are no vectors and no file {name!r}"
            f"{did_you_mean(name, vectors.NAMED)}"
        )
    return found
