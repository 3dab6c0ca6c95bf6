"""Transforms for recipes, such as `papertrial.transforms.Normalize`.

This import path is stable; the modules that define the transforms may move.
"""

from papertrial.data.images.from_weights import FromWeights
from papertrial.data.images.transforms import (
    AlternatingFlip,
    Cutout,
    Normalize,
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
)
from papertrial.data.tables.transforms import Standardize

__all__ = [
    "AlternatingFlip", "Cutout", "FromWeights", "Normalize", "RandomCrop", "RandomErasing",
    "RandomHorizontalFlip", "Standardize",
]  # fmt: skip
