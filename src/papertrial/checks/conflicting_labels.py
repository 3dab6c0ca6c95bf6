"""Identical samples that have different labels, in one part of a data set or in two."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from papertrial.checks.leaks import UNITS
from papertrial.data.column import Dataset
from papertrial.data.duplicates import Digests
from papertrial.data.nested import row_of
from papertrial.diagnose.diagnosis import Diagnosis

_SHOWN = 3
_BY_CHANCE = 0.01  # rows of a table that agree with a row, if its columns were independent
_COARSE = 0.05  # share of rows with a conflict in a table whose features say too little
_TRIED = 100  # pairs of rows of a table
_ROWS = 100_000  # of a table, in which frequent values are counted

_Place = tuple[str, int]  # a part of the data set and a row of it


def conflicting_labels(dataset: Dataset, known: Mapping[str, Digests]) -> list[Diagnosis]:
    """Return a warning if identical samples have different classes or labels.

    Rows of a table that agree by chance are not reported: those whose values are so frequent that
    other rows are expected to have them, and all rows of a table in which 5 % or more conflict. Of
    a table, the first 100 pairs are looked at.

    Args:
        dataset: the data set with its splits.
        known: the `digests` of each split.
    """
    y = dataset.train.y
    if not (isinstance(y, Tensor) and (dataset.classes or dataset.targets)):
        return []
    if y.is_floating_point():
        return []
    found = _conflicts(dataset, known)
    if dataset.kind == "table":
        total = sum(len(split) for split in dataset.splits.values())
        coarse = len(found) >= _COARSE * total
        found = [] if coarse else found[:_TRIED]
        found = [pair for pair in found if not _is_chance(dataset, pair[0])]
    if not found:
        return []
    shown = ", ".join(f"{_named(dataset, a)} = {_named(dataset, b)}" for a, b in found[:_SHOWN])
    more = ", ..." if len(found) > _SHOWN else ""
    message = (
        f"identical samples should have one label, but {len(found):,} pairs of identical "
        f"{UNITS[dataset.kind]} have different ones: {shown}{more}"
    )
    fix = "correct their labels, or remove them"
    return [Diagnosis("warning", "data.source", message, fix)]


def _conflicts(dataset: Dataset, known: Mapping[str, Digests]) -> list[tuple[_Place, _Place]]:
    """Return pairs of identical samples with different targets, each beside the one before it."""
    keys = np.array([digest for part in dataset.splits for digest in known[part]])
    order = np.argsort(keys, kind="stable")
    same = np.flatnonzero(keys[order][1:] == keys[order][:-1])
    found = []
    for first, second in sorted(zip(order[same].tolist(), order[same + 1].tolist(), strict=True)):
        a, b = _place(dataset, first), _place(dataset, second)
        if not torch.equal(_target(dataset, a), _target(dataset, b)):
            found.append((a, b))
    return found


def _place(dataset: Dataset, number: int) -> _Place:
    """Return the place of a sample by its number over all parts."""
    for part, split in dataset.splits.items():
        if number < len(split):
            return part, number
        number -= len(split)
    raise AssertionError("the parts have no such sample")


def _target(dataset: Dataset, place: _Place) -> Tensor:
    part, row = place
    target: Tensor = row_of(dataset.splits[part].y, row)
    return target


def _named(dataset: Dataset, place: _Place) -> str:
    """Name a sample by its name and its class or labels."""
    part, row = place
    split, target = dataset.splits[part], _target(dataset, place)
    name = split.name(row) if split.names is not None else f"{part} row {row}"
    if dataset.classes:
        return f"{name} ({dataset.classes[int(target)]})"
    has = [label for label, one in zip(dataset.targets, target.tolist(), strict=True) if one]
    return f"{name} ({' and '.join(has) or 'none'})"


def _is_chance(dataset: Dataset, place: _Place) -> bool:
    """Return whether another training row is expected to agree with a row in all its columns."""
    part, row = place
    values = dataset.splits[part].x.take(slice(row, row + 1))
    x = dataset.train.x.take(slice(0, _ROWS), copy=False)
    shares = ((x == values) | (x.isnan() & values.isnan())).double().mean(0)
    # The row itself is one of those that have its values.
    return float(shares.clamp(min=1 / len(x)).prod()) * len(dataset.train) > _BY_CHANCE
