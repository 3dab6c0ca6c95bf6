"""The sets that torchvision unpacks and reads, as uint8 columns in memory."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.files.catalog import CATALOG, artifacts
from papertrial.data.files.fetch import absent, fetch
from papertrial.data.files.locks import wait_for
from papertrial.data.sources.spec import LoadedSet, SourceSpec
from papertrial.errors import DataError
from papertrial.progress import Step, Steps


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load a set that torchvision has: uint8 [N, C, H, W], "train" and "test".

    Files that are absent are downloaded, unless `spec.download` is false.

    Raises:
        DataError: the files are corrupt, absent or cannot be downloaded.
    """
    from torchvision import datasets  # noqa: PLC0415  (slow to import)

    name = spec.name
    make = getattr(datasets, CATALOG[name].torchvision)
    splits: dict[str, Split] = {}
    for part, train in (("train", True), ("test", False)):
        yield Step(f"reading {name}", len(splits), 2, "parts")
        loaded = yield from _open(name, make, folder, train, spec.download)
        splits[part] = _split(name, loaded, folder)
        classes = tuple(loaded.classes)
    return LoadedSet(Dataset.from_splits(name, "image", splits, classes=classes))


def _open(
    name: str, make: Callable[..., Any], folder: Path, train: bool, download: bool
) -> Steps[Any]:
    """Open a part with torchvision; if absent, download it, and let torchvision unpack it."""
    with contextlib.suppress(Exception):
        return make(folder, train=train, download=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".papertrial.lock", thread_local=False)
        yield from wait_for(lock, f"unpacking {name}")
    except OSError as error:
        raise _absent(name, make, folder, str(error)) from error
    try:  # one process downloads and unpacks, the others wait
        try:
            return make(folder, train=train, download=False)
        except Exception as error:
            if not str(error).startswith("Dataset not found"):  # it is there, but corrupt
                reason = f"{type(error).__name__}: {error}"
                raise _corrupt(name, make, folder, reason) from error
        for artifact in artifacts(CATALOG[name]):
            if not download and not (folder / artifact.file).exists():
                raise absent(name, folder)
            try:
                yield from fetch(artifact, folder)
            except DataError as error:
                raise _absent(name, make, folder, str(error)) from error
        yield Step(f"unpacking {name}", 0, None, "files")
        try:
            with contextlib.redirect_stdout(sys.stderr):  # torchvision prints
                return make(folder, train=train, download=True)
        except Exception as error:
            raise _corrupt(name, make, folder, f"{type(error).__name__}: {error}") from error
    finally:
        lock.release()


def _split(name: str, loaded: Any, folder: Path) -> Split:
    pixels = torch.as_tensor(loaded.data)
    pixels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()
    y = torch.as_tensor(loaded.targets, dtype=torch.int64)
    if pixels.dtype != torch.uint8 or len(pixels) != len(y) or len(y) == 0:
        reason = f"they have {len(pixels)} images and {len(y)} labels"
        raise _corrupt(name, type(loaded), folder, reason)
    if not 0 <= int(y.min()) <= int(y.max()) < len(loaded.classes):
        reason = f"labels from {int(y.min())} to {int(y.max())} for {len(loaded.classes)} classes"
        raise _corrupt(name, type(loaded), folder, reason)
    return Split(DenseColumn(pixels), y, np.arange(len(y)))


def _files(make: Any, folder: Path) -> tuple[Path, dict[str, str], list[str]]:
    """Return the folder that torchvision reads, its files with their MD5, and their URLs."""
    if hasattr(make, "mirrors"):
        return folder / make.__name__ / "raw", dict(make.resources), list(make.mirrors)
    return folder, {make.filename: make.tgz_md5}, [make.url]


def _absent(name: str, make: Any, folder: Path, reason: str) -> DataError:
    place, files, urls = _files(make, folder)
    return DataError(
        f"{name}: {reason}\n"
        f"{place} needs {', '.join(files)}\nthey are published at {' or '.join(urls)}"
    )


def _corrupt(name: str, make: Any, folder: Path, reason: str) -> DataError:
    place, files, _ = _files(make, folder)
    unpacked = [file.removesuffix(".gz") for file in files]
    if hasattr(make, "base_folder"):
        place = folder / make.base_folder
        parts = [file for file, _ in (*make.train_list, *make.test_list)]
        unpacked = [*parts, make.meta["filename"]]
    return DataError(
        f"{name}: the unpacked files in {place} cannot be read: {reason}\n"
        f"delete {', '.join(unpacked)} there, so that they are unpacked or downloaded again"
    )
