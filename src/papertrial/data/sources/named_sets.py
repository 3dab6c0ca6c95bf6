"""Sets by name: what each is, and how it is fetched and loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from filelock import FileLock

from papertrial.data.column import Dataset, Kind
from papertrial.data.files.archive import extract
from papertrial.data.files.catalog import CATALOG, artifacts, data_folder
from papertrial.data.files.fetch import absent, fetch, wait_for
from papertrial.data.sources import embedded, torchvision_sets
from papertrial.errors import DataError, did_you_mean
from papertrial.progress import Steps, finish

__all__ = ["SOURCES", "Loader", "Source", "data_folder", "load", "loading"]


class Loader(Protocol):
    """Loads a set from the data folder; without `download` only if its files are there."""

    def __call__(self, folder: Path, *, download: bool = True) -> Steps[Dataset]:
        """Return the set's splits, telling how far it is."""
        ...


@dataclass(frozen=True)
class Source:
    """A set that can be named: its kind and its loader."""

    kind: Kind
    load: Loader


def _embedded(make: Callable[[Path], Dataset]) -> Loader:
    def load(folder: Path, *, download: bool = True) -> Steps[Dataset]:
        yield from ()  # it is there at once
        return make(folder)

    return load


def _imdb(folder: Path, *, download: bool = True) -> Steps[Dataset]:
    """Return the IMDB reviews, from the folder aclImdb, fetched and unpacked if it is absent."""
    from papertrial.data.sources import imdb  # noqa: PLC0415  (texts are read there)

    if imdb.find(folder) is None:
        yield from _unpack_imdb(folder, download)
    return (yield from imdb.load(folder))


def _unpack_imdb(folder: Path, download: bool) -> Steps[None]:
    (artifact,) = artifacts(CATALOG["imdb"])
    if not download and not (folder / artifact.file).exists():
        raise absent("imdb", folder)
    archive = yield from fetch(artifact, folder)
    into = folder / "aclImdb"
    try:
        lock = FileLock(folder / ".papertrial.lock", thread_local=False)
        yield from wait_for(lock, "unpacking imdb")
    except OSError as error:
        raise DataError(f"{folder} cannot be written to: {error.strerror}") from error
    try:
        # Another process may have unpacked it meanwhile; a folder left half done is told of.
        from papertrial.data.sources import imdb  # noqa: PLC0415  (texts are read there)

        if imdb.find(folder) is None:
            yield from extract(archive, into, prefix="aclImdb")
    finally:
        lock.release()


SOURCES: dict[str, Source] = {
    "digits": Source("image", _embedded(embedded.digits)),
    "diabetes": Source("table", _embedded(embedded.diabetes)),
    "fashion-mnist": Source("image", torchvision_sets.fashion_mnist),
    "mnist": Source("image", torchvision_sets.mnist),
    "kmnist": Source("image", torchvision_sets.kmnist),
    "cifar10": Source("image", torchvision_sets.cifar10),
    "cifar100": Source("image", torchvision_sets.cifar100),
    "imdb": Source("text", _imdb),
}


def loading(name: str, folder: Path, *, download: bool = True) -> Steps[Dataset]:
    """Load the set `name`, from `folder` where it has files, which are fetched if they are absent.

    Raises:
        DataError: the name is unknown, or the files are absent and cannot be had (or may not be,
            without `download`), or are corrupt.
    """
    if name not in SOURCES:
        raise DataError(f"there is no source {name!r}{did_you_mean(name, SOURCES)}")
    return (yield from SOURCES[name].load(folder, download=download))


def load(name: str, folder: Path) -> Dataset:
    """Load the set `name` and return it, without telling of the steps; raises like `loading`."""
    return finish(loading(name, folder))
