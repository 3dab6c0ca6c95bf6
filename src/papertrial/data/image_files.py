"""Images for prediction: files, folders of them, or arrays, brought to the size a model knows."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
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
    known = set(Image.registered_extensions())
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in known and p.is_file())
            if not inside:
                raise PredictionInputError(f"the folder {path} holds no image files")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise PredictionInputError(f"there is no file or folder {path}")
    return found


def read_image(path: Path, shape: tuple[int, int, int]) -> ReadImage:
    """Read one image file as [C, H, W] of `shape`.

    Raises:
        PredictionInputError: the file is no image, is truncated, or is too large to be safe.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                return from_pil(image, shape, str(path))
    except UnidentifiedImageError as error:
        raise PredictionInputError(f"{path} is not an image in a format that is known") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise PredictionInputError(f"{path} is too large an image: {error}") from error
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, PredictionInputError):
            raise
        raise PredictionInputError(f"{path} cannot be read as an image: {error}") from error


def from_pil(image: Image.Image, shape: tuple[int, int, int], name: str) -> ReadImage:
    """Convert an image to [C, H, W] of `shape`: mode, then size (bilinear, antialiased)."""
    channels, height, width = shape
    upright = ImageOps.exif_transpose(image)
    said, mode = f"{upright.width}x{upright.height} {_NAMES.get(image.mode, image.mode)}", "?"
    mode = _MODES[channels]
    flat = _flatten(upright)
    flat = flat if flat.mode == mode else flat.convert(mode)
    if flat.size != (width, height):
        flat = flat.resize((width, height), Image.Resampling.BILINEAR)
    same = image.mode == mode and image.size == (width, height)
    wanted = f"{width}x{height} {_NAMES.get(mode, mode)}"
    pixels = torch.from_numpy(np.array(flat)).view(height, width, channels).permute(2, 0, 1)
    return ReadImage(name, pixels.contiguous(), "" if same else f"from {said} to {wanted}")


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
    x = torch.as_tensor(values)
    if x.dtype != torch.uint8:
        raise PredictionInputError(
            f"images must be bytes (uint8, 0 to 255), as they are stored, got {x.dtype}"
        )
    plain = shape if shape[0] > 1 or tuple(x.shape[-3:]) == shape else shape[1:]
    x = x.unsqueeze(0) if tuple(x.shape) == plain else x
    if tuple(x.shape[1:]) != plain:
        rule = f"[N, {', '.join(map(str, shape))}]"
        raise PredictionInputError(
            f"images must be {rule}, got {list(torch.as_tensor(values).shape)}"
        )
    return x.reshape(-1, *shape)
