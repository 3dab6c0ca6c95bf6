"""Read scores from a JSON file, or from a file with one JSON document a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from papertrial.errors import ProgramFailedError, did_you_mean, nearest
from papertrial.programs.found import Found, cut, parse_step, parse_value, to_decimal
from papertrial.programs.text_lines import LONGEST_LINE, read_lines
from papertrial.record import Record

_LARGEST = 2**23  # bytes of a document that is read as a whole: 250 MB as numbers in memory
_OF_LINES = (".jsonl", ".ndjson", ".jl")
_MOST_KEYS = 1000
_MISSING = object()
_TWICE = object()  # two values of one key


def find_in_json(path: Path, key: str, step: str | None) -> Iterator[Found]:
    """Yield the values of a key, in order.

    Raises:
        ProgramFailedError: the file is not JSON, or damaged, or lacks the key, or a value is not a
            number.
    """
    keys: dict[str, None] = {}  # of the documents without the key, for the message
    found_any = False
    for line, document in _documents(path):
        value = _get(document, key)
        if value is _MISSING:
            keys.update((name, None) for name in _keys(document) if len(keys) < _MOST_KEYS)
            continue
        found_any = True
        if value is _TWICE:
            where = f" on line {line}" if line is not None else ""
            raise ProgramFailedError(f'{path.name} has two values of the key "{key}"{where}')
        steps = None if step is None else _get(document, step)
        if steps is _MISSING:
            where = f" on line {line}" if line is not None else ""
            raise ProgramFailedError(
                f'no key "{step}" for the step{where}{did_you_mean(step, _keys(document))}'
            )
        yield from _values(key, value, step, steps, line)
    if not found_any:
        raise ProgramFailedError(f'no key "{key}" in {path.name}{_hint(key, keys)}')


def _values(
    key: str, value: Any, step: str | None, steps: Any, line: int | None
) -> Iterator[Found]:
    """Yield one value, or those of a list."""
    values = value if isinstance(value, list) else [value]
    all_steps = steps if isinstance(steps, list) else [steps]
    if len(values) != len(all_steps) and step is not None:
        raise ProgramFailedError(
            f'"{key}" has {len(values)} values and "{step}" has {len(all_steps)}: a curve needs a '
            "step for each value"
        )
    for at, each in enumerate(values):
        number, has_sign = parse_value(each, line)
        yield Found(
            value=number,
            step=None if step is None else parse_step(all_steps[at], line),
            line=line,
            text=cut(f"{key}: {each}"),
            has_percent_sign=has_sign,
        )


def _documents(path: Path) -> Iterator[tuple[int | None, Any]]:
    """Yield the documents of a file, each with its line; a list of objects is their documents."""
    whole = None if path.suffix.lower() in _OF_LINES else _whole(path)
    if whole is None:
        yield from _lines(path)
    elif isinstance(whole, list) and whole and all(isinstance(each, dict) for each in whole):
        yield from ((None, each) for each in whole)
    else:
        yield None, whole


def _whole(path: Path) -> Any | None:
    """Return the document of a file; None if it has one in each line."""
    if (size := path.stat().st_size) > _LARGEST:
        if Record.is_json(next(read_lines(path)).text):
            return None
        raise ProgramFailedError(
            f"{path.name} has {size / 2**20:,.0f} MiB, and a JSON document may have 8 MiB: write "
            "one document a line"
        )
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if not text.strip():
        raise ProgramFailedError(f"{path.name} is empty")
    try:
        return _parse(text)
    except json.JSONDecodeError as error:
        if error.msg.startswith("Extra data"):
            return None
        cut_short = error.pos >= len(text.rstrip()) or "Unterminated" in error.msg
        why = "it is cut short" if cut_short else str(error)
        raise ProgramFailedError(f"{path.name} is not valid JSON: {why}") from error
    except RecursionError as error:
        raise ProgramFailedError(f"{path.name} is nested too deeply") from error


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the documents of a file that has one in each line."""
    any_line = False
    for line in read_lines(path):
        text = line.text.removeprefix("\ufeff").strip()
        if not text:
            continue
        any_line = True
        try:
            yield line.number, _parse(text)
        except (json.JSONDecodeError, RecursionError) as error:
            if line.is_cut:
                why = f"it has more than {LONGEST_LINE:,} characters; write one document a line"
            elif line.is_ended:
                why = str(error)
            else:
                why = "it is cut short: the program did not finish writing it"
            raise ProgramFailedError(
                f"line {line.number} of {path.name} is not valid JSON: {why}"
            ) from error
    if not any_line:
        raise ProgramFailedError(f"{path.name} is empty")


def _parse(text: str) -> Any:
    """Parse JSON whose numbers keep all their digits."""
    return json.loads(
        text,
        parse_float=to_decimal,
        parse_int=_parse_int,
        parse_constant=Decimal,
        object_pairs_hook=_parse_object,
    )


def _parse_int(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < 20 else to_decimal(digits)  # Python limits those of an int


def _parse_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; a key that it has twice, with two values, has `_TWICE` as its value."""
    found = dict(pairs)
    if len(found) < len(pairs):
        found |= {name: _TWICE for name, value in pairs if value != found[name]}
    return found


def _get(document: Any, key: str) -> Any:
    """Return the value of a dotted key; a key of the document may have dots itself."""
    if isinstance(document, dict) and key in document:
        return document[key]
    parts = key.split(".")
    for count in range(1, len(parts)):
        head, rest = ".".join(parts[:count]), ".".join(parts[count:])
        below = _child(document, head)
        found = _MISSING if below is _MISSING else _get(below, rest)
        if found is not _MISSING:
            return found
    return _child(document, key)


def _child(document: Any, name: str) -> Any:
    if document is _TWICE:
        return _TWICE
    if isinstance(document, dict):
        return document.get(name, _MISSING)
    if isinstance(document, list) and name.removeprefix("-").isdecimal():
        index = int(name)
        return document[index] if -len(document) <= index < len(document) else _MISSING
    return _MISSING


def _keys(document: Any, prefix: str = "") -> list[str]:
    """List the dotted keys of a document's numbers, texts and lists."""
    if not isinstance(document, dict):
        return []
    found: list[str] = []
    for name, value in document.items():
        found += _keys(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [prefix + name]
        if len(found) > _MOST_KEYS:
            break
    return found


def _hint(key: str, keys: Mapping[str, None]) -> str:
    by_last = {name.rpartition(".")[2]: name for name in keys}
    inside = by_last.get(key)
    return (
        f'; did you mean "{inside}"?' if inside else nearest(key, keys) or did_you_mean(key, keys)
    )
