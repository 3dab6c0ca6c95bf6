"""Images for prediction: files of every mode and size, folders, arrays, and what is refused."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional as TF

from papertrial.data.images.predict_inputs import find_images, from_array, from_pil, read_image
from papertrial.errors import PredictionInputError

GREY, RGB = (1, 8, 8), (3, 8, 8)
RNG = np.random.default_rng(0)
L = RNG.integers(0, 256, (8, 8), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (8, 8), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (8, 8), dtype=np.uint16)


def _saved(folder: Path, image: Image.Image, name: str = "x.png", **options: Any) -> Path:
    image.save(folder / name, **options)
    return folder / name


def _luma(rgb: np.ndarray) -> np.ndarray:
    return rgb @ np.array([0.299, 0.587, 0.114])  # ITU-R 601


@pytest.mark.parametrize(("pixels", "shape"), [(L, GREY), (COLOUR, RGB)])
@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp"])
def test_an_image_of_the_models_own_size_and_mode_is_taken_as_it_is(
    tmp_path: Path, suffix: str, pixels: np.ndarray, shape: tuple[int, int, int]
) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    path = _saved(tmp_path, Image.fromarray(pixels), f"x.{suffix}", **options)
    if suffix == "webp" and shape == GREY:
        shape, pixels = RGB, np.stack([L] * 3, 2)  # WebP has no grey
    got = read_image(path, shape)
    assert (got.name, got.converted) == (str(path), "")
    assert got.pixels.dtype == torch.uint8
    assert got.pixels.is_contiguous()
    assert np.array_equal(got.pixels.permute(1, 2, 0).numpy(), pixels.reshape(8, 8, -1))


@pytest.mark.parametrize("shape", [GREY, RGB])
def test_a_jpeg_is_decoded_as_pillow_does(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    image = Image.fromarray(COLOUR if shape == RGB else L)
    got = read_image(_saved(tmp_path, image, "x.JPG"), shape)
    with Image.open(tmp_path / "x.JPG") as stored:
        decoded = np.array(stored).reshape(8, 8, -1)
    assert np.array_equal(got.pixels.permute(1, 2, 0).numpy(), decoded)
    assert got.converted == ""


def _palette(transparent: bool) -> tuple[Image.Image, np.ndarray, dict[str, Any]]:
    """An image of four colours, what they are, and the option that makes colour 2 transparent."""
    colours = RNG.integers(0, 256, (4, 3), dtype=np.uint8)
    places = RNG.integers(0, 4, (8, 8), dtype=np.uint8)
    image = Image.fromarray(places).convert("L")
    image = Image.frombytes("P", (8, 8), image.tobytes())
    image.putpalette(colours.tobytes())
    rgb = colours.astype(float)
    rgb[2] = 0 if transparent else rgb[2]
    return image, rgb[places], {"transparency": 2} if transparent else {}


def _modes() -> list[Any]:
    """Rows of (mode, image, its colours as floats [8, 8, 3], options to save it with, suffix)."""
    grey = np.repeat(L[:, :, None], 3, 2).astype(float)
    share = ALPHA[:, :, None] / 255
    ink = COLOUR.astype(float)
    cmyk = np.dstack([COLOUR, ALPHA])
    large = np.arange(64, dtype=np.int32).reshape(8, 8) * 1040
    rows = [
        ("grayscale", Image.fromarray(L), grey, {}, "png"),
        ("RGB", Image.fromarray(COLOUR), COLOUR.astype(float), {}, "png"),
        ("1", Image.fromarray(L > 127), np.where(grey > 127, 255.0, 0), {}, "png"),
        ("RGBA", Image.fromarray(np.dstack([COLOUR, ALPHA])), COLOUR * share, {}, "png"),
        ("LA", Image.fromarray(np.dstack([L, ALPHA]), "LA"), grey * share, {}, "png"),
        ("P", *_palette(False), "png"),
        ("P", *_palette(True), "png"),
        ("P", *_palette(False), "gif"),
        ("I;16", Image.fromarray(DEEP), np.repeat(DEEP[:, :, None] / 257, 3, 2), {}, "png"),
        ("I;16", Image.fromarray(DEEP), np.repeat(DEEP[:, :, None] / 257, 3, 2), {}, "tif"),
        ("I", Image.fromarray(large), np.repeat(large[:, :, None] / 257, 3, 2), {}, "tif"),
        ("CMYK", Image.fromarray(cmyk, "CMYK"), (255 - ink) * (1 - share), {}, "tif"),
    ]
    names = [f"{mode} {suffix} {'cut out' * bool(options)}" for mode, *_, options, suffix in rows]
    return [pytest.param(*row, id=name) for row, name in zip(rows, names, strict=True)]


@pytest.mark.filterwarnings("ignore:'mode' parameter:DeprecationWarning")
@pytest.mark.parametrize("shape", [GREY, RGB], ids=["grey", "rgb"])
@pytest.mark.parametrize(("mode", "image", "colours", "options", "suffix"), _modes())
def test_every_mode_is_converted_and_told(
    tmp_path: Path,
    mode: str,
    image: Image.Image,
    colours: np.ndarray,
    options: dict[str, Any],
    suffix: str,
    shape: tuple[int, int, int],
) -> None:
    got = read_image(_saved(tmp_path, image, f"x.{suffix}", **options), shape)
    wanted = {GREY: "grayscale", RGB: "RGB"}[shape]
    assert got.converted == ("" if mode == wanted else f"from 8x8 {mode} to 8x8 {wanted}")
    expected = _luma(colours)[:, :, None] if shape == GREY else colours
    assert np.abs(got.pixels.permute(1, 2, 0).numpy() - expected).max() <= 1.5


@pytest.mark.parametrize("scale", [1, 1 / 255, np.nan])
def test_floating_point_pixels_are_refused(tmp_path: Path, scale: float) -> None:
    image = Image.fromarray((L * scale).astype(np.float32))
    rule = "set data.image.range" if np.isfinite(scale) else "that are not finite numbers"
    with pytest.raises(PredictionInputError, match=re.escape(rule)):
        read_image(_saved(tmp_path, image, "x.tif"), GREY)
    with pytest.raises(PredictionInputError, match=re.escape(rule)):
        from_pil(image, RGB, "x.tif")


def test_16_bits_have_one_scale_whatever_an_image_holds(tmp_path: Path) -> None:
    for high in (1, 255, 256, 65535):
        values = np.linspace(0, high, 64).astype(np.int32).reshape(8, 8)
        for one in (values, values.astype(np.uint16)):
            got = read_image(_saved(tmp_path, Image.fromarray(one), "x.tif"), GREY)
            assert np.array_equal(got.pixels[0].numpy(), values >> 8)


@pytest.mark.parametrize("value", [-1, 65536, 2**31 - 1])
def test_32_bits_outside_of_16_are_refused(tmp_path: Path, value: int) -> None:
    values = np.zeros((8, 8), np.int32)
    values[3, 3] = value
    rule = f"x.tif has 32-bit pixels of {min(value, 0):,} to {max(value, 0):,}; "
    with pytest.raises(PredictionInputError, match=re.escape(rule)):
        read_image(_saved(tmp_path, Image.fromarray(values), "x.tif"), GREY)


def test_four_channels_keep_transparency(tmp_path: Path) -> None:
    rgba = np.dstack([COLOUR, ALPHA])
    got = read_image(_saved(tmp_path, Image.fromarray(rgba)), (4, 8, 8))
    assert got.converted == ""
    assert np.array_equal(got.pixels.permute(1, 2, 0).numpy(), rgba)
    got = read_image(_saved(tmp_path, Image.fromarray(COLOUR)), (4, 8, 8))
    assert got.converted == "from 8x8 RGB to 8x8 RGBA"
    opaque = np.dstack([COLOUR, np.full_like(ALPHA, 255)])
    assert np.array_equal(got.pixels.permute(1, 2, 0).numpy(), opaque)


@pytest.mark.parametrize("channels", [2, 5])
def test_channels_that_no_image_has_are_told(tmp_path: Path, channels: int) -> None:
    path = _saved(tmp_path, Image.fromarray(COLOUR))
    said = f"{path}: the model takes {channels} channels, but images have 1, 3 or 4; give an array "
    with pytest.raises(PredictionInputError, match=f"^{re.escape(said)}\\[N, {channels}, 8, 8]$"):
        read_image(path, (channels, 8, 8))


def test_hidden_files_in_a_folder_are_left_out(tmp_path: Path) -> None:
    for name in ("0.png", "._0.png"):
        (tmp_path / name).touch()
    assert find_images([tmp_path]) == [tmp_path / "0.png"]
    assert find_images([tmp_path / "._0.png"]) == [tmp_path / "._0.png"]


@pytest.mark.parametrize(("width", "height"), [(16, 16), (20, 12), (5, 3), (8, 9), (1, 1)])
def test_another_size_is_resized_with_antialiasing_and_told(
    tmp_path: Path, width: int, height: int
) -> None:
    pixels = RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)
    got = read_image(_saved(tmp_path, Image.fromarray(pixels)), RGB)
    assert got.converted == f"from {width}x{height} RGB to 8x8 RGB"
    floats = torch.from_numpy(pixels).permute(2, 0, 1).float()
    expected = TF.resize(floats, [8, 8], antialias=True)
    assert (got.pixels - expected).abs().max() <= 1.01
    grey = read_image(tmp_path / "x.png", GREY)
    assert grey.converted == f"from {width}x{height} RGB to 8x8 grayscale"


def test_the_models_size_need_not_be_square(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (6, 10), dtype=np.uint8)
    got = read_image(_saved(tmp_path, Image.fromarray(pixels)), (1, 6, 10))
    assert got.converted == ""
    assert np.array_equal(got.pixels[0].numpy(), pixels)


UPRIGHT = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.T,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].T,
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("size", [(8, 8), (6, 8)])
def test_a_photograph_is_turned_upright_and_told(
    tmp_path: Path, size: tuple[int, int], orientation: int
) -> None:
    pixels = RNG.integers(0, 256, size, dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = _saved(tmp_path, Image.fromarray(pixels), exif=exif)
    upright = UPRIGHT[orientation](pixels)
    got = read_image(path, (1, *upright.shape))
    assert np.array_equal(got.pixels[0].numpy(), upright)
    assert got.converted != ""
    across = read_image(path, (1, *size))  # of the stored size, but not once it is upright
    assert across.converted != ""


def test_an_upright_photograph_is_not_converted(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 1
    got = read_image(_saved(tmp_path, Image.fromarray(L), exif=exif), GREY)
    assert got.converted == ""
    assert np.array_equal(got.pixels[0].numpy(), L)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp", "ppm"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_image_is_refused(tmp_path: Path, share: float, suffix: str) -> None:
    pixels = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = _saved(tmp_path, Image.fromarray(pixels), f"x.{suffix}")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(PredictionInputError, match=f"^{re.escape(str(path))} "):
        read_image(path, RGB)


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"not an image\n", b"%PDF-1.4"])
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(content)
    why = "not an image in a known format" if content else "an empty file"
    message = f"{path} is {why}"
    with pytest.raises(PredictionInputError, match=f"^{re.escape(message)}$"):
        read_image(path, RGB)


def test_a_damaged_header_is_refused(tmp_path: Path) -> None:
    path = _saved(tmp_path, Image.fromarray(COLOUR), "x.dds")
    content = bytearray(path.read_bytes())
    content[80:84] = bytes(4)  # no known pixel format: Pillow raises NotImplementedError
    path.write_bytes(content)
    with pytest.raises(PredictionInputError, match=f"^{re.escape(str(path))} "):
        read_image(path, RGB)


@pytest.mark.parametrize("limit", [40, 20])  # Pillow warns above its limit, and raises above twice
def test_an_image_too_large_to_be_safe_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    path = _saved(tmp_path, Image.fromarray(L))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(PredictionInputError, match=f"^{re.escape(str(path))} is too large"):
        read_image(path, GREY)


@pytest.mark.parametrize("name", ["absent.png", "."])
def test_an_absent_file_or_a_folder_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(PredictionInputError, match="cannot be read as an image: "):
        read_image(tmp_path / name, GREY)


def test_an_image_given_as_such_is_converted_and_left_as_it_is() -> None:
    image = Image.fromarray(COLOUR)
    got = from_pil(image, GREY, "7")
    assert (got.name, got.converted) == ("7", "from 8x8 RGB to 8x8 grayscale")
    got.pixels.zero_()
    assert np.array_equal(np.asarray(image), COLOUR)
    same = from_pil(image, RGB, "8")
    same.pixels.zero_()
    assert np.array_equal(np.asarray(image), COLOUR)


def test_an_image_given_as_such_that_cannot_be_converted_is_refused() -> None:
    with pytest.raises(PredictionInputError, match="LAB"):
        from_pil(Image.new("LAB", (8, 8)), GREY, "0")
    stored = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (64, 64), dtype=np.uint8)).save(stored, "PNG")
    cut = Image.open(io.BytesIO(stored.getvalue()[:2000]))  # read when it is first used
    with pytest.raises(PredictionInputError, match="truncated"):
        from_pil(cut, GREY, "0")


def test_the_images_of_a_folder_are_found_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    (folder / "inner.png").mkdir(parents=True)
    for name in ("b.png", "a.JPG", "c.jpeg", "notes.txt", "data.csv", "inner.png/d.png", "10.gif"):
        (folder / name).touch()
    alone = tmp_path / "photograph"
    alone.touch()
    found = find_images([alone, folder, folder / "b.png"])
    names = ["photograph", "10.gif", "a.JPG", "b.png", "c.jpeg", "d.png", "b.png"]
    assert [path.name for path in found] == names


def test_a_format_that_pillow_only_writes_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "paper.pdf").touch()
    assert find_images([tmp_path]) == [tmp_path / "a.png"]


def test_an_absent_path_or_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    absent = re.escape(f"there is no file or folder {tmp_path / 'no'}")
    with pytest.raises(PredictionInputError, match=f"^{absent}$"):
        find_images([tmp_path / "no"])
    empty = re.escape(f"the folder {tmp_path} has no image files")
    with pytest.raises(PredictionInputError, match=f"^{empty}$"):
        find_images([tmp_path])
    (tmp_path / "notes.txt").touch()
    with pytest.raises(PredictionInputError, match=f"^{empty}$"):
        find_images([tmp_path])


MANY = RNG.integers(0, 256, (5, 3, 8, 8), dtype=np.uint8)


@pytest.mark.parametrize(
    ("values", "shape", "expected"),
    [
        (MANY, RGB, MANY),
        (MANY[0], RGB, MANY[:1]),
        (MANY[:1], RGB, MANY[:1]),
        (MANY[:, :1], GREY, MANY[:, :1]),
        (MANY[:, 0], GREY, MANY[:, :1]),
        (MANY[:1, 0], GREY, MANY[:1, :1]),
        (MANY[0, 0], GREY, MANY[:1, :1]),
        (MANY[:0], RGB, MANY[:0]),
        (torch.from_numpy(MANY), RGB, MANY),
        (MANY[::-1, :, :, ::-1], RGB, MANY[::-1, :, :, ::-1]),
        (np.asarray(Image.fromarray(L)), GREY, L[None, None]),  # which numpy may not write to
    ],
)
def test_arrays_of_bytes_are_images(
    values: Any, shape: tuple[int, int, int], expected: np.ndarray
) -> None:
    got = from_array(values, shape)
    assert got.dtype == torch.uint8
    assert np.array_equal(got.numpy(), expected)


@pytest.mark.parametrize(
    ("values", "shape", "message"),
    [
        (MANY / 255, RGB, "images must be bytes (uint8, 0 to 255)"),
        (MANY.astype(np.int64), RGB, "images must be bytes (uint8, 0 to 255)"),
        (MANY[:, :2], RGB, "images must be [N, 3, 8, 8], got [5, 2, 8, 8]"),
        (MANY.transpose(0, 2, 3, 1), RGB, "images must be [N, 3, 8, 8], got [5, 8, 8, 3]"),
        (MANY, GREY, "images must be [N, 1, 8, 8], got [5, 3, 8, 8]"),
        (MANY[:, 0, :7], GREY, "images must be [N, 1, 8, 8], got [5, 7, 8]"),
        (np.uint8(3), GREY, "images must be [N, 1, 8, 8], got []"),
        (MANY[None], RGB, "images must be [N, 3, 8, 8], got [1, 5, 3, 8, 8]"),
        (np.array([["a"]]), GREY, "images must be "),
        ([[1, 2], [3]], GREY, "images must be "),
        (object(), GREY, "images must be "),
        (None, GREY, "images must be "),
    ],
)
def test_an_array_of_another_type_or_shape_is_refused(
    values: Any, shape: tuple[int, int, int], message: str
) -> None:
    with pytest.raises(PredictionInputError, match="^" + re.escape(message)):
        from_array(values, shape)
