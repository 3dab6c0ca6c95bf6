"""The contract of a source, which every kind of source passes."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from papertrial.data.column import Dataset
from papertrial.data.files.catalog import CATALOG
from papertrial.data.kind import KINDS, Kind
from papertrial.data.sources import cifar10, imdb
from papertrial.data.sources.open_source import SOURCES, open_source
from papertrial.data.sources.set_checks import check_dataset
from papertrial.data.sources.spec import SourceSpec, TableOptions
from papertrial.errors import DataError
from papertrial.progress import Step, finish
from papertrial.vocabulary import OWN_DATA
from papertrial.vocabulary import SOURCES as NAMED

EMBEDDED = ("digits", "diabetes", "breast-cancer")


@dataclass(frozen=True)
class Case:
    """A small source on disk, what it must load, and a damage that it must notice."""

    spec: SourceSpec
    kind: Kind
    splits: tuple[str, ...]
    damage: Callable[[], object] | None  # None for a source without files
    names: str = ""  # what the message about the damage must name
    small: bool = False  # whether its files are those of the fixture small_set


Make = Callable[[Path, pytest.MonkeyPatch], Case]


def _written(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _idx(values: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes()


def _mnist_like(name: str) -> Make:
    def make(folder: Path, patch: pytest.MonkeyPatch) -> Case:
        made = getattr(datasets, CATALOG[name].torchvision)
        raw, sums = folder / made.__name__ / "raw", []
        for part, count in (("train", 20), ("t10k", 10)):
            for what, values in (
                ("images-idx3", np.arange(count * 784).reshape(count, 28, 28) % 251),
                ("labels-idx1", np.arange(count) % 10),
            ):
                packed = gzip.compress(_idx(values), mtime=0)
                _written(raw / f"{part}-{what}-ubyte", _idx(values))
                sums.append((f"{part}-{what}-ubyte.gz", hashlib.md5(packed).hexdigest()))
        patch.setattr(made, "resources", sums)
        patch.setattr(made, "mirrors", [])
        broken = raw / "train-images-idx3-ubyte"
        return Case(
            SourceSpec(name),
            "image",
            ("train", "test"),
            lambda: _cut(broken),
            broken.name,
        )

    return make


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def _cifar10(folder: Path, patch: pytest.MonkeyPatch) -> Case:
    for part in ("train", "test"):
        for label, name in enumerate(cifar10.CLASSES):
            path = folder / "cifar10" / part / name / "0.png"
            path.parent.mkdir(parents=True)
            Image.new("RGB", (32, 32), (label, 7, 7)).save(path)
    patch.setattr(cifar10, "PER_CLASS", {"train": 1, "test": 1})
    patch.setattr(cifar10, "FINGERPRINTS", {})
    broken = folder / "cifar10" / "train" / "cat" / "0.png"
    return Case(
        SourceSpec("cifar10"),
        "image",
        ("train", "test"),
        lambda: _cut(broken),
        "train/cat/0.png",
    )


def _cifar100(folder: Path, patch: pytest.MonkeyPatch) -> Case:
    base = folder / datasets.CIFAR100.base_folder
    names = [f"class{k:03}" for k in range(100)]
    contents: dict[str, Any] = {"meta": {"fine_label_names": names}}
    for part, count in (("train", 20), ("test", 10)):
        pixels = np.arange(count * 3072).reshape(count, 3072).astype(np.uint8)
        contents[part] = {"data": pixels, "fine_labels": list(range(count))}
    sums = {}
    for part, values in contents.items():
        content = pickle.dumps(values)
        _written(base / part, content)
        sums[part] = hashlib.md5(content).hexdigest()
    patch.setattr(datasets.CIFAR100, "train_list", [["train", sums["train"]]])
    patch.setattr(datasets.CIFAR100, "test_list", [["test", sums["test"]]])
    patch.setattr(datasets.CIFAR100, "meta", {**datasets.CIFAR100.meta, "md5": sums["meta"]})
    archive = folder / datasets.CIFAR100.filename

    def damage() -> None:
        _cut(base / "train")
        with tarfile.open(archive, "w:gz"):
            pass

    return Case(SourceSpec("cifar100"), "image", ("train", "test"), damage, archive.name)


def _imdb(folder: Path, patch: pytest.MonkeyPatch) -> Case:
    patch.setattr(imdb, "_EACH", 2)
    sums = {}
    for part in ("train", "test"):
        digests = []
        for name in imdb.CLASSES:
            for i in range(2):
                text = f"{part} {name} {i}"
                _written(folder / "aclImdb" / part / name / f"{i}.txt", text)
                digests.append(hashlib.sha256(f"{name}\n{text}".encode()).digest())
        sums[part] = hashlib.sha256(b"".join(sorted(digests))).hexdigest()
    patch.setattr(imdb, "_FINGERPRINTS", sums)
    broken = folder / "aclImdb" / "train" / "neg" / "1.txt"
    return Case(
        SourceSpec("imdb"),
        "text",
        ("train", "test"),
        lambda: _empty(broken),
        str(broken),
    )


def _empty(path: Path) -> None:
    path.write_text("")


def _embedded(name: str, kind: Kind) -> Make:
    return lambda folder, patch: Case(
        SourceSpec(name, targets="numbers" if name == "diabetes" else "classes"),
        kind,
        ("train",),
        None,
    )


def _small(name: str, kind: Kind, splits: tuple[str, ...]) -> Make:
    spec = SourceSpec(name, targets="tensors" if kind == "tensor" else "classes")
    return lambda folder, patch: Case(spec, kind, splits, None, small=True)


def _image_folder(folder: Path, patch: pytest.MonkeyPatch) -> Case:
    path = folder / "photos"
    for part in ("train", "validation", "test"):
        for label, name in enumerate(("cat", "dog")):
            file = path / part / name / "0.png"
            file.parent.mkdir(parents=True)
            Image.new("RGB", (8, 8), (label, 7, 7)).save(file)
    return Case(
        SourceSpec("image-folder", path),
        "image",
        ("train", "validation", "test"),
        lambda: _cut(path / "test" / "dog" / "0.png"),
        "test/dog/0.png",
    )


def _image_table(folder: Path, patch: pytest.MonkeyPatch) -> Case:
    for name, shade in (("a", 7), ("b", 9)):
        Image.new("L", (4, 4), shade).save(folder / f"{name}.png")
    path = _written(folder / "labels.csv", "file,label\na.png,x\nb,y\n")
    table = TableOptions(targets=("label",), image="file")
    return Case(
        SourceSpec("image-table", path, table=table),
        "image",
        ("train",),
        (folder / "b.png").unlink,
        f"{path} line 3",
    )


def _text_folder(folder: Path, patch: pytest.MonkeyPatch) -> Case:
    path = folder / "mail"
    for part in ("train", "test"):
        for name in ("ham", "spam"):
            _written(path / part / name / "0.txt", f"{part} {name}")
    broken = path / "test" / "ham" / "0.txt"
    return Case(
        SourceSpec("text-folder", path),
        "text",
        ("train", "test"),
        lambda: _empty(broken),
        str(broken),
    )


def _table(folder: Path, patch: pytest.MonkeyPatch) -> Case:
    _written(folder / "rows" / "train.csv", "a,b,y\n1,2,no\n3,4,yes\n")
    broken = _written(folder / "rows" / "test.tsv", "y\tb\ta\nyes\t5\t6\n")
    return Case(
        SourceSpec("table", folder / "rows", table=TableOptions(targets=("y",))),
        "table",
        ("train", "test"),
        lambda: broken.write_text("y\tb\ta\nyes\t5\n"),
        f"{broken} line 2",
    )


def _text_table(folder: Path, patch: pytest.MonkeyPatch) -> Case:
    path = _written(folder / "reviews.csv", "review,label\ngood,1\nbad,0\n")
    return Case(
        SourceSpec("text-table", path, table=TableOptions(targets=("label",), text="review")),
        "text",
        ("train",),
        lambda: path.write_text("review,label\ngood,1\n,0\n"),
        f"{path} line 3",
    )


def _dataset_folder(folder: Path, patch: pytest.MonkeyPatch) -> Case:
    import datasets as hf

    rows = {"review": ["good", "bad"], "label": ["1", "0"]}
    hf.disable_progress_bars()
    hf.Dataset.from_dict(rows).save_to_disk(folder / "saved")
    hf.enable_progress_bars()
    (file,) = (folder / "saved").glob("*.arrow")
    table = TableOptions(targets=("label",), text="review")
    return Case(
        SourceSpec("dataset-folder", folder / "saved", table=table),
        "text",
        ("train",),
        lambda: file.write_bytes(b"damaged"),
        str(folder / "saved"),
    )


def _function(folder: Path, patch: pytest.MonkeyPatch) -> Case:
    widths = [2, 2]  # of the rows in each part

    def drawn() -> dict[str, Any]:
        train, validation = widths
        return {
            "train": (torch.randn(4, train), [0, 1, 0, 1]),
            "validation": (torch.zeros(2, validation), [0, 1]),
        }

    def damage() -> None:
        widths[1] = 3

    return Case(SourceSpec(drawn), "table", ("train", "validation"), damage, '"validation"')


CASES: dict[str, Make] = {
    "digits": _embedded("digits", "image"),
    "diabetes": _embedded("diabetes", "table"),
    "breast-cancer": _embedded("breast-cancer", "table"),
    "fashion-mnist": _mnist_like("fashion-mnist"),
    "mnist": _mnist_like("mnist"),
    "kmnist": _mnist_like("kmnist"),
    "cifar10": _cifar10,
    "cifar100": _cifar100,
    "imdb": _imdb,
    "rt-polarity": _small("rt-polarity", "text", ("train",)),
    "tiny-shakespeare": _small("tiny-shakespeare", "tensor", ("train", "validation")),
    "etth1": _small("etth1", "tensor", ("train", "validation", "test")),
    "cora": _small("cora", "tensor", ("train", "validation", "test")),
    "image-folder": _image_folder,
    "image-table": _image_table,
    "text-folder": _text_folder,
    "table": _table,
    "text-table": _text_table,
    "dataset-folder": _dataset_folder,
    "a function": _function,
}


@pytest.fixture(params=CASES)
def case(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    small_set: Callable[[str, Path, pytest.MonkeyPatch], Path],
) -> Case:
    """A source of each kind."""
    case = CASES[request.param](tmp_path, monkeypatch)
    if case.small:
        broken = small_set(case.spec.name, tmp_path, monkeypatch)
        return replace(case, damage=lambda: _cut(broken), names=f"wrong checksum: {broken.name}")
    return case


def _load(case: Case, folder: Path) -> Dataset:
    return finish(open_source(case.spec, folder)).dataset


def test_every_source_has_a_case() -> None:
    assert {*CASES} == {*SOURCES, "a function"}
    assert {*SOURCES} == {*NAMED, *OWN_DATA}


def test_a_source_has_its_kind_and_its_splits(case: Case, tmp_path: Path) -> None:
    dataset = _load(case, tmp_path)
    assert dataset.kind == case.kind
    assert case.kind in KINDS
    assert tuple(dataset.splits) == case.splits
    assert dataset.name
    if case.spec.name in CATALOG:
        assert CATALOG[case.spec.name].kind == dataset.kind


def test_samples_and_targets_are_valid(case: Case, tmp_path: Path) -> None:
    dataset = _load(case, tmp_path)
    check_dataset(dataset, "set", case.spec.targets)
    for split in dataset.splits.values():
        assert len(split.x) == len(split.y) == len(split.ids) > 0
        assert len({*split.ids.tolist()}) == len(split)
        assert split.name(len(split) - 1)
    assert (len(dataset.features) > 0) == (case.kind == "table" or bool(case.spec.table.text))


def test_loading_again_returns_the_same_samples(case: Case, tmp_path: Path) -> None:
    torch.manual_seed(1)
    first = _load(case, tmp_path)
    before = {part: split.fingerprint for part, split in first.splits.items()}
    torch.manual_seed(2)
    second = _load(case, tmp_path)
    assert {part: split.fingerprint for part, split in second.splits.items()} == before
    assert second.classes == first.classes
    assert second.train.names == first.train.names


def test_loading_draws_nothing_from_the_users_generators(case: Case, tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    _load(case, tmp_path)
    assert torch.equal(torch.rand(3), expected)


def test_loading_yields_steps(case: Case, tmp_path: Path) -> None:
    steps = list(open_source(case.spec, tmp_path))
    assert steps
    assert all(isinstance(step, Step) and step.what for step in steps)


def test_damaged_data_are_refused_by_name(case: Case, tmp_path: Path) -> None:
    if case.damage is None:
        assert case.spec.source in EMBEDDED  # which have no files
        return
    case.damage()
    with pytest.raises(DataError) as caught:
        finish(open_source(replace(case.spec, download=False), tmp_path))
    assert case.names in str(caught.value)


@pytest.mark.parametrize("name", [*OWN_DATA, *sorted(set(NAMED) - set(EMBEDDED))])
def test_absent_data_are_refused_by_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / "nowhere"
    options = TableOptions(targets=("y",), text="x")
    spec = SourceSpec(name, path, table=options, download=False)
    with pytest.raises(DataError) as caught:
        finish(open_source(spec, tmp_path))
    assert (str(path) if name in OWN_DATA else name) in str(caught.value)


def test_an_unknown_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no source 'tables'; did you mean \"table\""):
        finish(open_source(SourceSpec("tables"), tmp_path))


def test_features_are_chosen_from_named_sets_and_functions(tmp_path: Path) -> None:
    options = TableOptions(features=("bmi", "age"))
    spec = SourceSpec("diabetes", targets="numbers", table=options)
    loaded = finish(open_source(spec, tmp_path))
    assert loaded.dataset.features == ("bmi", "age")
    assert loaded.layout is None
