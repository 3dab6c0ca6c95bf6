"""The rule in a report on scores that existed before it."""

from __future__ import annotations

from papertrial.record import Part


class UnregisteredRule(Part):
    """The rule by which scores were judged that existed before it.

    Attributes:
        text: that it was not registered in advance, what that costs, and what it takes for granted.
        lines: the rule in words.
        scores: the scores that its tests hold for, in words.
        one_look: whether all scores were judged together, once.
    """

    text: tuple[str, ...]
    lines: tuple[str, ...]
    scores: str
    one_look: bool
