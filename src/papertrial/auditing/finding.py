"""What an audit tells of one of its checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

LONGEST = 200  # letters of a finding that says what follows from another


@dataclass(frozen=True)
class Finding:
    """One line of an audit.

    Attributes:
        check: which one, in a word or two.
        ok: nothing differs.
        message: what was compared and agrees, or what differs and where.
        warning: nothing differs, yet something is to be known, or could not be compared.
    """

    check: str
    ok: bool
    message: str
    warning: bool = False

    def __str__(self) -> str:
        word = "differs" if not self.ok else "note" if self.warning else "ok"
        return f"{word:8}{self.check}: {self.message}"

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain JSON."""
        return asdict(self)


def shown(value: Any, longest: int = 60) -> str:
    """Return a value as a finding shows it, a long one by its beginning."""
    return cut(repr(value), longest)


def cut(text: str, longest: int = LONGEST) -> str:
    """Return a text of one line that is not too long."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def differing(check: str, messages: Sequence[str], agrees: str) -> Iterator[Finding]:
    """Yield a finding for each difference, or where there is none the one that all agrees."""
    if not messages:
        yield Finding(check, True, agrees)
    for message in messages:
        yield Finding(check, False, message)


def noted(check: str, message: str) -> Finding:
    """Return a finding that is no difference, but to be known."""
    return Finding(check, True, message, warning=True)
