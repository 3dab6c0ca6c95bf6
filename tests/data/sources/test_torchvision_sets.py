"""torchvision's sets from files in its own layout, and what is said of absent and damaged ones."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import re
import tarfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision import datasets

from papertrial.data.column import Dataset
from papertrial.data.files.data_folder import data_folder
from papertrial.data.sources.named_sets import loading
from papertrial.errors import DataError
from papertrial.progress import finish

RNG = np.random.default_rng(0)
IDX = {"mnist": "MNIST", "kmnist": "KMNIST", "fashion-mnist": "FashionMNIST"}
GZ = ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
GZ += [name.replace("train", "t10k") for name in GZ]
UNPACKED = [name.removesuffix(".gz") for name in GZ]
CIFAR = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Cut the network off; the addresses that were asked for."""
    addresses: list[str] = []

    def refuse(request: Any, *args: Any, **kwargs: Any) -> None:
        addresses.append(getattr(request, "full_url", request))
        raise urllib.error.URLError("the network is cut off")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    return addresses


def _idx(values: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes()


@pytest.fixture
def parts() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images and labels of the two parts."""
    return {
        "train": (RNG.integers(0, 256, (20, 28, 28)), np.arange(20) % 10),
        "t10k": (RNG.integers(0, 256, (12, 28, 28)), np.arange(12) % 10),
    }


@pytest.fixture
def raw(tmp_path: Path, parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> Path:
    """The folder of a small MNIST, unpacked."""
    folder = tmp_path / "MNIST" / "raw"
    _unpacked(folder, parts)
    return folder


def _unpacked(folder: Path, parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    folder.mkdir(parents=True)
    for part, (images, labels) in parts.items():
        (folder / f"{part}-images-idx3-ubyte").write_bytes(_idx(images))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(_idx(labels))


def _packed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pack the unpacked files, and let torchvision know the checksums of these."""
    for name in UNPACKED:
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes(), mtime=0))
        (folder / name).unlink()
    sums = [(name, hashlib.md5((folder / name).read_bytes()).hexdigest()) for name in GZ]
    monkeypatch.setattr(datasets.MNIST, "resources", sums)


