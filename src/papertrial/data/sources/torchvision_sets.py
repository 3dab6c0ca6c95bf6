"""The sets that torchvision downloads, checks and unpacks, as uint8 columns in memory."""

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
from papertrial.errors import DataError


def fashion_mnist(folder: Path) -> Dataset:
    """Return Fashion-MNIST: uint8 [N, 1, 28, 28], 60,000 and 10,000, 10 classes."""
    return _load("fashion-mnist", "FashionMNIST", folder)


def mnist(folder: Path) -> Dataset:
    """Return MNIST: uint8 [N, 1, 28, 28], 60,000 and 10,000, 10 classes."""
    return _load("mnist", "MNIST", folder)


def kmnist(folder: Path) -> Dataset:
    """Return Kuzushiji-MNIST: uint8 [N, 1, 28, 28], 60,000 and 10,000, 10 classes."""
    return _load("kmnist", "KMNIST", folder)


def cifar10(folder: Path) -> Dataset:
    """Return CIFAR-10: uint8 [N, 3, 32, 32], 50,000 and 10,000, 10 classes."""
    return _load("cifar10", "CIFAR10", folder)


def cifar100(folder: Path) -> Dataset:
    """Return CIFAR-100: uint8 [N, 3, 32, 32], 50,000 and 10,000, 100 classes."""
    return _load("cifar100", "CIFAR100", folder)


def _load(name: str, class_name: str, folder: Path) -> Dataset:
    from torchvision import datasets  # noqa: PLC0415  (slow to import)

    make = getattr(datasets, class_name)
    parts = {}
    for part, train in (("train", True), ("test", False)):
        loaded = _open(name, make, folder, train)
        parts[part] = _split(name, loaded, folder)
        classes = tuple(loaded.classes)
    return Dataset(name, "image", parts["train"], test=parts["test"], classes=classes)


def _open(name: str, make: Callable[..., Any], folder: Path, train: bool) -> Any:
    """Open the part that lies in the folder; else let torchvision fetch, check and unpack it."""
    with contextlib.suppress(Exception):
        return make(folder, train=train, download=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # One process fetches and unpacks, the others wait; torchvision's words leave standard
        # output alone.
        with FileLock(folder / ".papertrial.lock"), contextlib.redirect_stdout(sys.stderr):
            try:
                return make(folder, train=train, download=False)
            except Exception as error:
                if not str(error).startswith("Dataset not found"):  # all is there, in some state
                    reason = f"{type(error).__name__}: {error}"
                    raise _corrupt(name, make, folder, reason) from error
            return make(folder, train=train, download=True)
    except DataError:
        raise
    except Exception as error:
        raise _absent(name, make, folder, error) from error


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


def _absent(name: str, make: Any, folder: Path, error: Exception) -> DataError:
    from torchvision.datasets.utils import check_integrity  # noqa: PLC0415  (slow to import)

    place, files, urls = _files(make, folder)
    damaged = [
        file
        for file, md5 in files.items()
        if (place / file).is_file() and not check_integrity(str(place / file), md5)
    ]
    found = f"wrong checksum: {', '.join(damaged)}" if damaged else "the files are not there"
    reason = " ".join(str(error).split()) or type(error).__name__
    return DataError(
        f"{name} is not in {place} ({found}), and could not be fetched: {reason}\n"
        f"needed: {', '.join(files)}\nthey come from: {' or '.join(urls)}\n"
        "put them there, or name another data folder with --data DIR or $PAPERTRIAL_DATA"
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
