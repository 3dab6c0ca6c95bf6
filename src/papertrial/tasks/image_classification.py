"""Image classification: one of K classes for an image [C, H, W]."""

from __future__ import annotations

from typing import ClassVar

from papertrial.data.kind import Kind
from papertrial.tasks.classification import Classification


class ImageClassification(Classification):
    """One of K classes for each image."""

    kinds: ClassVar[tuple[Kind, ...]] = ("image",)
