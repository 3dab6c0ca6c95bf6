"""Suggest patterns for the scores in the lines of a program's output."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from papertrial.programs.suggest.metric_words import NUMBER, WORD, better_of, is_share, name_of
from papertrial.programs.text_lines import ESCAPES

_FILLING = re.compile(
    r"(?:\b(?:is|was|of|on|the|at|set|score|rate|value|test|validation)\b|[^\w])*"
)
_SHARE_OF = re.compile(r"\s*/\s*[0-9.]+\s*\(?\s*")
_PERCENT = re.compile(r"\s*%")
_DELIMITER = re.compile(r"[,;|\t]|\s-\s|(?<![Tt]op-[0-9])(?<=[0-9%\])])\s+|(?<=:)\s+(?=[A-Z])")
_MOST = 6  # scores
_FEWEST_CELLS = 2  # of a row of a table, and the empty one at its end
_LONGEST = 400  # characters of a line that is read


@dataclass(frozen=True)
class SuggestedScore:
    """A score that a recipe may read.

    Attributes:
        name: of the score.
        source: keys and values that say where it is: {"pattern": ...} or {"json": ..., "key": ...}.
        better: which values are better.
        unit: "percent" or "fraction" where it is known.
        several: whether there are several values, so that one must be chosen.
        seen: what was found, for a comment.
    """

    name: str
    source: dict[str, str]
    better: str
    unit: str | None
    several: bool
    seen: str


@dataclass
class _Kind:
    """All values of one score: the place of each, and of the last the patterns."""

    word: str
    short: str = ""
    long: str = ""
    has_sign: bool = False
    largest: float = 0.0
    line: int = 0
    text: str = ""
    spans: set[tuple[int, int]] = field(default_factory=set)  # line, start of the number


def suggest_scores(lines: Iterable[str]) -> tuple[SuggestedScore, ...]:
    """Return a score for each kind of line with a metric's word and a number, at most 6.

    The last of a kind is the score. Those of a test come first, and those of a training last.
    """
    kinds: dict[str, _Kind] = {}
    cut = [ESCAPES.sub("", line).rstrip("\n")[:_LONGEST] for line in lines]
    header: list[str] = []
    for number, line in enumerate(cut, 1):
        cells = line.split("|")
        if len(cells) > _FEWEST_CELLS and not NUMBER.search(line):
            header = cells if WORD.search(line) else header
        elif len(cells) == len(header) and not WORD.search(line):
            _read_row(number, line, header, kinds)
        else:
            _read_line(number, line, kinds)
    found = [_score(name, kind, cut) for name, kind in kinds.items()]
    return tuple(sorted(found, key=lambda score: rank_of(score.name))[:_MOST])


def rank_of(name: str) -> int:
    """Return where a score comes among others: those of a test first, those of a training last."""
    parts = set(name.split("_"))
    if parts & {"train", "training"}:
        return 2
    return 0 if parts & {"test", "testing", "final"} else 1


def _read_line(number: int, line: str, kinds: dict[str, _Kind]) -> None:
    for match in WORD.finditer(line):
        value = _value_after(line, match.end())
        if value is None:
            continue
        start, stop = value
        begin = _begin_of_phrase(line, match.start())
        name = name_of(line[begin : match.start()], match["word"] + (match["at"] or ""))
        kind = kinds.setdefault(name, _Kind(match["word"]))
        sign = _PERCENT.match(line, stop)
        kind.has_sign |= sign is not None
        kind.largest = max(kind.largest, abs(float(line[start:stop])))
        kind.line, kind.text = number, line.strip()
        kind.spans.add((number, start))
        end = "" if sign is None else " ?%"
        group = _group(line[start:stop])
        edge = r"^\s*" if not line[:begin].strip() else r"\b" if line[begin].isalnum() else ""
        kind.short = edge + _general(line[begin:start]) + group + end
        kind.long = "^" + _general(line[:start]) + group + end


def _read_row(number: int, line: str, header: list[str], kinds: dict[str, _Kind]) -> None:
    """Read a row of a table with bars, whose header names the metrics."""
    start = 0
    for at, (title, cell) in enumerate(zip(header, line.split("|"), strict=True)):
        word, value = WORD.search(title), NUMBER.fullmatch(cell.strip().rstrip("%").rstrip())
        if word and value:
            kind = kinds.setdefault(
                name_of(title[: word.start()], word["word"]), _Kind(word["word"])
            )
            sign = " ?%" if "%" in cell else ""
            kind.has_sign |= bool(sign)
            kind.largest = max(kind.largest, abs(float(value[0])))
            kind.line, kind.text = number, line.strip()
            kind.spans.add((number, start + cell.index(value[0])))
            cells = "" if at == 0 else rf"(?:[^|]*\|){{{at}}}"
            kind.short = kind.long = rf"^{cells}\s*{_group(value[0])}{sign}\s*(?:\||$)"
        start += len(cell) + 1


def _value_after(line: str, at: int) -> tuple[int, int] | None:
    """Return the place of the number that belongs to a word; the percentage of "95/100 (95%)"."""
    number = NUMBER.search(line, at)
    if number is None or not _FILLING.fullmatch(line[at : number.start()]):
        return None
    of = _SHARE_OF.match(line, number.end())
    if of is None:
        is_count = number[0].isdigit() and not _PERCENT.match(line, number.end())
        said = any(sign in line[at : number.start()] for sign in ":=")
        return number.span() if said or not is_count else None  # "the loss of 3 files"
    share = NUMBER.match(line, of.end())
    return share.span() if share and _PERCENT.match(line, share.end()) else None


def _begin_of_phrase(line: str, at: int) -> int:
    """Return where the phrase begins that ends with the word: "Test set: Average" of "loss"."""
    begin = 0
    for delimiter in _DELIMITER.finditer(line, 0, at):
        begin = delimiter.end()
    while begin < at and line[begin].isspace():
        begin += 1
    return begin


def _group(number: str) -> str:
    sign = "-?" if number.startswith("-") else ""
    return f"({sign}[0-9.]+(?:[eE][+-]?[0-9]+)?)" if "e" in number.lower() else f"({sign}[0-9.]+)"


def _general(text: str) -> str:
    """Return a pattern for a text in which numbers and the width of spaces may be others."""
    parts = []
    for part in re.split(r"(-?[0-9][0-9.]*|\s+)", text):
        if part.isspace():
            parts.append(r"\s+" if len(part) > 1 else " ")
        elif re.fullmatch(r"-?[0-9][0-9.]*", part) and not parts_end_in_letter(parts):
            parts.append("-?[0-9.]+" if part.startswith("-") else "[0-9.]+")
        else:
            parts.append(re.escape(part).replace(r"\-", "-").replace(r"\ ", " "))
    return "".join(parts)


def parts_end_in_letter(parts: list[str]) -> bool:
    """Whether a digit that follows belongs to a word, such as "f1"."""
    return bool(parts) and parts[-1][-1:].isalpha()


def _score(name: str, kind: _Kind, lines: list[str]) -> SuggestedScore:
    pattern = kind.short if _spans(kind.short, lines) <= kind.spans else kind.long
    unit = None
    if kind.has_sign:
        unit = "percent"
    elif is_share(kind.word):
        unit = "fraction" if kind.largest <= 1 else "percent"
    return SuggestedScore(
        name=name,
        source={"pattern": pattern},
        better=better_of(kind.word),
        unit=unit,
        several=len(kind.spans) > 1,
        seen=f"line {kind.line}: {kind.text}",
    )


def _spans(pattern: str, lines: list[str]) -> set[tuple[int, int]]:
    compiled = re.compile(pattern)
    return {
        (number, match.start(1))
        for number, line in enumerate(lines, 1)
        for match in compiled.finditer(line)
    }
