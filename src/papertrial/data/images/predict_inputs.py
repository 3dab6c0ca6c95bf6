"""Images for prediction: files, folders or arrays, converted to the shape that a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from papertrial.data.files.folder_walk import is_junk
from papertrial.data.images.decode import (
    AnyMode,
    ImageError,
    is_rotated,
    open_image,
    pixels,
    upright,
)
from papertrial.data.images.formats import suffixes
from papertrial.data.images.grey_levels import GreyRange
from papertrial.data.images.recognize import is_image
from papertrial.errors import PredictionInputError

_MODES: dict[int, AnyMode] = {1: "L", 3: "RGB", 4: "RGBA"}
_NAMES = {"L": "grayscale"}


class ReadImage(NamedTuple):
    """An image uint8 [C, H, W], its name, and how it was converted ("" if it was not).

    `size` is the width and height that it had, upright.
    """

    name: str
    pixels: Tensor
    converted: str
    size: tuple[int, int]


def find_images(paths: Sequence[Path]) -> list[Path]:
    """Return the image files to predict: those among `paths`, and those in and below the folders.

    The images of a folder are sorted by name. As in training, they are known by their ending or
    their content, and hidden files and those of operating systems are ignored.

    Raises:
        PredictionInputError: a path does not exist, or a folder has no images.
    """
    known = suffixes()
    found: list[Path] = []
    for path in paths:
        try:
            inside = sorted(path.rglob("*")) if path.is_dir() else [path]
            there = path.exists()
        except OSError as error:
            raise PredictionInputError(f"cannot read {path}: {error.strerror}") from error
        if not there:
            raise PredictionInputError(f"there is no file or folder {path}")
        if inside != [path]:
            shown = (p for p in inside if not any(map(is_junk, p.relative_to(path).parts)))
            files = (p for p in shown if p.is_file())
            inside = [p for p in files if p.suffix.lower() in known or is_image(p)]
        if not inside:
            raise PredictionInputError(f"the folder {path} has no image files")
        found += inside
    return found


def read_image(
    path: Path, shape: tuple[int, int, int], grey_range: GreyRange | None = None
) -> ReadImage:
    """Read an image file for prediction, as uint8 [C, H, W] of the `shape` that a model takes.

    `grey_range` has the values of images with more than 8 bits that become 0 and 255.

    Raises:
        PredictionInputError: the file is not an image, is damaged, or is dangerously large.
    """
    try:
        with open_image(path, path.suffix) as image:
            return from_pil(image, shape, str(path), grey_range)
    except ImageError as error:
        raise PredictionInputError(f"{path} {error}") from error


def from_pil(
    image: Image.Image,
    shape: tuple[int, int, int],
    name: str,
    grey_range: GreyRange | None = None,
) -> ReadImage:
    """Convert a PIL image for prediction, to uint8 [C, H, W] of the `shape` that a model takes.

    With the shape (C, 0, 0), the image keeps its size. The conversion is that of
    `papertrial.data.images.decode`.

    Raises:
        PredictionInputError: the image cannot be decoded or converted, or `shape` has a number of
            channels that images do not have.
    """
    channels, *size = shape
    if channels not in _MODES:
        raise PredictionInputError(
            f"{name}: the model takes {channels} channels, but images have 1, 3 or 4; give an "
            f"array [N, {', '.join(map(str, shape))}]"
        )
    mode = _MODES[channels]
    try:
        rotated = is_rotated(image)
        turned = upright(image)
        height, width = size if any(size) else (turned.height, turned.width)
        values = torch.from_numpy(pixels(turned, mode, (height, width), grey_range))
    except ImageError as error:
        raise PredictionInputError(f"{name} {error}") from error
    except Exception as error:
        raise PredictionInputError(f"{name} cannot be read as an image: {error}") from error
    if image.mode == mode and image.size == (width, height) and not rotated:
        return ReadImage(name, values, "", turned.size)
    given = f"{image.width}x{image.height} {_NAMES.get(image.mode, image.mode)}"
    wanted = f"{width}x{height} {_NAMES.get(mode, mode)}"
    change = f"from {given} to {wanted}{', turned upright' if rotated else ''}"
    return ReadImage(name, values, change, turned.size)


def from_array(values: Any, shape: tuple[int, int, int]) -> Tensor:
    """Return images for prediction, uint8 [N, C, H, W], from an array or tensor of bytes.

    Accepts [N, C, H, W] or [C, H, W], and for grey images [N, H, W] or [H, W].

    Raises:
        PredictionInputError: the array has another type or shape.
    """
    if not isinstance(values, Tensor):
        try:
            values = np.array(
                values
            )  # a copy, because arrays may be read-only or have negative strides
        except (TypeError, ValueError) as error:
            raise PredictionInputError(f"images must be an array of bytes: {error}") from error
        if values.dtype != np.uint8:
            raise PredictionInputError(_not_bytes(values.dtype))
        values = torch.from_numpy(values)
    if values.dtype != torch.uint8:
        raise PredictionInputError(_not_bytes(values.dtype))
    x: Tensor = values
    if shape[1:] == (0, 0) and x.ndim >= 2:  # any size, the same for all
        shape = (shape[0], x.shape[-2], x.shape[-1])
    plain = shape if shape[0] > 1 or tuple(x.shape[-3:]) == shape else shape[1:]
    x = x.unsqueeze(0) if tuple(x.shape) == plain else x
    if tuple(x.shape[1:]) != plain:
        rule = f"images must be [N, {', '.join(map(str, shape))}]"
        raise PredictionInputError(f"{rule}, got {list(values.shape)}")
    return x.reshape(-1, *shape)


def _not_bytes(got: object) -> str:
    return f"images must be bytes (uint8, 0 to 255), got {got}"
