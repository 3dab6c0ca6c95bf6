"""A sample sheet: some images of each class, side by side in one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from papertrial.data.column import Split

_PAD = 4  # pixels between images
_FONT = 14  # pixels
_SIDE = 64  # pixels that small images are enlarged to, approximately
_LARGEST = 128  # pixels that large images are reduced to
_LONGEST = 24  # characters of a class name
_ROWS = 25  # classes below each other; more go into further columns


def sheet(
    split: Split, classes: Sequence[str], seed: int = 0, counts: Sequence[int] | None = None
) -> Image.Image:
    """Return a sheet of sample images: for each class its name, its count and a row of images.

    Args:
        split: uint8 images [N, C, H, W] with class targets [N].
        classes: the names of the K classes.
        seed: seeds the choice of the images, the same number of each class.
        counts: how many images each class has; None to count those of the split.
    """
    blocks = math.ceil(len(classes) / _ROWS)
    each = 10 if blocks == 1 else 5
    rows = math.ceil(len(classes) / blocks)
    generator = torch.Generator().manual_seed(seed)
    chosen = [_choose(split.y, label, each, generator) for label in range(len(classes))]
    if counts is None:
        counts = torch.bincount(split.y, minlength=len(classes)).tolist()
    labels = [
        f"{_shortened(name)}  ({count:,})" for name, count in zip(classes, counts, strict=True)
    ]

    wide, high = _shown_size(*split.x.shape[-2:])
    font = ImageFont.load_default(_FONT)
    margin = math.ceil(max(font.getlength(label) for label in labels)) + 3 * _PAD
    block, row = margin + each * (wide + _PAD) + _PAD, max(high, _FONT) + _PAD
    picture = Image.new("RGB", (blocks * block, rows * row + _PAD), "white")
    draw = ImageDraw.Draw(picture)
    for label, places in enumerate(chosen):
        left, top = label // rows * block, label % rows * row + _PAD
        draw.text((left + _PAD, top + high // 2), labels[label], "black", font, anchor="lm")
        if len(places):
            for at, pixels in enumerate(split.x.take(places)):
                picture.paste(
                    _picture(pixels, wide, high), (left + margin + at * (wide + _PAD), top)
                )
    return picture


def _choose(y: Tensor, label: int, each: int, generator: torch.Generator) -> Tensor:
    places = torch.nonzero(y == label).flatten()
    return places[torch.randperm(len(places), generator=generator)[:each]].sort().values


def _shown_size(height: int, width: int) -> tuple[int, int]:
    """Return the (width, height) at which images are shown on the sheet."""
    longer = max(height, width)
    if longer <= _LARGEST:
        times = max(1, round(_SIDE / longer))  # an integer, so that each pixel stays a square
        return width * times, height * times
    return max(1, width * _LARGEST // longer), max(1, height * _LARGEST // longer)


def _picture(pixels: Tensor, wide: int, high: int) -> Image.Image:
    """Return an image [C, H, W] resized as it is shown on the sheet."""
    array = pixels.permute(1, 2, 0).numpy()
    image = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
    smaller = image.width > wide
    method = Image.Resampling.LANCZOS if smaller else Image.Resampling.NEAREST
    return image.resize((wide, high), method)


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
