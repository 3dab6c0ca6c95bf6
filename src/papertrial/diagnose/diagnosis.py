"""One problem that a check found: its severity, where it is, what is wrong and how to fix it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Diagnosis:
    """A problem of a model, a loss or a dataset, with a way to fix it.

    Attributes:
        severity: "error" if the training would fail or its result would be meaningless.
        where: the key path in the recipe, such as "model", "loss" or "data.splits.validation".
        message: the rule that is violated, what was found instead, and in which layer or file.
        fix: what to do about it.
    """

    severity: Severity
    where: str
    message: str
    fix: str

    def to_json(self) -> dict[str, str]:
        """Return the four fields of a diagnosis as a JSON object."""
        return asdict(self)
