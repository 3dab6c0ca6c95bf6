"""The files of a named set that are read as they are downloaded."""

from __future__ import annotations

from pathlib import Path

from papertrial.data.files.catalog import CATALOG, artifacts
from papertrial.data.files.fetch import absent, fetch
from papertrial.data.sources.spec import SourceSpec
from papertrial.progress import Steps


def fetched_files(spec: SourceSpec, folder: Path) -> Steps[dict[str, Path]]:
    """Return the files of a named set by name, verified; download them if they are absent.

    Raises:
        DataError: a file is absent and cannot or may not be downloaded, or is another file.
    """
    files = artifacts(CATALOG[spec.name])
    if not spec.download and not all((folder / one.file).exists() for one in files):
        raise absent(spec.name, folder)
    paths = {}
    for one in files:
        paths[one.name] = yield from fetch(one, folder)
    return paths
