"""The sets that torchvision checks, unpacks and reads, as uint8 columns in memory."""

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
from papertrial.data.files.fetch import absent, fetch, wait_for
from papertrial.errors import DataError
from papertrial.progress import Step, Steps


def fashion_mnist(folder: Path, *, download: bool = True) -> Steps[Dataset]:
    """Return Fashion-MNIST: uint8 [N, 1, 28, 28], 60,000 and 10,000, 10 classes."""
    return _load("fashion-mnist", folder, download)


def mnist(folder: Path, *, download: bool = True) -> Steps[Dataset]:
    """Return MNIST: uint8 [N, 1, 28, 28], 60,000 and 10,000, 10 classes."""
    return _load("mnist", folder, download)


def kmnist(folder: Path, *, download: bool = True) -> Steps[Dataset]:
    """Return Kuzushiji-MNIST: uint8 [N, 1, 28, 28], 60,000 and 10,000, 10 classes."""
    return _load("kmnist", folder, download)


def cifar10(folder: Path, *, download: bool = True) -> Steps[Dataset]:
    """Return CIFAR-10: uint8 [N, 3, 32, 32], 50,000 and 10,000, 10 classes.

    From torchvision's archive, or unpacked from it; where neither is there, from an image folder.
    """
    from papertrial.data.sources import cifar10_folder  # noqa: PLC0415  (images are decoded there)

    entry = CATALOG["cifar10"]
    batches = folder / Path(entry.unpacked[0][0]).parent
    packed = any((folder / file).exists() for file in entry.files)
    if not packed and not batches.exists() and cifar10_folder.find(folder) is not None:
        return cifar10_folder.load(folder)
    return _load("cifar10", folder, download)


def cifar100(folder: Path, *, download: bool = True) -> Steps[Dataset]:
    """Return CIFAR-100: uint8 [N, 3, 32, 32], 50,000 and 10,000, 100 classes."""
    return _load("cifar100", folder, download)


def _load(name: str, folder: Path, download: bool) -> Steps[Dataset]:
    from torchvision import datasets  # noqa: PLC0415  (slow to import)

    make = getattr(datasets, CATALOG[name].torchvision)
    parts: dict[str, Split] = {}
    for part, train in (("train", True), ("test", False)):
        yield Step(f"reading {name}", len(parts), 2, "parts")
        loaded = yield from _open(name, make, folder, train, download)
        parts[part] = _split(name, loaded, folder)
        classes = tuple(loaded.classes)
    return Dataset(name, "image", parts["train"], test=parts["test"], classes=classes)


def _open(
    name: str, make: Callable[..., Any], folder: Path, train: bool, download: bool
) -> Steps[Any]:
    """Open the part that lies in the folder; else fetch it, and let torchvision unpack it."""
    with contextlib.suppress(Exception):
        return make(folder, train=train, download=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".papertrial.lock", thread_local=False)
        yield from wait_for(lock, f"unpacking {name}")
    except OSError as error:
        raise _absent(name, make, folder, str(error)) from error
    try:  # one process fetches and unpacks, the others wait
        try:
            return make(folder, train=train, download=False)
        except Exception as error:
            if not str(error).startswith("Dataset not found"):  # all is there, in some state
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
            with contextlib.redirect_stdout(sys.stderr):  # torchvision's words
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
        said = f"they hold {len(pixels)} images and {len(y)} labels"
        raise _corrupt(name, type(loaded), folder, said)
    if not 0 <= int(y.min()) <= int(y.max()) < len(loaded.classes):
        said = f"labels from {int(y.min())} to {int(y.max())} for {len(loaded.classes)} classes"
        raise _corrupt(name, type(loaded), folder, said)
    return Split(DenseColumn(pixels), y, np.arange(len(y)))


def _files(make: Any, folder: Path) -> tuple[Path, dict[str, str], list[str]]:
    """Return where torchvision looks, its files there with their MD5, and their addresses."""
    if hasattr(make, "mirrors"):
        return folder / make.__name__ / "raw", dict(make.resources), list(make.mirrors)
    return folder, {make.filename: make.tgz_md5}, [make.url]


def _absent(name: str, make: Any, folder: Path, reason: str) -> DataError:
    place, files, urls = _files(make, folder)
    return DataError(
        f"{name}: {reason}\n"
        f"needed in {place}: {', '.join(files)}\nthey come from: {' or '.join(urls)}"
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
        f"delete {', '.join(unpacked)} there, and they are unpacked or fetched again"
    )
