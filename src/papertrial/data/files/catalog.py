"""What sets can be named: addresses, checksums, sizes, licences, and where their files lie.

Nothing slow is imported, so that a list of the sets is there at once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import platformdirs

from papertrial.errors import DataError, did_you_mean

State = Literal["on disk", "absent", "comes with papertrial"]


@dataclass(frozen=True)
class Artifact:
    """A file to fetch.

    Args:
        file: its place in the data folder.
        urls: where it can be had, tried in order.
        checksum: "md5:..." or "sha256:..."; None where none is published.
        nbytes: how large it is; None where that is not known.
    """

    file: str
    urls: tuple[str, ...]
    checksum: str | None
    nbytes: int | None

    @property
    def name(self) -> str:
        """The file's name alone."""
        return PurePosixPath(self.file).name


@dataclass(frozen=True)
class Entry:
    """A set, or word vectors, that can be named.

    `rows` is the samples by split, `files` what is fetched with its bytes, `unpacked` the ways in
    which the set may lie unpacked (each: paths that are there together). `torchvision` is the
    class that has the addresses and checksums; without one they are `urls` and `checksum`.
    """

    name: str
    title: str
    kind: Literal["image", "table", "text", "vectors"]
    task: str
    licence: str
    homepage: str
    rows: Mapping[str, int]
    classes: int = 0
    files: Mapping[str, int | None] = field(default_factory=dict)
    unpacked: tuple[tuple[str, ...], ...] = ()
    torchvision: str = ""
    urls: tuple[str, ...] = ()
    checksum: str | None = None

    @property
    def nbytes(self) -> int | None:
        """Bytes to fetch; None where a file's are not known."""
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


def _idx(folder: str, sizes: tuple[int | None, ...]) -> dict[str, Any]:
    raw = [f"{folder}/raw/{name}" for name in _IDX]
    packed = [f"{name}.gz" for name in raw]
    return {
        "files": dict(zip(packed, sizes, strict=True)),
        "unpacked": (tuple(raw),),
        "torchvision": folder,
        "rows": {"train": 60_000, "test": 10_000},
        "classes": 10,
        "kind": "image",
        "task": "image-classification",
    }


def _cifar(classes: int, nbytes: int, *unpacked: tuple[str, ...]) -> dict[str, Any]:
    return {
        "files": {f"cifar-{classes}-python.tar.gz": nbytes},
        "unpacked": unpacked,
        "torchvision": f"CIFAR{classes}",
        "rows": {"train": 50_000, "test": 10_000},
        "classes": classes,
        "kind": "image",
        "task": "image-classification",
        "licence": "none stated; cite Krizhevsky 2009",
        "homepage": "https://www.cs.toronto.edu/~kriz/cifar.html",
    }


_ENTRIES = (
    Entry(
        name="digits",
        title="handwritten digits, 8x8, from scikit-learn",
        kind="image",
        task="image-classification",
        licence="CC BY 4.0",
        homepage="https://archive.ics.uci.edu/dataset/80",
        rows={"train": 1797},
        classes=10,
    ),
    Entry(
        name="diabetes",
        title="diabetes progression of 442 patients (Efron et al. 2004), from scikit-learn",
        kind="table",
        task="regression",
        licence="none stated; cite Efron et al. 2004",
        homepage="https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html",
        rows={"train": 442},
    ),
    Entry(
        name="fashion-mnist",
        title="Fashion-MNIST: clothes, 28x28 grey (Xiao et al. 2017)",
        licence="MIT",
        homepage="https://github.com/zalandoresearch/fashion-mnist",
        **_idx("FashionMNIST", (26_421_880, 29_515, 4_422_102, 5_148)),
    ),
    Entry(
        name="mnist",
        title="MNIST: handwritten digits, 28x28 grey (LeCun et al. 1998)",
        licence="CC BY-SA 3.0",
        homepage="http://yann.lecun.com/exdb/mnist/",
        **_idx("MNIST", (9_912_422, 28_881, 1_648_877, 4_542)),
    ),
    Entry(
        name="kmnist",
        title="Kuzushiji-MNIST: cursive Japanese, 28x28 grey (Clanuwat et al. 2018)",
        licence="CC BY-SA 4.0",
        homepage="https://github.com/rois-codh/kmnist",
        **_idx("KMNIST", (18_165_135, 29_497, 3_041_136, 5_120)),
    ),
    Entry(
        name="cifar10",
        title="CIFAR-10: things and animals, 32x32 RGB (Krizhevsky 2009)",
        **_cifar(
            10,
            170_498_071,
            tuple(f"cifar-10-batches-py/{name}" for name in _BATCHES),
            ("cifar10/train", "cifar10/test"),
        ),
    ),
    Entry(
        name="cifar100",
        title="CIFAR-100: 100 kinds of things and animals, 32x32 RGB (Krizhevsky 2009)",
        **_cifar(
            100,
            169_001_437,
            ("cifar-100-python/meta", "cifar-100-python/train", "cifar-100-python/test"),
        ),
    ),
    Entry(
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
    Entry(
        name="glove.6B",
        title="GloVe word vectors of Wikipedia and Gigaword: 50, 100, 200 and 300 numbers a word",
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
        # Not published beside the archive; several public projects each give this one on
        # their own.
        checksum="sha256:617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb",
    ),
)
CATALOG: Mapping[str, Entry] = {entry.name: entry for entry in _ENTRIES}


def entry_of(name: str) -> Entry:
    """Return what is known of the set `name`.

    Raises:
        DataError: there is no such set.
    """
    if name not in CATALOG:
        raise DataError(f"there is no set {name!r}{did_you_mean(name, CATALOG)}")
    return CATALOG[name]


def artifacts(entry: Entry) -> tuple[Artifact, ...]:
    """Return the files to fetch; for torchvision's sets as its own class has them."""
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


def state(entry: Entry, folder: Path) -> State:
    """Say whether the set's files lie in the data folder, by their names alone."""
    if not entry.files:
        return "comes with papertrial"
    ways = (tuple(entry.files), *entry.unpacked)
    there = any(all((folder / path).exists() for path in way) for way in ways)
    return "on disk" if there else "absent"


def data_folder(given: str | Path | None = None) -> Path:
    """Return the data folder: the one given, else $PAPERTRIAL_DATA, else the platform's cache."""
    chosen = given or os.environ.get("PAPERTRIAL_DATA")
    if not chosen:
        return platformdirs.user_cache_path("papertrial") / "data"
    try:
        return Path(chosen).expanduser()
    except RuntimeError as error:
        raise DataError(f"there is no data folder {chosen}: {error}") from error
