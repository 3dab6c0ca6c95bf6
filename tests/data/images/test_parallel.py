"""Tasks on image files: the same bytes as for prediction, damaged files, large sets."""

from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from papertrial.data.images.parallel import (
    OutputRow,
    decode_into,
    hashes,
    headers,
    on_all_cores,
    task_slices,
)
from papertrial.data.images.predict_inputs import read_image

RNG = np.random.default_rng(0)


def _save(path: Path, mode: str, size: tuple[int, int] = (6, 4), **options: Any) -> Path:
    rgb = RNG.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    if mode == "I;16":
        image = Image.fromarray(RNG.integers(0, 65536, size[::-1], dtype=np.uint16))
    else:
        image = Image.fromarray(rgb).convert(mode)
    image.save(path, **options)
    return path


def test_workers_need_no_torch() -> None:
    code = "import sys, papertrial.data.images.parallel; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        *[(mode, "png") for mode in ("1", "LA", "I;16", "P", "RGBA")],
        *[("L", "jpg"), ("P", "gif"), ("RGB", "webp"), ("RGBA", "webp"), ("CMYK", "jpg")],
    ],
)
@pytest.mark.parametrize("size", [(4, 6), (9, 5)])
def test_loading_and_predicting_give_the_same_bytes(
    tmp_path: Path, mode: str, suffix: str, size: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"exif": exif} if suffix != "gif" else {}
    path = _save(tmp_path / f"x.{suffix}", mode, **options)
    for wanted in ("L", "RGB"):
        out = tmp_path / "out"
        out.touch()
        done = decode_into(
            OutputRow(str(out), 0, 0),
            [path.name],
            ["cat"],
            folder=str(tmp_path),
            mode=wanted,  # type: ignore[arg-type]
            size=size,
            convert=True,
            resize=True,
        )
        shape = (len(wanted), *size)
        assert done.corrupt == {}
        assert out.read_bytes() == read_image(path, shape).pixels.numpy().tobytes()
        assert done.samples == [hashlib.sha256(b"cat" + out.read_bytes()).digest()]
        assert done.files == [hashlib.sha256(path.read_bytes()).digest()]


def test_damaged_and_absent_files_leave_their_rows(tmp_path: Path) -> None:
    names = ["a.png", "b.png", "c.png", "d.png"]
    _save(tmp_path / "a.png", "L")
    _save(tmp_path / "b.png", "L", (64, 64))
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:900])
    _save(tmp_path / "d.png", "L")
    out = tmp_path / "out"
    out.write_bytes(bytes(10))
    done = decode_into(
        OutputRow(str(out), 10, 1),
        names,
        ["x"] * 4,
        folder=str(tmp_path),
        mode="L",
        size=(4, 6),
        convert=False,
        resize=True,
    )
    assert list(done.corrupt) == [1]
    assert "cannot be read as an image" in done.corrupt[1]
    assert done.unreadable == {2: "No such file or directory"}
    assert [bool(sample) for sample in done.samples] == [True, False, False, True]
    written = np.frombuffer(out.read_bytes()[10:], np.uint8).reshape(5, 4, 6)
    for row, name in ((1, "a.png"), (4, "d.png")):
        assert np.array_equal(written[row], np.asarray(Image.open(tmp_path / name)))
    assert not written[[0, 2, 3]].any()


@pytest.mark.parametrize(("convert", "resize"), [(False, True), (True, False)])
def test_another_mode_or_size_differs_unless_it_is_converted(
    tmp_path: Path, convert: bool, resize: bool
) -> None:
    _save(tmp_path / "a.png", "RGB", (6, 4))
    (tmp_path / "out").touch()
    decode = partial(decode_into, OutputRow(str(tmp_path / "out"), 0, 0), ["a.png"], ["x"])
    wanted = partial(decode, folder=str(tmp_path), mode="L", size=(5, 5))
    assert wanted(convert=convert, resize=resize).differs
    assert not wanted(convert=True, resize=True).differs


def test_headers_and_hashes_pass_over_what_they_cannot_read(tmp_path: Path) -> None:
    _save(tmp_path / "a.png", "L")
    (tmp_path / "b.png").write_bytes(b"no")
    names = ["a.png", "b.png", "c.png"]
    assert headers(str(tmp_path), names) == [("L", (4, 6)), None, None]
    assert [len(digest) for digest in hashes(str(tmp_path), names)] == [32, 32, 0]


@pytest.mark.parametrize("count", [1, 15, 16, 17, 60_000])
@pytest.mark.parametrize("sample", [1, 3072, 10**9])
def test_tasks_cover_all_files_once(count: int, sample: int) -> None:
    tasks = task_slices(count, sample)
    rows = itertools.chain.from_iterable(range(count)[rows] for rows in tasks)
    assert list(rows) == list(range(count))
    assert max(rows.stop - rows.start for rows in tasks) <= (1 if sample == 10**9 else 256)


def test_a_large_set_is_done_by_other_processes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    task = partial(hashes, str(tmp_path), ["a"])
    expected = [[hashlib.sha256(b"a").digest()]] * 3
    assert list(on_all_cores([task] * 3, files=3, size=3)) == expected
    assert list(on_all_cores([task] * 3, files=500, size=3)) == expected
