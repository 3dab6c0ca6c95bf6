"""The cache of decoded images: found again by content, whole or not at all, made by one process."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image

from papertrial.data.column import Dataset
from papertrial.data.images.decode import sample_digest
from papertrial.data.images.decode_set import combine_digests
from papertrial.data.sources import image_folder
from papertrial.data.sources.spec import ImageOptions, LoadedSet, SourceSpec
from papertrial.errors import DataError
from papertrial.progress import Steps, finish

RNG = np.random.default_rng(0)
Pixels = np.ndarray


def _image(path: Path, size: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, compress_level=0)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six images of two classes, in files of one size, older than a tick of the clock."""
    for name in ("a/0.png", "a/1.png", "a/2.png", "b/0.png", "b/1.png", "b/2.png"):
        _image(tmp_path / "photos" / name)
    time.sleep(0.15)
    return tmp_path / "photos"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Where decoded sets go."""
    return tmp_path / "cache"


def _loading(path: Path, cache: Path, **settings: Any) -> Steps[LoadedSet]:
    spec = SourceSpec("image-folder", path, images=ImageOptions(**settings))
    return image_folder.load(spec, cache.parent)


def _load(path: Path, cache: Path, **settings: Any) -> tuple[Dataset, set[str]]:
    """Load a set; return it with the first word of each thing told: "decoding", "reading"."""
    steps, told = _loading(path, cache, **settings), set()
    while True:
        try:
            told.add(next(steps).what.split()[0])
        except StopIteration as end:
            return end.value.dataset, told


def _same(dataset: Dataset, path: Path) -> bool:
    """Whether the set holds what its files hold."""
    assert dataset.train.names is not None
    pixels = [np.asarray(Image.open(path / n)).transpose(2, 0, 1) for n in dataset.train.names]
    return np.array_equal(dataset.train.x.take(slice(None)).numpy(), np.stack(pixels))


def _entries(cache: Path) -> list[Path]:
    return sorted(path for path in (cache / "images").iterdir() if path.is_dir())


def test_a_second_start_reads_no_image(photos: Path, cache: Path) -> None:
    first, told = _load(photos, cache)
    assert told == {"decoding"}
    second, told = _load(photos, cache)
    assert told == set()
    assert _same(second, photos)
    assert second.train.fingerprint == first.train.fingerprint
    assert (second.train.names, second.classes) == (first.train.names, first.classes)
    assert torch.equal(second.train.y, first.train.y)


def test_what_is_known_lies_beside(photos: Path, cache: Path) -> None:
    dataset, _ = _load(photos, cache)
    (entry,) = _entries(cache)
    meta = json.loads((entry / "meta.json").read_text())
    labels, images = dataset.train.y.tolist(), dataset.train.x.take(slice(None)).numpy()
    print_ = combine_digests(
        sample_digest(dataset.classes[label], image)
        for label, image in zip(labels, images, strict=True)
    )
    assert dataset.train.names is not None
    part = {"names": list(dataset.train.names), "counts": [3, 3], "fingerprint": print_}
    assert meta == {
        "format": 1,
        "classes": ["a", "b"],
        "shape": [3, 8, 8],
        "parts": {"train": part},
        "skipped": {},
        "notes": [],
    }


@pytest.mark.parametrize("how", ["copied", "touched", "moved"])
def test_the_same_content_is_not_decoded_again(photos: Path, cache: Path, how: str) -> None:
    _load(photos, cache)
    path = photos
    if how == "touched":
        for file in photos.rglob("*.png"):
            os.utime(file, ns=(1, 1))
    else:
        path = photos.with_name("other")
        (shutil.move if how == "moved" else shutil.copytree)(photos, path)
    time.sleep(0.15)
    dataset, told = _load(path, cache)
    assert told == {"reading"}
    assert dataset.name == path.name
    assert _same(dataset, path)
    assert len(_entries(cache)) == 1
    assert _load(path, cache)[1] == set()


def _changed(photos: Path) -> None:
    _image(photos / "a" / "1.png")


def _swapped(photos: Path) -> None:
    first, second = photos / "a/1.png", photos / "b/1.png"
    first.rename(photos / "x")
    second.rename(first)
    (photos / "x").rename(second)


def _renamed(photos: Path) -> None:
    (photos / "a" / "1.png").rename(photos / "b" / "9.png")


def _removed(photos: Path) -> None:
    (photos / "a" / "1.png").unlink()


def _added(photos: Path) -> None:
    shutil.copy(photos / "a" / "1.png", photos / "a" / "9.png")


@pytest.mark.parametrize("change", [_changed, _swapped, _renamed, _removed, _added])
def test_other_content_is_decoded(
    photos: Path, cache: Path, change: Callable[[Path], None]
) -> None:
    before, _ = _load(photos, cache)
    change(photos)
    after, told = _load(photos, cache)
    assert "decoding" in told
    assert _same(after, photos)
    assert after.train.fingerprint != before.train.fingerprint
    assert len(_entries(cache)) == 2


def test_a_change_within_one_tick_of_the_clock_is_seen(tmp_path: Path, cache: Path) -> None:
    photos = tmp_path / "photos"
    for _ in range(5):
        for name in ("a/0.png", "b/0.png"):
            _image(photos / name)
        assert _same(_load(photos, cache)[0], photos)


def test_other_settings_are_another_entry(photos: Path, cache: Path) -> None:
    for settings in ({}, {"size": (4, 4)}, {"mode": "L"}, {"corrupt": "skip"}):
        assert _load(photos, cache, **settings)[1] == {"decoding"}
    assert len(_entries(cache)) == 4
    assert _load(photos, cache, mode="L")[1] == set()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("file", ["train-x.npy", "train-y.npy", "meta.json"])
@pytest.mark.parametrize("damage", [_cut, Path.unlink, lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("pointed", [True, False])
def test_a_damaged_entry_is_made_again(
    photos: Path, cache: Path, file: str, damage: Callable[[Path], None], pointed: bool
) -> None:
    _load(photos, cache)
    (entry,) = _entries(cache)
    damage(entry / file)
    if not pointed:
        for pointer in (cache / "images").glob("*.json"):
            pointer.write_text("{")
    dataset, told = _load(photos, cache)
    assert "decoding" in told
    assert _same(dataset, photos)
    assert _entries(cache) == [entry]
    assert _load(photos, cache)[1] == set()


@pytest.mark.parametrize("file", ["train-x.npy", "train-y.npy"])
def test_an_array_written_to_later_is_made_again(photos: Path, cache: Path, file: str) -> None:
    _load(photos, cache)
    (entry,) = _entries(cache)
    time.sleep(0.05)
    array = np.load(entry / file, mmap_mode="r+")
    array[[0, -1]] = array[[-1, 0]]  # of the right size still, and as many of each class
    array.flush()
    dataset, told = _load(photos, cache)
    assert told >= {"decoding"}
    assert _same(dataset, photos)
    assert dataset.train.y.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        '{"format": 1}',
        '{"format": 2}',
        "[]",
        "\xff",
        '{"format": 1, "listing": "", "entry": "x"}',
    ],
)
def test_a_damaged_meta_or_pointer_is_not_trusted(photos: Path, cache: Path, content: str) -> None:
    _load(photos, cache)
    for file in (cache / "images").rglob("*.json"):
        file.write_text(content, encoding="latin-1")
    dataset, told = _load(photos, cache)
    assert "decoding" in told
    assert _same(dataset, photos)


@pytest.mark.skipif(sys.platform != "linux", reason="needs file names that are not UTF-8")
def test_names_that_are_not_utf_8_are_cached_with_escapes(photos: Path, cache: Path) -> None:
    (photos / "a" / "0.png").rename(photos / "a" / os.fsdecode(b"caf\xe9.png"))
    (photos / "b").rename(photos / os.fsdecode(b"\xe9"))
    time.sleep(0.15)
    first, _ = _load(photos, cache)
    assert first.train.names is not None
    assert first.train.names[2] == "a/caf\\udce9.png"
    assert first.classes == ("a", "\\udce9")
    second, told = _load(photos, cache)
    assert told == set()
    assert (second.train.names, second.classes) == (first.train.names, first.classes)


def test_an_interrupted_start_leaves_nothing(photos: Path, cache: Path) -> None:
    steps = _loading(photos, cache)
    next(steps)
    assert list((cache / "images").glob("*.building"))
    steps.close()
    assert _entries(cache) == []
    assert _load(photos, cache)[1] == {"decoding"}


def test_what_a_killed_process_left_is_removed(photos: Path, cache: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from papertrial.data.sources import image_folder\n"
        "from papertrial.data.sources.spec import SourceSpec\n"
        "steps = image_folder.load(SourceSpec('', Path(sys.argv[1])), Path(sys.argv[2]).parent)\n"
        "next(steps); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, photos, cache], check=False)
    assert done.returncode == -9
    (left,) = _entries(cache)
    assert left.suffix == ".building"
    other = cache / "images" / "other.building"  # of files that are no longer as they were
    alive = cache / "images" / "alive.building"
    other.mkdir()
    alive.mkdir()
    with FileLock(alive.with_suffix(".lock")):
        dataset, told = _load(photos, cache)
    assert told == {"decoding"}
    assert _same(dataset, photos)
    assert [path.suffix for path in _entries(cache)] == ["", ".building"]
    assert _entries(cache)[1] == alive


def test_two_processes_at_once_decode_once(photos: Path, cache: Path) -> None:
    first = _loading(photos, cache)
    next(first)  # decodes, and holds the lock
    second = _loading(photos, cache)
    assert next(second).what == "waiting: another process is decoding photos"
    assert [step.what for step in first] == []
    assert _same(finish(second).dataset, photos)
    assert len(_entries(cache)) == 1


def test_a_cache_that_cannot_be_written_is_told(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "cache").touch()
    with pytest.raises(DataError, match="cannot write the decoded images to "):
        _load(photos, tmp_path / "file" / "cache")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_full_disk_is_told(photos: Path, cache: Path) -> None:
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from papertrial.data.sources import image_folder\n"
        "from papertrial.data.sources.spec import SourceSpec\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        "list(image_folder.load(SourceSpec('', Path(sys.argv[1])), Path(sys.argv[2]).parent))"
    )
    command = [sys.executable, "-c", code, str(photos), str(cache)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert f"DataError: cannot write the decoded images to {cache / 'images'}: " in done.stderr
    assert os.strerror(errno.EFBIG) in done.stderr
    assert "make room there, or choose another data folder" in done.stderr
    assert _entries(cache) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 500
    assert _load(photos, cache)[1] == {"decoding"}
