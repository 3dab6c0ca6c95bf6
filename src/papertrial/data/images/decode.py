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
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from papertrial.data.images.formats import HEAD_BYTES, HEIF_ADVICE, decodable, format_of, is_heic
from papertrial.data.images.grey_levels import (
    GreyError,
    GreyRange,
    grey_bytes,
    is_deep_colour,
    is_deep_grey,
)
from papertrial.errors import PapertrialError

Mode = Literal["L", "RGB"]
AnyMode = Literal["L", "RGB", "RGBA"]
ImageSize = tuple[int, int]

# Modes whose colours change when they are converted to RGB.
_OTHER_COLOURS = {"CMYK", "YCbCr", "LAB", "HSV"}


class ImageError(Exception):
    """An image cannot be decoded; the message says why, to be read after the image's name."""


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
        raise ImageError(_why_unknown(source)) from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageError(f"is too large: {error}") from error
    except Exception as error:  # decoders raise all kinds of errors on damaged files
        raise ImageError(f"cannot be read as an image: {error}") from error


def _open(source: Path | io.BytesIO, suffix: str) -> Image.Image:
    # Trying the format of the suffix first saves a third of the time of a small image.
    named = format_of(suffix.lower())
    if named:
        with contextlib.suppress(UnidentifiedImageError):
            return Image.open(source, formats=[named])
    if isinstance(source, io.BytesIO):
        source.seek(0)
    return Image.open(source, formats=decodable())


def _why_unknown(source: Path | io.BytesIO) -> str:
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        file = stack.enter_context(source.open("rb")) if isinstance(source, Path) else source
        file.seek(0)
        head = file.read(HEAD_BYTES)
        if is_heic(head):
            return f"is a HEIC image, which needs a plugin of Pillow; {HEIF_ADVICE}"
        if not head:
            return "is an empty file"
    return "is not an image in a known format"


def stored_mode(mode: str) -> Mode:
    """Return the mode to which an image of Pillow's `mode` is decoded by default: "L" or "RGB"."""
    return "L" if mode in ("1", "L", "LA", "La", "I", "F") or mode.startswith("I;") else "RGB"


def is_rotated(image: Image.Image) -> bool:
    """Return whether the EXIF of a loaded image says that it is not upright."""
    return _orientation(image) in range(2, 9)  # 0 is common, and means nothing


def _orientation(image: Image.Image) -> Any:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF, although the pixels may be good
        return 1


def upright(image: Image.Image) -> Image.Image:
    """Return an image rotated upright, as its EXIF says."""
    image.load()
    return ImageOps.exif_transpose(image) if is_rotated(image) else image


class DecodedImage(NamedTuple):
    """An image as uint8 [C, H, W], what was changed, and its grey values.

    `changes` are names of `papertrial.data.images.changes`. `grey` has the lowest and the highest
    value of an image of more than 8 bits, else None.
    """

    pixels: np.ndarray
    changes: tuple[str, ...]
    grey: GreyRange | None


def decode(
    image: Image.Image,
    mode: AnyMode,
    size: ImageSize | None,
    required: tuple[Mode | None, ImageSize | None] = (None, None),
    grey_range: GreyRange | None = None,
) -> DecodedImage | None:
    """Decode an opened image upright to `mode` and `size`, None for its own size.

    Returns:
        The image; None if it has another stored mode or upright size than the `required` ones.

    Raises:
        ImageError: see `pixels`.
    """
    deep_colour = is_deep_colour(image)
    turned = upright(image)
    has_size = (turned.height, turned.width)
    needs_mode, needs_size = required
    if needs_mode not in (None, stored_mode(image.mode)) or needs_size not in (None, has_size):
        return None
    wanted = size or has_size
    values, grey, clipped = _pixels(turned, mode, wanted, grey_range)
    if deep_colour:  # Pillow has kept the upper bytes
        grey = (int(values.min()) * 256.0, int(values.max()) * 256.0 + 255)
    deep_grey = grey is not None and not deep_colour
    has = image.mode if image.mode in _OTHER_COLOURS else stored_mode(image.mode)
    changes = {
        "upright": turned is not image,
        "first frame": image.format != "MPO" and getattr(image, "is_animated", False),
        "on black": mode != "RGBA" and image.has_transparency_data,
        f"{has} to {mode}": mode not in ("RGBA", has),
        "to 8 bits": deep_grey and grey_range is None,
        "colour to 8 bits": deep_colour,
        "to range": deep_grey and grey_range is not None,
        "clipped": clipped,
        "out of range": grey is None and grey_range is not None,
        "resized": wanted != has_size,
    }
    return DecodedImage(values, tuple(name for name, applies in changes.items() if applies), grey)


def pixels(
    image: Image.Image, mode: AnyMode, size: ImageSize, grey_range: GreyRange | None = None
) -> np.ndarray:
    """Decode an upright image to uint8 [C, H, W], converted to `mode` and resized to `size`.

    Resizing is bilinear and antialiased. Grey of more than 8 bits becomes bytes as
    `papertrial.data.images.grey_levels` says. Transparent images are put on black, unless the mode
    keeps transparency.

    Raises:
        ImageError: grey values have no fixed range, or are outside of 16 bits.
    """
    return _pixels(image, mode, size, grey_range)[0]


def _pixels(
    image: Image.Image, mode: AnyMode, size: ImageSize, grey_range: GreyRange | None
) -> tuple[np.ndarray, GreyRange | None, bool]:
    """Return what `pixels` does, the grey values before, and whether some were clipped."""
    height, width = size
    flat, clipped = image, False
    grey: GreyRange | None = None
    if is_deep_grey(image):
        try:
            flat, low, high, clipped = grey_bytes(image, grey_range)
        except GreyError as error:
            raise ImageError(str(error)) from error
        grey = (low, high)
    flat = flat if mode == "RGBA" else _on_black(flat)
    flat = flat if flat.mode == mode else flat.convert(mode)
    if flat.size != (width, height):
        flat = flat.resize((width, height), Image.Resampling.BILINEAR)
    last = np.array(flat).reshape(height, width, len(mode))
    return np.ascontiguousarray(last.transpose(2, 0, 1)), grey, clipped


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
