"""Read scores from a program's output with a regular expression."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from papertrial.errors import PapertrialError, ProgramFailedError
from papertrial.programs.found import Found, cut, parse_step, parse_value
from papertrial.programs.text_lines import Line, read_lines

_PERCENT = re.compile(r"\s*%")
# What shows, directly before and after a number, that it is a part of a longer one.
_BEFORE = re.compile(r"(?:[0-9]\.?|\.|[0-9][eE][+-]?|(?:^|[\s=:,(\[])[-\u2212])\Z")
_AFTER = re.compile(r"\.?[0-9]|[eE][+-]?[0-9]")
_THOUSANDS = re.compile(r",[0-9]{3}(?![0-9])")
_NEAR = 3  # characters before a number that `_BEFORE` can match
_NAME = re.compile(r"\(\?P<\w+>")
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{[0-9]*,?[0-9]*\}|.", re.DOTALL)
_CLASSES = frozenset("dDwWsSbB")  # escapes of one letter
_SPECIAL = frozenset(".^$*+?{}[]()\\")
_REPEATED = ("*", "?", "{")
_MANY = frozenset("*+{")  # signs of repeats; "?" only doubles the ways to match
_MOST_OPTIONAL = 4


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile the pattern of a score.

    Raises:
        PapertrialError: it is not a regular expression, or its groups are not one group, or `value`
            and optionally `step`.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise PapertrialError(f'"{pattern}" is not a regular expression: {error}') from error
    named = set(compiled.groupindex)
    if compiled.groups == 0:
        raise PapertrialError(
            f'"{pattern}" has no group: put the number in parentheses, as in "accuracy: ([0-9.]+)"'
        )
    if named and not {"value"} <= named <= {"value", "step"}:
        raise PapertrialError(
            f'"{pattern}" names the groups {", ".join(sorted(named))}: name them "value" and, for '
            'the step, "step"'
        )
    if compiled.groups != max(len(named), 1):
        raise PapertrialError(
            f'"{pattern}" has {compiled.groups} groups: write "(?:...)" for those that are not the '
            'number, or name them "(?P<value>...)" and "(?P<step>...)"'
        )
    return compiled


def find_by_pattern(pattern: str, path: Path) -> Iterator[Found]:
    """Yield the matches of a pattern in the lines of a file.

    Raises:
        ProgramFailedError: the text of a group is not a number, or is a part of a longer one.
    """
    return find_in_lines(pattern, read_lines(path, containing=literal_in(pattern)))


def find_in_lines(pattern: str, lines: Iterable[Line]) -> Iterator[Found]:
    """Yield the matches of a pattern in lines, as `find_by_pattern` does."""
    compiled = compile_pattern(pattern)
    group: str | int = "value" if compiled.groupindex else 1
    has_step = "step" in compiled.groupindex
    for line in lines:
        for match in compiled.finditer(line.text):
            if match[group] is None or (has_step and match["step"] is None):
                raise ProgramFailedError(
                    f'the pattern matches "{cut(match[0])}" on line {line.number}, but a group '
                    "matches nothing there"
                )
            value, has_sign = parse_value(match[group], line.number)
            for name in (group, "step") if has_step else (group,):
                _require_whole(match, name, line.number)
            step = match["step"] if has_step else None
            yield Found(
                value=value,
                step=None if step is None else parse_step(step, line.number),
                line=line.number,
                text=cut(match[0]),
                has_percent_sign=has_sign
                or _PERCENT.match(line.text, match.end(group)) is not None,
            )


def _require_whole(match: re.Match[str], group: str | int, line: int) -> None:
    """Check that a group has a whole number, not the "1" of "1e-3" or the "0.5" of "-0.5".

    A comma with three digits may also separate two numbers, so it is allowed if the pattern itself
    matches the comma.
    """
    text, (start, end) = match.string, match.span(group)
    is_cut = _BEFORE.search(text[max(0, start - _NEAR) : start]) or _AFTER.match(text, end)
    is_integer = match[group].lstrip("+-").isdecimal() and len(match[group].lstrip("+-0")) < 4
    if not is_cut and is_integer and match.end() == end:
        is_cut = _THOUSANDS.match(text, end)
    if is_cut:
        around = cut(text[max(0, match.start() - 20) : end + 20].strip())
        raise ProgramFailedError(
            f'the pattern reads "{match[group]}" on line {line}, which is a part of a longer '
            f'number: "{around}"; let its group match the whole number, as in ([-+0-9.eE]+), and '
            "let the program print it without thousands separators"
        )


def is_quick(pattern: str) -> bool:
    """Whether the time to search a line grows at most with the square of its length.

    This is so with a single repeat: two that follow or contain one another, as in "(a+)+", can
    match a line in more ways than can be tried. It may be false for other patterns too.
    """
    tokens = _TOKEN.findall(_NAME.sub("(", pattern).replace("(?:", "("))
    repeats = sum(token[0] in _MANY for token in tokens)
    return repeats <= 1 and tokens.count("?") <= _MOST_OPTIONAL


def literal_in(pattern: str) -> str:
    """Return a text that every match of a pattern contains; "" if none is found.

    To search for it first makes the search of 2 GB of output many times as fast.
    """
    if "|" in pattern or "(?" in pattern.replace("(?P<", "(").replace("(?:", "("):
        return ""
    tokens = _TOKEN.findall(_NAME.sub("(", pattern).replace("(?:", "("))
    longest, run, depth = "", "", 0
    for token, following in zip(tokens, [*tokens[1:], ""], strict=True):
        if token[0] == "\\" and token[1].isalnum() and token[1] not in _CLASSES:
            return ""  # "\\x41" and the like: its other characters are no text
        depth += (token == "(") - (token == ")")
        optional = following[:1] in _REPEATED
        plain = depth == 0 and len(token) == 1 and token not in _SPECIAL and not optional
        run = run + token if plain else ""
        longest = max(longest, run, key=len)
    return longest
