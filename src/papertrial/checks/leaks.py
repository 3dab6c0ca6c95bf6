"""Leaks: samples of one part of a set that stand in another, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from papertrial.data.column import Dataset, Split
from papertrial.data.duplicates import digests, matches, repeated
from papertrial.diagnose.finding import Finding

_PAIRS = (("train", "validation"), ("train", "test"), ("validation", "test"))
_PARTS = {"train": "training", "validation": "validation"}
_SHOWN = 3
_UNITS = {"image": "images", "table": "rows", "text": "texts"}


def leaks(dataset: Dataset) -> tuple[list[Finding], dict[str, Any]]:
    """Return a warning for each two splits that share samples, and what is shared.

    In a table of few distinct values, rows agree by chance; there, only rows whose targets agree
    too are counted, and the warning says so. Images and texts are counted whatever their target.

    Returns:
        Findings, and facts: {"train/test": [[row in train, row in test], ...]} for each two splits,
        and {"repeated": {split: samples that its own part has further up}}.
    """
    with_targets = dataset.kind == "table"
    splits = dataset.splits
    known = {name: digests(split.x) for name, split in splits.items()}
    found, facts = [], {}
    for one, other in _PAIRS:
        if one in splits and other in splits:
            a, b = splits[one], splits[other]
            pairs = matches(known[one], a.y, known[other], b.y, with_targets=with_targets)
            facts[f"{one}/{other}"] = [list(pair) for pair in pairs]
            if pairs:
                found.append(_finding(dataset, one, other, pairs))
    twice = {
        name: repeated(known[name], split.y, with_targets=with_targets)
        for name, split in splits.items()
    }
    return found, {**facts, "repeated": twice}


def _finding(dataset: Dataset, one: str, other: str, pairs: Sequence[tuple[int, int]]) -> Finding:
    a, b = dataset.splits[one], dataset.splits[other]
    stand = "stands" if len(pairs) == 1 else "stand"
    units = _UNITS[dataset.kind]
    count = f"{len(pairs):,} of {len(b):,} {other} {units} also {stand} in the {_PARTS[one]} part"
    agree = sum(bool((a.y[i] == b.y[j]).all()) for i, j in pairs)
    same = "all with the same target" if agree == len(pairs) else f"{agree:,} with the same target"
    if dataset.kind == "table":
        same = "features and target alike, which may be chance where columns have few values"
    shown = ", ".join(_pair(other, b, j, one, a, i) for i, j in pairs[:_SHOWN])
    more = ", ..." if len(pairs) > _SHOWN else ""
    message = f"no sample may be in two parts, but {count} ({same}): {shown}{more}"
    if "validation" in (one, other):
        fix = "remove the duplicates, or cut the validation part so that they stay together"
        return Finding("warning", "data.splits.validation", message, fix)
    fix = "remove them from the training part, or tell of them beside the test result"
    return Finding("warning", "data.source", message, fix)


def _pair(other: str, b: Split, j: int, one: str, a: Split, i: int) -> str:
    return f"{_called(other, b, j)} = {_called(one, a, i)}"


def _called(part: str, split: Split, row: int) -> str:
    """Its file and its row in the part, or its row alone."""
    if split.names is None:
        return f"{part} row {row}"
    return f"{split.name(row)} ({part} row {row})"
