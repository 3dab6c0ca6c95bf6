"""Grey images of more than 8 bits: their values, and how they become bytes.

This module must not import torch, because worker processes import it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from PIL import Image

GreyRange = tuple[float, float]
WHITE = 65535  # the largest value of 16-bit grey


class GreyError(Exception):
    """Grey values have no fixed range; the message says why, to be read after a name."""


class GreyBytes(NamedTuple):
    """A grey image as bytes, its lowest and highest value before, and if some were clipped."""

    image: Image.Image
    low: float
    high: float
    clipped: bool


def is_deep_grey(image: Image.Image) -> bool:
    """Return whether an image has one band of more than 8 bits: 16 or 32 bits, or floats."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def is_deep_colour(image: Image.Image) -> bool:
    """Return whether an image that is not loaded yet has 16 bits a band, which Pillow halves."""
    if image.mode not in ("RGB", "RGBA", "LA"):
        return False
    return any(";16" in str(tile.args) for tile in getattr(image, "tile", ()))


def grey_bytes(image: Image.Image, wanted: GreyRange | None) -> GreyBytes:
    """Convert an image for which `is_deep_grey` holds to 8 bits.

    All images of a set have one scale: a scale of each image's own would remove differences in
    brightness, which may be all that a label depends on.

    Args:
        image: the image.
        wanted: the values that become 0 and 255; those between are scaled and rounded, those
            outside clipped. If None, the upper 8 of 16 bits are kept.

    Raises:
        GreyError: without `wanted`, values are not whole numbers or are outside of 16 bits; values
            are not finite.
    """
    values = np.asarray(image)
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise GreyError("has grey values that are not finite numbers")
    if wanted is not None:
        black, white = wanted
        scaled = (np.asarray(values, np.float64) - black) * (255 / (white - black))
        shades = np.rint(scaled.clip(0, 255)).astype(np.uint8)
        return GreyBytes(Image.fromarray(shades), low, high, low < black or high > white)
    advice = "set data.image.range: [LOW, HIGH], the values of all images that become black, white"
    if image.mode == "F":
        raise GreyError(
            f"has floating-point pixels of {low:g} to {high:g}, which have no fixed range; {advice}"
        )
    if low < 0 or high > WHITE:
        raise GreyError(
            f"has 32-bit pixels of {low:,.0f} to {high:,.0f}; without a range, grey values must be "
            f"0 to {WHITE:,}; {advice}"
        )
    return GreyBytes(Image.fromarray((values >> 8).astype(np.uint8)), low, high, False)
