"""CIFAR-10 as an image folder: the real one is known by its content, and nothing else is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import CIFAR10

from papertrial.data.column import Dataset, chunks
from papertrial.data.images.decode import sample_digest
from papertrial.data.images.decode_set import combine_digests
from papertrial.data.sources import cifar10
from papertrial.errors import DataError
from papertrial.progress import finish

RNG = np.random.default_rng(0)


@pytest.fixture(scope="session")
def real(cifar10_folder: Path) -> Dataset:
    """The real set."""
    return finish(cifar10.load_folder(cifar10_folder))


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with two images of each class and part, whose fingerprints are then known."""
    fingerprints = {}
    for part in ("train", "test"):
        labels = [label for label in range(10) for _ in range(2)]
        x = RNG.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
        for i, (label, image) in enumerate(zip(labels, x, strict=True)):
            folder = tmp_path / "cifar10" / part / cifar10.CLASSES[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.transpose(1, 2, 0)).save(folder / f"{i}.png")
        fingerprints[part] = _fingerprint([x], labels, cifar10.CLASSES)
    monkeypatch.setattr(cifar10, "PER_CLASS", {"train": 2, "test": 2})
    monkeypatch.setattr(cifar10, "FINGERPRINTS", fingerprints)
    return tmp_path


def _fingerprint(x_chunks: Iterable[Any], labels: list[int], classes: Sequence[str]) -> str:
    images = (np.asarray(image) for chunk in x_chunks for image in chunk)
    pairs = zip(labels, images, strict=True)
    return combine_digests(sample_digest(classes[label], image) for label, image in pairs)


def _error(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        finish(cifar10.load_folder(folder))
    said = str(caught.value)
    assert said.startswith(f"{folder / 'cifar10'} is not CIFAR-10: ")
    assert "the official archive is downloaded" in said
    assert f"data.source: image-folder and data.path: {folder / 'cifar10'}" in said
    return said


def test_the_real_set_is_known(real: Dataset) -> None:
    assert (real.name, real.classes) == ("cifar10", cifar10.CLASSES)
    assert real.validation is None
    assert real.test is not None
    for split, count in ((real.train, 5000), (real.test, 1000)):
        assert split.x.shape == (3, 32, 32)
        assert split.y.bincount().tolist() == [count] * 10


def test_the_real_set_has_the_published_means_and_deviations(real: Dataset) -> None:
    counts = torch.zeros(3, 256, dtype=torch.float64)  # of each value in each channel
    for chunk in chunks(real.train.x):
        for channel in range(3):
            counts[channel] += chunk[:, channel].flatten().bincount(minlength=256)
    share, values = counts / counts.sum(1, keepdim=True), torch.arange(256).double() / 255
    mean = share @ values
    std = (share @ values.square() - mean.square()).sqrt()
    expected = torch.tensor([0.49139968, 0.48215841, 0.44653091], dtype=torch.float64)
    assert (mean - expected).abs().max() < 1e-8
    expected = torch.tensor([0.24703223, 0.24348513, 0.26158784], dtype=torch.float64)
    assert (std - expected).abs().max() < 1e-8


def test_the_fingerprint_can_be_taken_of_any_set(real: Dataset) -> None:
    assert real.test is not None
    print_ = _fingerprint(chunks(real.test.x), real.test.y.tolist(), real.classes)
    assert print_ == cifar10.FINGERPRINTS["test"]


def test_the_classes_are_those_of_the_official_set(small: Path) -> None:
    dataset = finish(cifar10.load_folder(small))
    # As `batches.meta` of the official archive has them.
    official = "airplane automobile bird cat deer dog frog horse ship truck"
    assert " ".join(dataset.classes) == official
    assert dataset.train.y.tolist() == [label for label in range(10) for _ in range(2)]


def test_other_file_names_and_formats_are_no_difference(small: Path) -> None:
    for i, path in enumerate(sorted((small / "cifar10").rglob("*.png"), reverse=True)):
        with Image.open(path) as image:
            image.save(path.with_name(f"{i}.webp"), lossless=True)
        path.unlink()
    assert len(finish(cifar10.load_folder(small)).train) == 20


def test_find(small: Path, tmp_path: Path) -> None:
    assert cifar10.find_folder(small) == small / "cifar10"
    assert cifar10.find_folder(tmp_path / "no") is None
    assert CIFAR10.base_folder != cifar10.NAME  # torchvision's own files lie elsewhere


def test_one_wrong_pixel_is_refused(small: Path) -> None:
    finish(cifar10.load_folder(small))
    path = small / "cifar10" / "test" / "frog" / "12.png"
    pixels = np.array(Image.open(path))
    pixels[31, 31, 2] ^= 1
    Image.fromarray(pixels).save(path)
    assert re.search(
        "test has other pixels or labels .its fingerprint is [0-9a-f]{16}", _error(small)
    )
    assert "test has other" in _error(small)  # from the cache


def test_swapped_labels_are_refused(small: Path) -> None:
    train = small / "cifar10" / "train"
    (train / "cat" / "6.png").rename(train / "x")
    (train / "dog" / "10.png").rename(train / "cat" / "6.png")
    (train / "x").rename(train / "dog" / "10.png")
    assert "train has other pixels or labels" in _error(small)


def test_missing_and_moved_images_are_counted(small: Path) -> None:
    train = small / "cifar10" / "train"
    (train / "cat" / "6.png").unlink()
    assert "train must have 2 images of each class, but has cat 1\n" in _error(small)
    (train / "dog" / "10.png").rename(train / "ship" / "10.png")
    assert "but has cat 1, dog 1, ship 3\n" in _error(small)


def test_other_classes_parts_or_sizes_are_refused(small: Path) -> None:
    folder = small / "cifar10"
    for path in folder.rglob("*.png"):
        with Image.open(path) as image:
            image.resize((16, 16)).save(path)
    assert "its images are [3, 16, 16]" in _error(small)
    shutil.rmtree(folder / "test")
    assert "its parts are train, but must be train, test" in _error(small)
    (folder / "train" / "airplane").rename(folder / "train" / "plane")
    assert "its classes are automobile, bird, cat" in _error(small)
