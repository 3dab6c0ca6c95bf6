"""Images for prediction: files, folders of them, or arrays, brought to the size a model knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from papertrial.data.images.decode import (
    AnyMode,
    ImageError,
    is_turned,
    opened,
    pixels,
    suffixes,
    upright,
)
from papertrial.errors import PredictionInputError

_MODES: dict[int, AnyMode] = {1: "L", 3: "RGB", 4: "RGBA"}
_NAMES = {"L": "grayscale"}


class ReadImage(NamedTuple):
    """One image [C, H, W] uint8, what to call it, and how it was converted ("" if it was not)."""

    name: str
    pixels: Tensor
    converted: str


def find_images(paths: Sequence[Path]) -> list[Path]:
    """Return the files named, and of each folder named the images in it and below, by name.

    Hidden files and folders are left out, as they are when a folder is learnt from.

    Raises:
        PredictionInputError: an absent path, or a folder without any image.
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
            hidden = [[n.startswith(".") for n in p.relative_to(path).parts] for p in inside]
            shown = (p for p, names in zip(inside, hidden, strict=True) if not any(names))
            inside = [p for p in shown if p.suffix.lower() in known and p.is_file()]
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
        with opened(path, path.suffix) as image:
            return from_pil(image, shape, str(path))
    except ImageError as error:
        raise PredictionInputError(f"{path} {error}") from error


def from_pil(image: Image.Image, shape: tuple[int, int, int], name: str) -> ReadImage:
    """Convert an image to [C, H, W] of `shape`: upright, mode, then size (bilinear, antialiased).

    Raises:
        PredictionInputError: it cannot be decoded or converted, or no image has as many channels.
    """
    channels, height, width = shape
    if channels not in _MODES:
        raise PredictionInputError(
            f"{name}: this model takes {channels} channels, an image has 1, 3 or 4; "
            f"give an array [N, {channels}, {height}, {width}]"
        )
    mode = _MODES[channels]
    try:
        looked_at = upright(image)
        turned = is_turned(image)
        values = torch.from_numpy(pixels(looked_at, mode, (height, width)))
    except ImageError as error:
        raise PredictionInputError(f"{name} {error}") from error
    except Exception as error:
        raise PredictionInputError(f"{name} cannot be read as an image: {error}") from error
    if image.mode == mode and image.size == (width, height) and not turned:
        return ReadImage(name, values, "")
    given = f"{image.width}x{image.height} {_NAMES.get(image.mode, image.mode)}"
    wanted = f"{width}x{height} {_NAMES.get(mode, mode)}"
    said = f"from {given} to {wanted}{', turned upright' if turned else ''}"
    return ReadImage(name, values, said)


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
