"""The transforms that recipes name: `papertrial.transforms.Normalize`.

This import path is stable; where the code lives is not.
"""

from papertrial.data.images.transforms import (
    Cutout,
    Normalize,
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
)
from papertrial.data.tables.transforms import Standardize

__all__ = [
    "Cutout", "Normalize", "RandomCrop", "RandomErasing", "RandomHorizontalFlip", "Standardize",
]  # fmt: skip
