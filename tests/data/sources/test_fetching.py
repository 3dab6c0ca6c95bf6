"""Sets fetched from a server on this machine: brought, checked, unpacked, loaded."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets

from papertrial.data.files import catalog
from papertrial.data.sources.named_sets import loading
from papertrial.errors import DataError
from papertrial.progress import finish


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder that is served, and its address."""
    monkeypatch.setenv("no_proxy", "*")
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def mnist(served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Serve a small MNIST from the second of its mirrors; the folder that is served."""
    folder, address = served
    sums = []
    for part, count in (("train", 20), ("t10k", 10)):
        pixels = np.arange(count * 784).reshape(count, 28, 28) % 256
        for what, values in (("images-idx3", pixels), ("labels-idx1", np.arange(count) % 10)):
            sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
            head = bytes([0, 0, 8, values.ndim]) + sizes
            packed = gzip.compress(head + values.astype(np.uint8).tobytes(), mtime=0)
            (folder / f"{part}-{what}-ubyte.gz").write_bytes(packed)
            sums.append((f"{part}-{what}-ubyte.gz", hashlib.md5(packed).hexdigest()))
    monkeypatch.setattr(datasets.MNIST, "resources", sums)
    monkeypatch.setattr(datasets.MNIST, "mirrors", [f"{address}gone/", address])
    return folder


def test_mnist_is_fetched_from_a_mirror_and_unpacked(
    mnist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = loading("mnist", tmp_path / "data")
    told: set[str] = set()
    while True:
        try:
            told.add(next(steps).what)
        except StopIteration as end:
            dataset = end.value
            break
    assert {part: len(split) for part, split in dataset.splits.items()} == {"train": 20, "test": 10}
    assert {"fetching train-images-idx3-ubyte.gz", "unpacking mnist", "reading mnist"} <= told
    assert capsys.readouterr().out == ""


def test_a_changed_file_is_told_with_the_files_needed(mnist: Path, tmp_path: Path) -> None:
    (mnist / "t10k-labels-idx1-ubyte.gz").write_bytes(b"other")
    with pytest.raises(DataError) as caught:
        finish(loading("mnist", tmp_path / "data"))
    message = str(caught.value)
    assert message.startswith("mnist: t10k-labels-idx1-ubyte.gz is not in ")
    assert "it has another file: 5 bytes with md5:" in message
    assert "/gone/t10k-labels-idx1-ubyte.gz: HTTP 404" in message
    assert "train-images-idx3-ubyte.gz, " in message


def test_nothing_is_fetched_where_that_is_not_wanted(mnist: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="`papertrial data fetch mnist`"):
        finish(loading("mnist", tmp_path / "data", download=False))
    assert not (tmp_path / "data" / "MNIST").exists()


def _reviews(path: Path, monkeypatch: pytest.MonkeyPatch, url: str, *more: str) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for part in ("train", "test"):
            for name in (f"aclImdb/{part}/{label}/0_1.txt" for label in ("pos", "neg")):
                info = tarfile.TarInfo(name)
                info.size = 4
                archive.addfile(info, io.BytesIO(b"fine"))
        for name in more:
            archive.addfile(tarfile.TarInfo(name))
    md5 = f"md5:{hashlib.md5(path.read_bytes()).hexdigest()}"
    entry = dataclasses.replace(catalog.CATALOG["imdb"], urls=(url + path.name,), checksum=md5)
    monkeypatch.setitem(catalog.CATALOG, "imdb", entry)  # type: ignore[arg-type]


def test_the_reviews_are_fetched_and_unpacked_before_they_are_read(
    served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = served
    _reviews(folder / "aclImdb_v1.tar.gz", monkeypatch, url)
    with pytest.raises(DataError, match="IMDB has 12,500 there"):  # these are but four
        finish(loading("imdb", tmp_path))
    assert (tmp_path / "aclImdb" / "test" / "pos" / "0_1.txt").read_text() == "fine"
    assert (tmp_path / "aclImdb_v1.tar.gz").is_file()


def test_an_archive_of_reviews_that_leaves_the_folder_is_refused(
    served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = served
    _reviews(folder / "aclImdb_v1.tar.gz", monkeypatch, url, "aclImdb/../../outside")
    with pytest.raises(DataError, match=r"its member 'aclImdb/\.\./\.\./outside' leaves"):
        finish(loading("imdb", tmp_path))
    assert not (tmp_path / "aclImdb").exists()
    assert not (tmp_path.parent / "outside").exists()


def test_cifar10_as_a_folder_is_taken_where_the_archive_is_absent(
    served: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.CIFAR10, "url", f"{served[1]}{datasets.CIFAR10.filename}")
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            (tmp_path / "cifar10" / part / name).mkdir(parents=True)
            Image.new("RGB", (32, 32)).save(tmp_path / "cifar10" / part / name / "0.png")
    with pytest.raises(DataError, match="is not CIFAR-10"):
        finish(loading("cifar10", tmp_path))
    (tmp_path / datasets.CIFAR10.filename).write_bytes(b"half an archive")
    with pytest.raises(DataError, match="wrong checksum: cifar-10-python"):
        finish(loading("cifar10", tmp_path))
