"""Scenes of handwritten digits in noise with their masks, and the Dice coefficient of masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor

SIZE = 40  # pixels of a side of a scene
DIGITS = 3  # in a scene
INK = 8  # of 16: pixels of a digit that are at least as dark belong to its mask
NOISE = 5  # standard deviation, in the same unit


def scenes(train: int = 300, test: int = 200) -> dict[str, tuple[Tensor, Tensor]]:
    """Return scenes [N, 40, 40] uint8 and masks of the same shape, int64: 1 where a digit is.

    A scene has noise and three digits of scikit-learn's set, twice as large: one in each of three
    quarters, at a random place. Training scenes have digits of the first half of the set, test
    scenes of the second.
    """
    digits = load_digits().images.repeat(2, axis=1).repeat(2, axis=2)
    half = len(digits) // 2
    halves = {"train": (train, digits[:half]), "test": (test, digits[half:])}
    parts = {}
    for number, (part, (count, chosen)) in enumerate(halves.items()):
        draw = np.random.default_rng(number)  # the same scenes in every run
        made = [_scene(chosen, draw) for _ in range(count)]
        images, masks = (torch.from_numpy(np.stack(one)) for one in zip(*made, strict=True))
        parts[part] = (images, masks)
    return parts


def _scene(
    digits: NDArray[Any], draw: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    image, mask = draw.normal(8, NOISE, (SIZE, SIZE)), np.zeros((SIZE, SIZE), np.int64)
    side, quarter = digits.shape[1], SIZE // 2
    for corner in draw.permutation(4)[:DIGITS]:
        digit = digits[draw.integers(len(digits))]
        top, left = draw.integers(0, quarter - side, size=2, endpoint=True)
        top, left = top + corner // 2 * quarter, left + corner % 2 * quarter
        place = (slice(top, top + side), slice(left, left + side))
        image[place] += digit
        mask[place] = digit >= INK
    return (image * 8).clip(0, 255).astype(np.uint8), mask


def counts(output: Tensor, target: Tensor) -> Tensor:
    """Return for each image [B, 2]: the pixels in both masks, and the sum of the sizes of both.

    This is what a run keeps of the logits [B, 2, H, W]; target is the true mask [B, H, W].
    """
    found = output.argmax(1)
    return torch.stack([(found * target).sum((1, 2)), (found + target).sum((1, 2))], 1)


def dice(kept: Tensor, target: Tensor) -> float:
    """Return the Dice coefficient over the pixels of all images: a metric."""
    both, sizes = (int(total) for total in kept.sum(0))
    return 2 * both / sizes
