"""What a probe found: how bad, where, what, and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing that a check tells.

    `where` is the recipe's key path that it is about ("model", "loss", "data.splits.validation"),
    `message` the rule, what was got and where, `fix` what to do.
    """

    severity: Literal["error", "warning"]
    where: str
    message: str
    fix: str

    def to_json(self) -> dict[str, str]:
        """Return the finding as plain JSON."""
        return asdict(self)
