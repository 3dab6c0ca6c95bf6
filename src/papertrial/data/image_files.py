"""Images for prediction: files, folders of them, or arrays, brought to the size a model knows."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from papertrial.errors import PredictionInputError

_MODES = {1: "L", 3: "RGB"}
_NAMES = {"L": "grayscale"}


class ReadImage(NamedTuple):
    """One image [C, H, W] uint8, what to call it, and how it was converted ("" if it was not)."""

    name: str
    pixels: Tensor
    converted: str


def find_images(paths: Sequence[Path]) -> list[Path]:
    """Return the files named, and of each folder named the images in it, by name.

    Raises:
        PredictionInputError: an absent path, or a folder without any image.
    """
    formats = Image.registered_extensions()
    known = {ending for ending, name in formats.items() if name in Image.OPEN}
    found: list[Path] = []
    for path in paths:
        try:
            inside = sorted(path.iterdir()) if path.is_dir() else [path]
            there = path.exists()
        except OSError as error:
            raise PredictionInputError(f"cannot read {path}: {error.strerror}") from error
        if not there:
            raise PredictionInputError(f"there is no file or folder {path}")
        if inside != [path]:
            inside = [p for p in inside if p.suffix.lower() in known and p.is_file()]
        if not inside:
            raise PredictionInputError(f"the folder {path} holds no image files")
        found += inside
    return found


def read_image(path: Path, shape: tuple[int, int, int]) -> ReadImage:
    """Read one image file as [C, H, W] of `shape`.

    Raises:
        PredictionInputError: the file is no image, is damaged, or is too large to be safe.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return from_pil(image, shape, str(path))
    except UnidentifiedImageError as error:
        raise PredictionInputError(f"{path} is not an image in a format that is known") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise PredictionInputError(f"{path} is too large an image: {error}") from error
    except PredictionInputError:
        raise
    except Exception as error:  # decoders raise what they like on damaged files
        raise PredictionInputError(f"{path} cannot be read as an image: {error}") from error


def from_pil(image: Image.Image, shape: tuple[int, int, int], name: str) -> ReadImage:
    """Convert an image to [C, H, W] of `shape`: upright, mode, then size (bilinear, antialiased).

    Raises:
        PredictionInputError: it cannot be decoded or converted.
    """
    channels, height, width = shape
    mode = _MODES[channels]
    try:
        image.load()
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        flat = _flatten(ImageOps.exif_transpose(image))
        flat = flat if flat.mode == mode else flat.convert(mode)
        if flat.size != (width, height):
            flat = flat.resize((width, height), Image.Resampling.BILINEAR)
    except Exception as error:
        raise PredictionInputError(f"{name} cannot be read as an image: {error}") from error
    pixels = torch.from_numpy(np.array(flat)).view(height, width, channels).permute(2, 0, 1)
    if image.mode == mode and image.size == (width, height) and not turned:
        return ReadImage(name, pixels.contiguous(), "")
    given = f"{image.width}x{image.height} {_NAMES.get(image.mode, image.mode)}"
    wanted = f"{width}x{height} {_NAMES.get(mode, mode)}"
    said = f"from {given} to {wanted}{', turned upright' if turned else ''}"
    return ReadImage(name, pixels.contiguous(), said)


def _flatten(image: Image.Image) -> Image.Image:
    """Bring 16-bit and floating-point grey to 8 bits, and lay transparency on black."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        values = np.asarray(image).astype(np.float64)
        high = 65535 if values.max() > 255 else 255 if values.max() > 1 else 1
        return Image.fromarray((values / high * 255).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba)
    return image


def from_array(values: Any, shape: tuple[int, int, int]) -> Tensor:
    """Return images [N, C, H, W] uint8 from an array or tensor of bytes.

    Accepts [N, C, H, W] or [C, H, W], and for grey images [N, H, W] or [H, W].

    Raises:
        PredictionInputError: another type or shape.
    """
    if not isinstance(values, Tensor):
        try:
            values = np.array(values)  # a copy: read-only and mirrored arrays are welcome
        except (TypeError, ValueError) as error:
            raise PredictionInputError(f"images must be an array of bytes: {error}") from error
        if values.dtype != np.uint8:
            raise PredictionInputError(_bytes(values.dtype))
        values = torch.from_numpy(values)
    if values.dtype != torch.uint8:
        raise PredictionInputError(_bytes(values.dtype))
    x: Tensor = values
    plain = shape if shape[0] > 1 or tuple(x.shape[-3:]) == shape else shape[1:]
    x = x.unsqueeze(0) if tuple(x.shape) == plain else x
    if tuple(x.shape[1:]) != plain:
        rule = f"images must be [N, {', '.join(map(str, shape))}]"
        raise PredictionInputError(f"{rule}, got {list(values.shape)}")
    return x.reshape(-1, *shape)


def _bytes(got: object) -> str:
    return f"images must be bytes (uint8, 0 to 255), as they are stored, got {got}"
