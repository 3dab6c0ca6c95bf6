"""Image files: which are images, how a mode is stored, headers, damaged EXIF, wrong endings."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from papertrial.data.images.decode import (
    ImageError,
    header,
    open_image,
    stored_mode,
)
from papertrial.data.images.formats import suffixes

RNG = np.random.default_rng(0)


def _save(path: Path, mode: str, size: tuple[int, int] = (6, 4), **options: Any) -> Path:
    rgb = RNG.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(rgb).convert(mode).save(path, **options)
    return path


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
    with open_image(path, ".jpg") as image:
        assert image.format == "PNG"
    with open_image(io.BytesIO(path.read_bytes()), ".jpg") as image:
        assert image.format == "PNG"


def test_a_program_in_an_image_folder_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")
    with pytest.raises(ImageError, match="not an image"), open_image(path, ".png"):
        pass
