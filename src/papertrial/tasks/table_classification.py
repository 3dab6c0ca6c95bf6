"""Table classification: one of K classes for a row [F] of a table."""

from __future__ import annotations

from typing import ClassVar

from papertrial.data.kind import Kind
from papertrial.tasks.classification import Classification


class TableClassification(Classification):
    """One of K classes for each row of a table."""

    kinds: ClassVar[tuple[Kind, ...]] = ("table",)
