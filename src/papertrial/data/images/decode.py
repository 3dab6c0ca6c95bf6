"""Image files decoded to bytes, for training and prediction alike.

This module must not import torch, because worker processes import it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from papertrial.errors import PapertrialError

Mode = Literal["L", "RGB"]
AnyMode = Literal["L", "RGB", "RGBA"]
ImageSize = tuple[int, int]

# Formats that Pillow knows but cannot decode, or hands to another program.
_UNDECODABLE = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
_WHITE = 65535  # the largest value of 16-bit grey


class ImageError(Exception):
    """An image cannot be decoded; the message says why, to be read after the image's name."""


def suffixes() -> dict[str, str]:
    """Return the lower-case endings of image files that can be decoded, with their formats."""
    formats = Image.registered_extensions()
    known = Image.OPEN.keys() - _UNDECODABLE
    return {ending: name for ending, name in formats.items() if name in known}


@contextlib.contextmanager
def open_image(source: Path | io.BytesIO, suffix: str) -> Iterator[Image.Image]:
    """Open an image file to decode it; only its header is read until pixels are needed.

    Raises:
        ImageError: anything that goes wrong until the image is closed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd EXIF and the like
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with _open(source, suffix) as image:
                yield image
    except (ImageError, PapertrialError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise ImageError("is not an image in a known format") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageError(f"is too large: {error}") from error
    except Exception as error:  # decoders raise all kinds of errors on damaged files
        raise ImageError(f"cannot be read as an image: {error}") from error


def _open(source: Path | io.BytesIO, suffix: str) -> Image.Image:
    # Trying the format of the suffix first saves a third of the time of a small image.
    named = Image.registered_extensions().get(suffix.lower())
    if named and named in Image.OPEN and named not in _UNDECODABLE:
        with contextlib.suppress(UnidentifiedImageError):
            return Image.open(source, formats=[named])
    if isinstance(source, io.BytesIO):
        source.seek(0)
    return Image.open(source, formats=sorted(Image.OPEN.keys() - _UNDECODABLE))


def stored_mode(mode: str) -> Mode:
    """Return the mode to which an image of Pillow's `mode` is decoded by default: "L" or "RGB"."""
    return "L" if mode in ("1", "L", "LA", "La", "I", "F") or mode.startswith("I;") else "RGB"


def is_rotated(image: Image.Image) -> bool:
    """Return whether the EXIF of a loaded image says that it is not upright."""
    return bool(_orientation(image) != 1)


def _orientation(image: Image.Image) -> Any:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF, although the pixels may be good
        return 1


def upright(image: Image.Image) -> Image.Image:
    """Return an image rotated upright, as its EXIF says."""
    image.load()
    return ImageOps.exif_transpose(image) if is_rotated(image) else image


def pixels(image: Image.Image, mode: AnyMode, size: ImageSize) -> np.ndarray:
    """Decode an upright image to uint8 [C, H, W], converted to `mode` and resized to `size`.

    Resizing is bilinear and antialiased. 16-bit grey is reduced to 8 bits. Transparent images are
    put on black, unless the mode keeps transparency.

    Raises:
        ImageError: grey values have no fixed range, or are outside of 16 bits.
    """
    height, width = size
    flat = _eight_bits(image)
    flat = flat if mode == "RGBA" else _on_black(flat)
    flat = flat if flat.mode == mode else flat.convert(mode)
    if flat.size != (width, height):
        flat = flat.resize((width, height), Image.Resampling.BILINEAR)
    last = np.array(flat).reshape(height, width, len(mode))
    return np.ascontiguousarray(last.transpose(2, 0, 1))


def _eight_bits(image: Image.Image) -> Image.Image:
    # One scale for all images: scaling each by its own range would remove differences in
    # brightness, which may be all that a label depends on.
    if image.mode == "F":
        raise ImageError(
            "has floating-point pixels, which have no fixed range; convert all images to 8 or 16 "
            "bits in the same way"
        )
    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image)
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if low < 0 or high > _WHITE:
        raise ImageError(
            f"has 32-bit pixels of {low:,} to {high:,}; grey values must be 0 to {_WHITE:,}: "
            "convert all images to 8 or 16 bits in the same way"
        )
    return Image.fromarray((values >> 8).astype(np.uint8))


def _on_black(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba)
    return image


def sample_digest(class_name: str, image: np.ndarray) -> bytes:
    """Return the SHA-256 of a decoded image, uint8 [C, H, W], and of the name of its class."""
    return hashlib.sha256(class_name.encode("utf-8", "surrogatepass") + image.tobytes()).digest()


def header(path: Path) -> tuple[Mode, ImageSize]:
    """Return the stored mode and the upright size (H, W) of an image, without decoding it.

    Raises:
        ImageError: the file is not an image.
    """
    with open_image(path, path.suffix) as image:
        width, height = image.size
        # Pillow already gives the upright size of a TIFF.
        if image.format != "TIFF" and _orientation(image) in (5, 6, 7, 8):
            width, height = height, width
        return stored_mode(image.mode), (height, width)


def measure(path: Path) -> tuple[Mode, ImageSize]:
    """Decode an image to return its stored mode and its upright size (H, W).

    Raises:
        ImageError: the image cannot be decoded.
    """
    with open_image(path, path.suffix) as image:
        rotated = upright(image)
        return stored_mode(image.mode), (rotated.height, rotated.width)
