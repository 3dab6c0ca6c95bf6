"""The lines of a file of any size, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LONGEST_LINE = 2**20  # characters; the rest of a longer line is left out
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # of a terminal: colours, and moves of its cursor
_BLOCK = 2**20  # bytes
_ENOUGH = 4 * LONGEST_LINE + 1  # bytes of a line; a character has at most 4


class Line(NamedTuple):
    """A line that is not empty, without its end and without the colours of a terminal.

    Attributes:
        number: 1-based. A progress bar writes many lines with one number, as it ends them with a
            carriage return.
        text: at most 2**20 characters.
        is_cut: whether it is longer than that.
        is_ended: whether a line end follows; only the last line of a file may lack it.
    """

    number: int
    text: str
    is_cut: bool
    is_ended: bool


def read_lines(path: Path, containing: str = "") -> Iterator[Line]:
    """Yield the lines of a file; they end with a line feed or a carriage return.

    Args:
        path: the file, in UTF-8.
        containing: lines without this text are left out.
    """
    number, rest = 1, b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            end = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
            if end == 0:  # a long line, of which the beginning is enough
                rest = (rest + block)[:_ENOUGH] if len(rest) < _ENOUGH else rest
                continue
            text, rest = _decode(rest + block[:end]), block[end:]
            if containing in text:
                yield from _lines(text, number, containing, is_ended=True)
            number += text.count("\n")
    text = _decode(rest)
    if containing in text:
        yield from _lines(text, number, containing, is_ended=False)


def _decode(block: bytes) -> str:
    text = block.decode(errors="replace")
    return ESCAPES.sub("", text) if "\x1b" in text else text


def _lines(text: str, number: int, containing: str, *, is_ended: bool) -> Iterator[Line]:
    for at, row in enumerate(text.split("\n"), number):
        if containing in row:
            for line in row.split("\r") if "\r" in row else (row,):
                if line and containing in line:
                    yield Line(at, line[:LONGEST_LINE], len(line) > LONGEST_LINE, is_ended)
