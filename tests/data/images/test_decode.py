"""Decoding: one conversion for loading and predicting, small and large sets, damaged files."""

from __future__ import annotations

import hashlib
import io
import itertools
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from papertrial.data.images.decode import (
    ImageError,
    Place,
    cuts,
    decode_into,
    hashes,
    header,
    headers,
    on_all_cores,
    opened,
    order_free_fingerprint,
    stored_mode,
    suffixes,
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
    code = "import sys, papertrial.data.images.decode; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_pillow_only_names_is_no_image() -> None:
    known = suffixes()
    assert {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif"} <= known.keys()
    assert not {".pdf", ".h5", ".grib", ".mpg", ".eps"} & known.keys()


@pytest.mark.parametrize(
    ("mode", "stored"),
    [
        *[(mode, "L") for mode in ("1", "L", "LA", "I;16", "I;16B", "I", "F")],
        *[(mode, "RGB") for mode in ("P", "RGB", "RGBA", "CMYK", "YCbCr")],
    ],
)
def test_a_mode_is_stored_as_grey_or_colour(mode: str, stored: str) -> None:
    assert stored_mode(mode) == stored


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
            Place(str(out), 0, 0),
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


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_a_header_tells_the_upright_size(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = _save(tmp_path / f"x.{suffix}", "RGB", (6, 4), exif=exif)
    assert header(path) == ("RGB", (4, 6) if orientation < 5 else (6, 4))


def test_good_pixels_beside_damaged_exif_are_read(tmp_path: Path) -> None:
    path = _save(tmp_path / "x.jpg", "RGB", exif=b"Exif\0\0" + b"\xff" * 20)
    assert header(path) == ("RGB", (4, 6))


def test_a_wrong_suffix_is_no_mistake(tmp_path: Path) -> None:
    path = _save(tmp_path / "x.jpg", "L", format="PNG")
    with opened(path, ".jpg") as image:
        assert image.format == "PNG"
    with opened(io.BytesIO(path.read_bytes()), ".jpg") as image:
        assert image.format == "PNG"


def test_a_program_in_an_image_folder_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")
    with pytest.raises(ImageError, match="not an image"), opened(path, ".png"):
        pass


def test_damaged_and_absent_files_leave_their_rows(tmp_path: Path) -> None:
    names = ["a.png", "b.png", "c.png", "d.png"]
    _save(tmp_path / "a.png", "L")
    _save(tmp_path / "b.png", "L", (64, 64))
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:900])
    _save(tmp_path / "d.png", "L")
    out = tmp_path / "out"
    out.write_bytes(bytes(10))
    done = decode_into(
        Place(str(out), 10, 1),
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
    decode = partial(decode_into, Place(str(tmp_path / "out"), 0, 0), ["a.png"], ["x"])
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
    tasks = cuts(count, sample)
    rows = itertools.chain.from_iterable(range(count)[rows] for rows in tasks)
    assert list(rows) == list(range(count))
    assert max(rows.stop - rows.start for rows in tasks) <= (1 if sample == 10**9 else 256)


def test_a_large_set_is_done_by_other_processes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    task = partial(hashes, str(tmp_path), ["a"])
    expected = [[hashlib.sha256(b"a").digest()]] * 3
    assert list(on_all_cores([task] * 3, files=3, size=3)) == expected
    assert list(on_all_cores([task] * 3, files=500, size=3)) == expected


def test_the_fingerprint_is_of_the_samples_not_of_their_order() -> None:
    x = RNG.integers(0, 256, (5, 3, 2, 2), dtype=np.uint8)
    y, classes = [0, 1, 1, 0, 1], ("cat", "dog")
    digests = sorted(
        hashlib.sha256(classes[label].encode() + image.tobytes()).digest()
        for image, label in zip(x, y, strict=True)
    )
    expected = hashlib.sha256(b"".join(digests)).hexdigest()
    assert order_free_fingerprint([x], y, classes) == expected
    back = order_free_fingerprint([x[:1:-1], x[1::-1]], y[::-1], classes)
    assert back == expected
    swapped = order_free_fingerprint([x], [1, 0, 1, 0, 1], classes)
    x[4, 2, 1, 1] ^= 1
    assert len({expected, swapped, order_free_fingerprint([x], y, classes)}) == 3
    with pytest.raises(ValueError, match="zip"):
        order_free_fingerprint([x], y[1:], classes)