def _error(name: str, folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        finish(loading(name, folder))
    return str(caught.value)


@pytest.mark.parametrize("name", IDX)
def test_idx_files_are_loaded_without_the_network(
    tmp_path: Path,
    parts: dict[str, tuple[np.ndarray, np.ndarray]],
    name: str,
    asked: list[str],
) -> None:
    _unpacked(tmp_path / IDX[name] / "raw", parts)
    dataset = finish(loading(name, tmp_path))
    assert (dataset.name, dataset.kind, dataset.validation) == (name, "image", None)
    assert dataset.classes == tuple(getattr(datasets, IDX[name]).classes)
    assert len(dataset.classes) == 10
    for part, stored in (("train", "train"), ("test", "t10k")):
        images, labels = parts[stored]
        split = dataset.splits[part]
        assert split.x.dtype == torch.uint8
        assert np.array_equal(split.x.take(slice(None)).numpy(), images[:, None])
        assert np.array_equal(split.y.numpy(), labels)
        assert split.y.dtype == torch.int64
        assert np.array_equal(split.ids, np.arange(len(labels)))
    assert asked == []


def _cifar(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> dict[str, tuple[np.ndarray, list[int]]]:
    """Write a small CIFAR, and let torchvision know the checksums of its files."""
    made: Any = CIFAR[name]
    fine = name == "cifar100"
    classes = 100 if fine else 10
    base = folder / made.base_folder
    base.mkdir(parents=True)
    parts = {}
    for part, listed in (("train", made.train_list), ("test", made.test_list)):
        pixels, labels, sums = [], [], []
        for file, _ in listed:
            data = RNG.integers(0, 256, (4, 3072), dtype=np.uint8)
            chosen = RNG.integers(0, classes, 4).tolist()
            content = {"data": data, "fine_labels" if fine else "labels": chosen}
            (base / file).write_bytes(pickle.dumps(content))
            sums.append([file, hashlib.md5((base / file).read_bytes()).hexdigest()])
            pixels.append(data)
            labels += chosen
        monkeypatch.setattr(made, f"{part}_list", sums)
        parts[part] = np.concatenate(pixels).reshape(-1, 3, 32, 32), labels
    meta = base / made.meta["filename"]
    meta.write_bytes(pickle.dumps({made.meta["key"]: [f"class {i}" for i in range(classes)]}))
    md5 = hashlib.md5(meta.read_bytes()).hexdigest()
    monkeypatch.setattr(made, "meta", {**made.meta, "md5": md5})
    return parts


def _archive(folder: Path, made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with tarfile.open(folder / made.filename, "w:gz") as archive:
        archive.add(folder / made.base_folder, made.base_folder)
    md5 = hashlib.md5((folder / made.filename).read_bytes()).hexdigest()
    monkeypatch.setattr(made, "tgz_md5", md5)


@pytest.mark.parametrize("name", CIFAR)
def test_cifar_is_loaded_without_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, asked: list[str]
) -> None:
    parts = _cifar(tmp_path, name, monkeypatch)
    dataset = finish(loading(name, tmp_path))
    assert dataset.classes == tuple(f"class {i}" for i in range(100 if name == "cifar100" else 10))
    assert list(dataset.splits) == ["train", "test"]
    for part, (pixels, labels) in parts.items():
        split = dataset.splits[part]
        assert np.array_equal(split.x.take(slice(None)).numpy(), pixels)
        assert split.y.tolist() == labels
    assert asked == []


@pytest.mark.parametrize("name", [*IDX, *CIFAR])
def test_absent_files_are_told_with_their_place_and_address(
    tmp_path: Path, name: str, asked: list[str]
) -> None:
    message = _error(name, tmp_path)
    if name in IDX:
        made = getattr(datasets, IDX[name])
        place, files, addresses = tmp_path / IDX[name] / "raw", GZ, made.mirrors
    else:
        place, files, addresses = tmp_path, [CIFAR[name].filename], [CIFAR[name].url]
    assert name in message
    assert f"{place} " in message
    assert all(file in message for file in files)
    assert all(address in message for address in addresses)
    assert "the network is cut off" in message
    assert "--data" in message
    assert "$PAPERTRIAL_DATA" in message
    assert asked


def test_packed_files_that_lie_there_are_unpacked_without_the_network(
    raw: Path,
    parts: dict[str, tuple[np.ndarray, np.ndarray]],
    monkeypatch: pytest.MonkeyPatch,
    asked: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    _packed(raw, monkeypatch)
    dataset = finish(loading("mnist", raw.parents[1]))
    assert np.array_equal(dataset.train.x.take(slice(None)).numpy(), parts["train"][0][:, None])
    assert asked == []
    assert capsys.readouterr().out == ""


def test_a_packed_file_with_a_wrong_checksum_is_named(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _packed(raw, monkeypatch)
    (raw / GZ[1]).write_bytes((raw / GZ[1]).read_bytes()[:-5])
    first, *_ = _error("mnist", raw.parents[1]).splitlines()
    assert "checksum" in first
    assert re.findall(r"\w+-\w+-idx\d-ubyte\.gz", first)[0] == GZ[1]
    assert GZ[0] not in first


@pytest.mark.parametrize("name", UNPACKED)
@pytest.mark.parametrize("left", [-1, 3])
def test_a_truncated_unpacked_file_is_named(raw: Path, left: int, name: str) -> None:
    (raw / name).write_bytes((raw / name).read_bytes()[:left])
    message = _error("mnist", raw.parents[1])
    assert re.search(rf"{name}(?!\.gz)", message)
    assert str(raw) in message
    assert "could not be fetched" not in message  # nothing is wrong with the network


@pytest.mark.parametrize("left", [-1, 3])
def test_a_truncated_file_beside_its_archive_is_unpacked_again_or_named(
    raw: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    kept = {name: (raw / name).read_bytes() for name in UNPACKED}
    _packed(raw, monkeypatch)
    for name, content in kept.items():
        (raw / name).write_bytes(content[:left] if name == UNPACKED[0] else content)
    try:
        assert len(finish(loading("mnist", raw.parents[1])).train) == 20
    except DataError as error:
        assert re.search(rf"{UNPACKED[0]}(?!\.gz)", str(error))  # noqa: PT017


@pytest.mark.parametrize(
    ("labels", "said"),
    [(np.arange(19) % 10, "20 images and 19 labels"), (np.array([0] * 19 + [37]), r"\b37\b")],
    ids=["fewer labels than images", "a label without a class"],
)
def test_labels_that_do_not_fit_are_told(raw: Path, labels: np.ndarray, said: str) -> None:
    (raw / UNPACKED[1]).write_bytes(_idx(labels))
    message = _error("mnist", raw.parents[1])
    assert message.startswith("mnist: ")
    assert str(raw) in message
    assert re.search(said, message.replace(str(raw), ""))


def test_a_damaged_cifar_is_unpacked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    parts = _cifar(tmp_path, "cifar10", monkeypatch)
    _archive(tmp_path, datasets.CIFAR10, monkeypatch)
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(b"")
    dataset = finish(loading("cifar10", tmp_path))
    assert dataset.splits["test"].y.tolist() == parts["test"][1]
    assert asked == []


def test_absent_class_names_of_cifar_are_unpacked_again_or_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cifar(tmp_path, "cifar10", monkeypatch)
    _archive(tmp_path, datasets.CIFAR10, monkeypatch)
    (tmp_path / "cifar-10-batches-py" / "batches.meta").unlink()
    try:
        assert len(finish(loading("cifar10", tmp_path)).classes) == 10
    except DataError as error:
        assert "batches.meta" in str(error)  # noqa: PT017


def test_a_damaged_archive_of_cifar_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / datasets.CIFAR10.filename).write_bytes(b"half an archive")
    first, *_ = _error("cifar10", tmp_path).splitlines()
    assert f"checksum: {datasets.CIFAR10.filename}" in first


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert "File exists" in _error("mnist", tmp_path / "data")


def test_fashion_mnist_is_the_real_one(fashion_mnist: Dataset) -> None:
    assert {name: split.fingerprint for name, split in fashion_mnist.splits.items()} == {
        "train": "6b4d75b4ba8b7ab51b768d6010c9148871d0a832cd85333a6013e491e7cdbab3",
        "test": "ea4ee962c7ab22b32b691d7d4bc0e8d86fde1b61899e7ab03af4f17f6b35ee04",
    }
    assert torch.bincount(fashion_mnist.train.y).tolist() == [6000] * 10
    assert torch.bincount(fashion_mnist.splits["test"].y).tolist() == [1000] * 10
    assert fashion_mnist.classes[:2] == ("T-shirt/top", "Trouser")


def test_fashion_mnist_is_what_its_files_hold(fashion_mnist: Dataset) -> None:
    stored = data_folder() / "FashionMNIST" / "raw"
    for part, name in (("train", "train"), ("test", "t10k")):
        images = np.fromfile(stored / f"{name}-images-idx3-ubyte", np.uint8, offset=16)
        labels = np.fromfile(stored / f"{name}-labels-idx1-ubyte", np.uint8, offset=8)
        split = fashion_mnist.splits[part]
        x = split.x.take(slice(None)).numpy()
        assert np.array_equal(x, images.reshape(-1, 1, 28, 28))
        assert np.array_equal(split.y.numpy(), labels)
