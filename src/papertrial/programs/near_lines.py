"""The lines of a program's output that a pattern may have meant."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from papertrial.errors import PapertrialError
from papertrial.programs.found import cut
from papertrial.programs.search_pattern import search_pattern
from papertrial.programs.text_lines import read_lines

_MOST = 3
_NO_WORDS = re.compile(r"\(\?P<\w+>|\\[A-Za-z]|\[[^\]]*\]")
_WORD = re.compile(r"[A-Za-z]{2,}")
_DIGIT = re.compile(r"[0-9]")
_STEM = 3  # letters by which "acc" is near "accuracy"


@dataclass(frozen=True)
class NearLine:
    """A line of the output: the file, its 1-based number, and what is written there."""

    file: str
    line: int
    text: str


def near_lines(pattern: str, *files: Path) -> tuple[NearLine, ...]:
    """Return the lines with most words of a pattern, at most 3, in the order of the output.

    Lines with a number come first, and of equal lines the last. Without any such line, these are
    the last lines with a number.
    """
    words = {word.lower() for word in _WORD.findall(_NO_WORDS.sub(" ", pattern))}
    best: list[tuple[tuple[int, int, int], NearLine]] = []
    for place, path in enumerate(files):
        for line in read_lines(path):
            text = line.text.strip()
            has_number = _DIGIT.search(text) is not None
            rank = (2 * _likeness(words, text) + has_number, -place, line.number)
            if rank[0] and text:
                heapq.heappush(best, (rank, NearLine(path.name, line.number, cut(text))))
                if len(best) > _MOST:
                    heapq.heappop(best)
    found = [(rank, line) for rank, line in best]
    if any(rank[0] > 1 for rank, _ in found):
        found = [(rank, line) for rank, line in found if rank[0] > 1]
    return tuple(line for _, line in sorted(found, key=lambda pair: pair[0][1:]))


def matches_without_case(pattern: str, lines: Iterable[NearLine], home: Path) -> bool:
    """Whether a pattern matches one of the lines if upper and lower case are the same.

    Args:
        pattern: the pattern.
        lines: lines of the output.
        home: the folder with the files of the output.
    """
    wanted: dict[str, set[int | None]] = {}
    for line in lines:
        wanted.setdefault(line.file, set()).add(line.line)
    try:
        return any(
            found.line in numbers
            for file, numbers in wanted.items()
            for found in search_pattern(f"(?i){pattern}", home / file)
        )
    except PapertrialError:  # it has flags of its own, takes too long, or finds no number
        return False


def _likeness(words: set[str], text: str) -> int:
    """Return how much a line is like a pattern: 2 for each word in it, 1 for the word's stem."""
    lower = text.lower()
    return sum(2 if word in lower else word[:_STEM] in lower for word in words)
