"""The catalog of named sets: addresses, checksums, sizes, licences, and the paths of their files.

This module must not import anything slow, so that listing the sets is immediate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from papertrial.data.kind import Kind
from papertrial.errors import DataError, did_you_mean
from papertrial.vocabulary import NamedSet, SplitName, TaskName

SetState = Literal["on disk", "absent", "comes with papertrial"]


@dataclass(frozen=True)
class Artifact:
    """A file to download.

    Args:
        file: its path in the data folder.
        urls: its addresses, tried in order.
        checksum: "md5:..." or "sha256:..."; None if none is published.
        nbytes: its size; None if unknown.
    """

    file: str
    urls: tuple[str, ...]
    checksum: str | None
    nbytes: int | None

    @property
    def name(self) -> str:
        """The name of the file, without folders."""
        return PurePosixPath(self.file).name


@dataclass(frozen=True)
class CatalogEntry:
    """A named set, or named word vectors.

    `rows` has the number of samples of each split, `files` the files to download with their bytes.
    `unpacked` has the alternative forms of the unpacked set, each a tuple of paths that must all
    exist. `torchvision` is the class that has the addresses and checksums; without one they are in
    `urls` and `checksum`.
    """

    name: NamedSet | Literal["glove.6B"]
    title: str
    kind: Kind | Literal["vectors"]
    task: TaskName | Literal["vectors of a text recipe"]
    licence: str
    homepage: str
    rows: Mapping[SplitName | Literal["words"], int]
    classes: int = 0
    files: Mapping[str, int | None] = field(default_factory=dict)
    unpacked: tuple[tuple[str, ...], ...] = ()
    torchvision: str = ""
    urls: tuple[str, ...] = ()
    checksum: str | None = None

    @property
    def nbytes(self) -> int | None:
        """Bytes to download; None if the size of a file is unknown."""
        sizes = list(self.files.values())
        return None if None in sizes else sum(size for size in sizes if size is not None)


_IDX = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_BATCHES = ("batches.meta", "test_batch", *(f"data_batch_{part}" for part in range(1, 6)))
_REVIEWS = tuple(
    f"aclImdb/{part}/{label}" for part in ("train", "test") for label in ("pos", "neg")
)


def _mnist_like(
    name: NamedSet, title: str, licence: str, homepage: str, folder: str, nbytes: tuple[int, ...]
) -> CatalogEntry:
    raw = [f"{folder}/raw/{file}" for file in _IDX]
    packed = [f"{file}.gz" for file in raw]
    return CatalogEntry(
        name=name,
        title=title,
        kind="image",
        task="image-classification",
        licence=licence,
        homepage=homepage,
        rows={"train": 60_000, "test": 10_000},
        classes=10,
        files=dict(zip(packed, nbytes, strict=True)),
        unpacked=(tuple(raw),),
        torchvision=folder,
    )


def _cifar(
    name: NamedSet, title: str, classes: int, nbytes: int, unpacked: tuple[tuple[str, ...], ...]
) -> CatalogEntry:
    return CatalogEntry(
        name=name,
        title=title,
        kind="image",
        task="image-classification",
        licence="none stated; cite Krizhevsky 2009",
        homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
        rows={"train": 50_000, "test": 10_000},
        classes=classes,
        files={f"cifar-{classes}-python.tar.gz": nbytes},
        unpacked=unpacked,
        torchvision=f"CIFAR{classes}",
    )


_ENTRIES = (
    CatalogEntry(
        name="digits",
        title="handwritten digits, 8x8, from scikit-learn",
        kind="image",
        task="image-classification",
        licence="CC BY 4.0",
        homepage="https://archive.ics.uci.edu/dataset/80",
        rows={"train": 1797},
        classes=10,
    ),
    CatalogEntry(
        name="diabetes",
        title="diabetes progression of 442 patients (Efron et al. 2004), from scikit-learn",
        kind="table",
        task="regression",
        licence="none stated; cite Efron et al. 2004",
        homepage="https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html",
        rows={"train": 442},
    ),
    _mnist_like(
        "fashion-mnist",
        "Fashion-MNIST: clothes, 28x28 grey (Xiao et al. 2017)",
        "MIT",
        "https://github.com/zalandoresearch/fashion-mnist",
        "FashionMNIST",
        (26_421_880, 29_515, 4_422_102, 5_148),
    ),
    _mnist_like(
        "mnist",
        "MNIST: handwritten digits, 28x28 grey (LeCun et al. 1998)",
        "CC BY-SA 3.0",
        "http://yann.lecun.com/exdb/mnist/",
        "MNIST",
        (9_912_422, 28_881, 1_648_877, 4_542),
    ),
    _mnist_like(
        "kmnist",
        "Kuzushiji-MNIST: cursive Japanese, 28x28 grey (Clanuwat et al. 2018)",
        "CC BY-SA 4.0",
        "https://github.com/rois-codh/kmnist",
        "KMNIST",
        (18_165_135, 29_497, 3_041_136, 5_120),
    ),
    _cifar(
        "cifar10",
        "CIFAR-10: things and animals, 32x32 RGB (Krizhevsky 2009)",
        10,
        170_498_071,
        (
            tuple(f"cifar-10-batches-py/{name}" for name in _BATCHES),
            ("cifar10/train", "cifar10/test"),
        ),
    ),
    _cifar(
        "cifar100",
        "CIFAR-100: 100 kinds of things and animals, 32x32 RGB (Krizhevsky 2009)",
        100,
        169_001_437,
        (("cifar-100-python/meta", "cifar-100-python/train", "cifar-100-python/test"),),
    ),
    CatalogEntry(
        name="imdb",
        title="IMDB reviews, half positive (Maas et al. 2011)",
        kind="text",
        task="text-classification",
        licence="none stated; cite Maas et al. 2011",
        homepage="https://ai.stanford.edu/~amaas/data/sentiment/",
        rows={"train": 25_000, "test": 25_000},
        classes=2,
        files={"aclImdb_v1.tar.gz": 84_125_825},
        unpacked=(_REVIEWS,),
        urls=("https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",),
        checksum="md5:7c2ac02c03563afcf9b574c7e56c153a",
    ),
    CatalogEntry(
        name="glove.6B",
        title="GloVe word vectors of Wikipedia and Gigaword: 50, 100, 200 and 300 numbers per word",
        kind="vectors",
        task="vectors of a text recipe",
        licence="PDDL 1.0",
        homepage="https://nlp.stanford.edu/projects/glove/",
        rows={"words": 400_000},
        files={"glove.6B.zip": 862_182_613},
        urls=(
            "https://nlp.stanford.edu/data/glove.6B.zip",
            "https://downloads.cs.stanford.edu/nlp/data/glove.6B.zip",
        ),
        # Not published with the archive; several independent public projects state this one.
        checksum="sha256:617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb",
    ),
)
CATALOG: Mapping[str, CatalogEntry] = {entry.name: entry for entry in _ENTRIES}


def entry_of(name: str) -> CatalogEntry:
    """Return the entry of a named set in the catalog.

    Raises:
        DataError: there is no such set.
    """
    if name not in CATALOG:
        raise DataError(f"there is no set {name!r}{did_you_mean(name, CATALOG)}")
    return CATALOG[name]


def artifacts(entry: CatalogEntry) -> tuple[Artifact, ...]:
    """Return the files of a catalog entry to download, with their addresses and checksums.

    For the sets that torchvision has, its class says them.
    """
    if not entry.torchvision:
        return tuple(
            Artifact(file, entry.urls, entry.checksum, nbytes)
            for file, nbytes in entry.files.items()
        )
    from torchvision import datasets  # noqa: PLC0415  (slow to import)

    made = getattr(datasets, entry.torchvision)
    if not hasattr(made, "mirrors"):
        nbytes = entry.files.get(made.filename)
        return (Artifact(made.filename, (made.url,), f"md5:{made.tgz_md5}", nbytes),)
    return tuple(
        Artifact(
            f"{entry.torchvision}/raw/{file}",
            tuple(f"{mirror}{file}" for mirror in made.mirrors),
            f"md5:{md5}",
            entry.files.get(f"{entry.torchvision}/raw/{file}"),
        )
        for file, md5 in made.resources
    )


def state(entry: CatalogEntry, folder: Path) -> SetState:
    """Return whether the files of a catalog entry are on disk; only their names are checked."""
    if not entry.files:
        return "comes with papertrial"
    forms = (tuple(entry.files), *entry.unpacked)
    present = any(all((folder / path).exists() for path in form) for form in forms)
    return "on disk" if present else "absent"
