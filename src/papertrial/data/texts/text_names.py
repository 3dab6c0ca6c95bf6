"""Which files are texts, by their endings."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

_TEXTS = (".txt", ".text")
_IF_ALONE = (".md", ".rst", "")  # a README beside texts is not a sample


class TextNames(NamedTuple):
    """The names of texts, and those of other files and of guessed texts by ending."""

    texts: frozenset[str]
    others: dict[str, list[str]]
    guessed: dict[str, list[str]]


def text_names(names: Iterable[str]) -> TextNames:
    """Return which files of a set are texts.

    Those that end in .txt or .text are. If there are none, those that end in .md or .rst, or have
    no ending, or only a number as in many sets of messages, are.
    """
    by_ending: dict[str, list[str]] = {}
    for name in names:
        ending = os.path.splitext(name)[1].lower()  # noqa: PTH122
        by_ending.setdefault("" if ending[1:].isdigit() else ending, []).append(name)
    known = [ending for ending in _TEXTS if ending in by_ending]
    guessed = [] if known else [ending for ending in _IF_ALONE if ending in by_ending]
    texts = frozenset(name for ending in known or guessed for name in by_ending[ending])
    others = {e: names for e, names in by_ending.items() if e not in (known or guessed)}
    return TextNames(texts, others, {ending: by_ending[ending] for ending in guessed})
