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
    `urls` and `checksum`, or for several files in `folders`, addresses of folders that have all of
    them, and `checksums`.
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
    folders: tuple[str, ...] = ()
    checksums: Mapping[str, str] = field(default_factory=dict)

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

_GITHUB = "https://raw.githubusercontent.com"
# Bytes and SHA-256 of the files of Cora.
_CORA = {
    "x": (22_119, "23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab"),
    "y": (4_054, "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1"),
    "tx": (148_025, "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a"),
    "ty": (28_135, "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad"),
    "allx": (257_305, "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543"),
    "ally": (47_959, "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71"),
    "graph": (59_847, "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d"),
    "test.index": (5_000, "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875"),
}


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
    CatalogEntry(
        name="breast-cancer",
        title="Wisconsin diagnostic breast cancer (Street et al. 1993), from scikit-learn",
        kind="table",
        task="table-classification",
        licence="CC BY 4.0",
        homepage="https://archive.ics.uci.edu/dataset/17",
        rows={"train": 569},
        classes=2,
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
        name="rt-polarity",
        title="movie review sentences, half positive (Pang and Lee 2005), known as MR",
        kind="text",
        task="text-classification",
        licence="none stated; cite Pang and Lee 2005",
        homepage="https://www.cs.cornell.edu/people/pabo/movie-review-data/",
        rows={"train": 10_662},
        classes=2,
        files={"rt-polarity/rt-polarity.neg": 612_256, "rt-polarity/rt-polarity.pos": 626_139},
        folders=(f"{_GITHUB}/yoonkim/CNN_sentence/23e0e1f7355705bb083043fda05c031b15acb38c",),
        checksums={
            "rt-polarity/rt-polarity.neg": "sha256:"
            "4ace77d558c3714723843f1d65b60c01e3417b208180f0728808d76ad0eeeaca",
            "rt-polarity/rt-polarity.pos": "sha256:"
            "2da124ec187a9d5a29c9f04e91c540e02baed5af8868f550a26bd6fd4dbf8bf0",
        },
    ),
    CatalogEntry(
        name="tiny-shakespeare",
        title="plays of Shakespeare, 1,115,394 characters (Karpathy 2015)",
        kind="tensor",
        task="prediction",
        licence="none stated; the plays are in the public domain",
        homepage="https://github.com/karpathy/char-rnn",
        rows={"train": 1_003_598, "validation": 435},
        files={"tiny-shakespeare/input.txt": 1_115_394},
        folders=(
            f"{_GITHUB}/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e"
            "/data/tinyshakespeare",
        ),
        checksums={
            "tiny-shakespeare/input.txt": "sha256:"
            "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
        },
    ),
    CatalogEntry(
        name="etth1",
        title="ETTh1: hourly load and oil temperature of a transformer (Zhou et al. 2021)",
        kind="tensor",
        task="prediction",
        licence="CC BY-ND 4.0",
        homepage="https://github.com/zhouhaoyi/ETDataset",
        rows={"train": 8_209, "validation": 2_785, "test": 2_785},
        files={"ETT-small/ETTh1.csv": 2_589_657},
        folders=(
            f"{_GITHUB}/zhouhaoyi/ETDataset/1d16c8f4f943005d613b5bc962e9eeb06058cf07/ETT-small",
        ),
        checksums={
            "ETT-small/ETTh1.csv": "sha256:"
            "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066"
        },
    ),
    CatalogEntry(
        name="cora",
        title="Cora: 2,708 papers, their words and citations (Sen et al. 2008; Yang et al. 2016)",
        kind="tensor",
        task="prediction",
        licence="none stated; cite Sen et al. 2008",
        homepage="https://github.com/kimiyoung/planetoid",
        rows={"train": 1, "validation": 1, "test": 1},
        files={f"cora/ind.cora.{part}": nbytes for part, (nbytes, _) in _CORA.items()},
        folders=(f"{_GITHUB}/tkipf/gcn/39a4089fe72ad9f055ed6fdb9746abdcfebc4d81/gcn/data",),
        checksums={f"cora/ind.cora.{part}": f"sha256:{sum_}" for part, (_, sum_) in _CORA.items()},
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
    if entry.folders:
        return tuple(
            Artifact(
                file,
                tuple(f"{folder}/{PurePosixPath(file).name}" for folder in entry.folders),
                entry.checksums[file],
                nbytes,
            )
            for file, nbytes in entry.files.items()
        )
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
