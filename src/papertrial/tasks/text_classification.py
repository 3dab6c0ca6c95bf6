"""Text classification: one of K classes for a text [T] of tokens."""

from __future__ import annotations

from typing import ClassVar

from papertrial.data.kind import Kind
from papertrial.tasks.classification import Classification


class TextClassification(Classification):
    """One of K classes for each text."""

    kinds: ClassVar[tuple[Kind, ...]] = ("text",)
