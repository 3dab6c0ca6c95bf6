"""Sets by name: what each is, where its files come from, and how it is loaded."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from papertrial.data.column import Dataset, Kind
from papertrial.data.sources import embedded, torchvision_sets
from papertrial.errors import DataError, did_you_mean


@dataclass(frozen=True)
class Source:
    """A set that can be named: its kind and its loader, which takes the data folder."""

    kind: Kind
    load: Callable[[Path], Dataset]


SOURCES = {
    "digits": Source("image", embedded.digits),
    "diabetes": Source("table", embedded.diabetes),
    "fashion-mnist": Source("image", torchvision_sets.fashion_mnist),
    "mnist": Source("image", torchvision_sets.mnist),
    "kmnist": Source("image", torchvision_sets.kmnist),
    "cifar10": Source("image", torchvision_sets.cifar10),
    "cifar100": Source("image", torchvision_sets.cifar100),
}


def data_folder(given: str | Path | None = None) -> Path:
    """Return the data folder: the one given, else $PAPERTRIAL_DATA, else the platform's cache."""
    chosen = given or os.environ.get("PAPERTRIAL_DATA")
    if not chosen:
        return platformdirs.user_cache_path("papertrial") / "data"
    try:
        return Path(chosen).expanduser()
    except RuntimeError as error:
        raise DataError(f"there is no data folder {chosen}: {error}") from error


def load(name: str, folder: Path) -> Dataset:
    """Load the set `name`, from `folder` where it has files.

    Raises:
        DataError: the name is unknown, or the files are absent and cannot be had, or are corrupt.
    """
    if name not in SOURCES:
        raise DataError(f"there is no source {name!r}{did_you_mean(name, SOURCES)}")
    return SOURCES[name].load(folder)
