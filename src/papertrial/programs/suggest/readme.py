"""What a README says: commands that run the program, and numbers that it reports."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from papertrial.programs.suggest.metric_words import NUMBER, WORD, name_of

_NAMES = ("README.md", "README.rst", "README.txt", "README", "readme.md", "Readme.md")
_PROMPT = re.compile(r"^\s*(?:\$|>|%|#!)?\s*")
_ASSIGNMENT = re.compile(r"^[A-Z_][A-Z0-9_]*=\S*$")
_STARTS = re.compile(
    r"^(?:python[0-9.]*|torchrun|bash|sh|accelerate|uv|perl|Rscript|julia|node|make|\./\S+)$"
)
_CELL = re.compile(
    r"^\W*(?P<number>-?[0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*(?P<sign>%?)\W*"
    r"(?:(?:±|\+/-|\\pm)\W*[0-9.]+\W*)?$"
)
_PLACE = re.compile(r"(?<=\s)[\[<]|\.\.\.|[|>&;]")  # "[data folder]", "<path>", a pipe: to fill in
_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_NEAR = 40  # characters between a number and its word
_MOST = 8  # numbers


@dataclass(frozen=True)
class ReportedNumber:
    """A number in a README next to a metric's word.

    Attributes:
        name: of the metric.
        text: as written, with its % sign.
        file, line, context: where it is.
    """

    name: str
    text: str
    file: str
    line: int
    context: str


def read_readme(folder: Path) -> tuple[str, str]:
    """Return the name and the text of a folder's README; two empty texts without one."""
    for name in _NAMES:
        if (folder / name).is_file():
            return name, (folder / name).read_text(encoding="utf-8", errors="replace")
    return "", ""


def commands_in(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the commands in a README that run a script, without assignments."""
    found = []
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    inline = [code for line in lines for code in _INLINE.findall(line)]
    for line in (*lines, *inline):
        try:
            plain = _PLACE.split(_PROMPT.sub("", line.strip().strip("`")))[0]
            words = shlex.split(plain, comments=True)
        except ValueError:
            continue
        while words and _ASSIGNMENT.match(words[0]):
            words = words[1:]
        if len(words) > (0 if words and words[0].startswith("./") else 1) and _STARTS.match(
            words[0]
        ):
            found.append(tuple(words))
    return tuple(dict.fromkeys(found))


def reported_numbers(file: str, text: str) -> tuple[ReportedNumber, ...]:
    """Return the numbers in a README's tables and sentences next to a metric's word, at most 8."""
    found: list[ReportedNumber] = []
    header: list[str] = []
    is_code = False
    for number, line in enumerate(text.splitlines(), 1):
        is_code ^= line.lstrip().startswith("```")
        if is_code:
            continue
        if line.count("|") >= 2:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not header:
                header = cells
            found += _in_row(file, number, line, header, cells)
        else:
            header = []
            found += _in_sentence(file, number, line)
    return tuple(found[:_MOST])


def _in_row(
    file: str, number: int, line: str, header: list[str], cells: list[str]
) -> Iterator[ReportedNumber]:
    for title, cell in zip(header, cells, strict=False):
        word, value = WORD.search(title), _CELL.match(cell)
        if word and value:
            sign = value["sign"] or ("%" if "%" in title else "")
            name = name_of(title[: word.start()], word["word"])
            yield ReportedNumber(name, value["number"] + sign, file, number, line.strip())


def _in_sentence(file: str, number: int, line: str) -> Iterator[ReportedNumber]:
    plain = re.sub(r"https?://\S+|!?\[[^\]]*\]\([^)]*\)", lambda m: " " * len(m[0]), line)
    for word in WORD.finditer(plain):
        near = [
            (abs((one.start() + one.end() - word.start() - word.end()) / 2), one)
            for one in NUMBER.finditer(plain)
            if max(one.start() - word.end(), word.start() - one.end()) <= _NEAR
        ]
        for _, value in sorted(near, key=lambda pair: pair[0])[:1]:
            sign = "%" if plain[value.end() :].lstrip().startswith("%") else ""
            if sign or "." in value[0]:  # a whole number is rarely a score
                begin = max(0, word.start() - 20)
                name = name_of(plain[begin : word.start()], word["word"])
                yield ReportedNumber(name, value[0] + sign, file, number, line.strip())
