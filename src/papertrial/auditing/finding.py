"""One line of an audit: what agrees, what differs, and what a reader should know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from papertrial.store.answers import FindingLine

LONGEST = 200  # characters of a finding that follows from another one


@dataclass(frozen=True)
class Finding:
    """One line of an audit.

    Attributes:
        check: the name of the check.
        ok: whether everything agrees.
        message: what was compared and agrees, or what differs and where.
        warning: nothing differs, but the reader should know it, or it could not be compared.
    """

    check: str
    ok: bool
    message: str
    warning: bool = False

    def __str__(self) -> str:
        word = "differs" if not self.ok else "note" if self.warning else "ok"
        return f"{word:8}{self.check}: {self.message}"

    @property
    def as_line(self) -> FindingLine:
        """This finding as `papertrial audit --json` prints it."""
        return FindingLine(**asdict(self))


def shortened(value: object, longest: int = 60) -> str:
    """Return a value as the message of a finding shows it; of a long one only the beginning."""
    return cut_message(repr(value), longest)


def cut_message(text: str, longest: int = LONGEST) -> str:
    """Return the message of a finding, cut to a number of characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def findings_of(check: str, messages: Sequence[str], agrees: str) -> Iterator[Finding]:
    """Yield a finding for each difference that a check found, or a single one that all agrees."""
    if not messages:
        yield Finding(check, True, agrees)
    for message in messages:
        yield Finding(check, False, message)


def noted(check: str, message: str) -> Finding:
    """Return a finding that is a note: nothing differs, but the reader should know it."""
    return Finding(check, True, message, warning=True)
