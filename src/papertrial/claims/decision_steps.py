"""The questions that explain how a claim was decided, for a reader who knows no statistics."""

from __future__ import annotations

Steps = tuple[tuple[str, str], ...]  # (question, answer)

CLAIMED = "What was claimed"
ALLOWED = "What counts as the same"
MEASURED = "What was measured"
COUNTED = "How evidence is counted"
ENOUGH = "How much evidence is enough"
RESULT = "What the evidence says"
INTERVAL = "Where our number lies"
DECIDED = "The result"
CHANGE = "What would have changed it"


def sentence(text: str) -> str:
    """Return a text with a capital at its beginning, whose other letters stay as they are."""
    return f"{text[:1].upper()}{text[1:]}"
