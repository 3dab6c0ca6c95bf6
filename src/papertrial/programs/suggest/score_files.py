"""Suggest scores in the files that a program has written: JSON, JSON lines, CSV, TensorBoard."""

from __future__ import annotations

import csv
import fnmatch
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from papertrial.errors import PapertrialError
from papertrial.programs.read_tensorboard import scalars_in
from papertrial.programs.seed_folder import EVENTS
from papertrial.programs.suggest.metric_words import WORD, better_of, is_share, name_of
from papertrial.programs.suggest.score_lines import SuggestedScore, rank_of

_NAMED = re.compile(r"[\w./~-]+\.(?:jsonl?|ndjson|csv)\b")
_SKIPPED = frozenset((".git", "node_modules", "__pycache__", ".venv", "venv", ".github", ".vscode"))
_LARGEST = 2**22  # bytes
_MOST_FILES, _MOST = 200, 4


def result_files(folder: Path, output: str) -> tuple[Path, ...]:
    """Return the files of a folder, at most 3 deep, that may have scores, those named first.

    Args:
        folder: the repository.
        output: of the program's last run; files that it names come first.
    """
    named = [folder / name for name in _NAMED.findall(output)]
    found = [path for path in named if path.is_file()]
    for parent, folders, names in os.walk(folder):
        depth = len(Path(parent).relative_to(folder).parts)
        folders[:] = sorted(f for f in folders if f not in _SKIPPED) if depth < 3 else []
        found += (
            Path(parent) / name
            for name in sorted(names)
            if name.endswith((".json", ".jsonl", ".ndjson", ".csv"))
            or fnmatch.fnmatch(name, EVENTS)
        )
        if len(found) > _MOST_FILES:
            break
    return tuple(dict.fromkeys(path.resolve() for path in found))


def scores_in_file(path: Path, name: str) -> tuple[SuggestedScore, ...]:
    """Return the scores in a file, at most 4; none if it has no key or column with a metric's word.

    Args:
        path: the file.
        name: how the recipe names it: "{out}/result.json".
    """
    if path.stat().st_size > _LARGEST:
        return ()
    text = path.read_text(encoding="utf-8", errors="replace")
    found = _in_csv(text) if path.suffix == ".csv" else _in_json(text, path.suffix)
    way, what = ("csv", "column") if path.suffix == ".csv" else ("json", "key")
    return _suggested(found, {way: name}, what, path.name)


def is_events(path: Path) -> bool:
    """Whether a file has TensorBoard's events."""
    return fnmatch.fnmatch(path.name, EVENTS)


def scores_in_events(path: Path, folder: str) -> tuple[SuggestedScore, ...]:
    """Return the scores in an event file, at most 4; none without the package tensorboard.

    Args:
        path: the file.
        folder: how the recipe names a folder that has it.
    """
    try:
        values = scalars_in(path)
    except PapertrialError:
        return ()
    found = ((tag, max(map(abs, each)), len(each) > 1) for tag, each in values.items())
    return _suggested(found, {"tensorboard": folder}, "tag", path.name)


def _suggested(
    found: Iterable[tuple[str, float, bool]], place: dict[str, str], what: str, file: str
) -> tuple[SuggestedScore, ...]:
    """Return a score for each key, column or tag that ends in a metric's word."""
    suggested: dict[str, SuggestedScore] = {}
    for key, largest, several in found:
        plain = re.sub("[_/]", " ", key)
        match = list(WORD.finditer(plain))
        if not match:
            continue
        word = match[-1]["word"]
        unit = None
        if is_share(word):
            unit = "fraction" if largest <= 1 else "percent"
        score = SuggestedScore(
            name=name_of(plain[: match[-1].start()], word),
            source={**place, what: key},
            better=better_of(word),
            unit=unit,
            several=several,
            seen=f"{what} {key} of {file}",
        )
        suggested.setdefault(score.name, score)
    return tuple(sorted(suggested.values(), key=lambda one: rank_of(one.name)))[:_MOST]


def _in_csv(text: str) -> Iterator[tuple[str, float, bool]]:
    """Yield each column with numbers: its name, the largest number, and whether it has several."""
    rows = list(csv.DictReader(text.splitlines()))
    for column in rows[0] if rows else ():
        values = [_number(row.get(column)) for row in rows]
        numbers = [abs(value) for value in values if value is not None]
        if column and numbers:
            yield column, max(numbers), len(numbers) > 1


def _in_json(text: str, suffix: str) -> Iterator[tuple[str, float, bool]]:
    """Yield each key with a number or a list of numbers, as `_in_csv` does."""
    documents = []
    try:
        if suffix == ".json":
            documents = [json.loads(text)]
        else:
            documents = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return
    if len(documents) == 1 and isinstance(documents[0], list):
        documents = documents[0]
    found: dict[str, list[float]] = {}
    for document in documents:
        for key, value in _flat(document):
            found.setdefault(key, []).append(value)
    for key, values in found.items():
        yield key, max(map(abs, values)), len(values) > 1


def _flat(document: object, prefix: str = "") -> Iterator[tuple[str, float]]:
    if not isinstance(document, dict):
        return
    for key, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, int | float) and not isinstance(one, bool):
                yield f"{prefix}{key}", float(one)


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
