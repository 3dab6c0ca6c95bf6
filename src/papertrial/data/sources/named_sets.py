"""The sets that papertrial knows by name."""

from __future__ import annotations

from pathlib import Path

from papertrial.data.column import Dataset
from papertrial.data.sources.open_source import open_source
from papertrial.data.sources.spec import SourceSpec
from papertrial.errors import DataError, did_you_mean
from papertrial.progress import Steps
from papertrial.vocabulary import SOURCES


def loading(name: str, folder: Path, *, download: bool = True) -> Steps[Dataset]:
    """Load one of the named sets, yielding progress; the set is the return value.

    Args:
        name: the name of the set.
        folder: the data folder.
        download: whether absent files are downloaded into the data folder.

    Raises:
        DataError: there is no such set, or its files are corrupt, absent or cannot be downloaded.
    """
    if name not in SOURCES:
        raise DataError(f"there is no source {name!r}{did_you_mean(name, SOURCES)}")
    loaded = yield from open_source(SourceSpec(name, download=download), folder)
    return loaded.dataset
