"""Samples with the largest and the smallest whole numbers of a set, to try before a training.

Whole numbers are often rows of an embedding. One that has too few fails in whatever batch first has
a larger number, which can be late in the training, or in its evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from papertrial.data.column import NamedColumns, SampleColumn, chunks
from papertrial.data.nested import first_of, mapped
from papertrial.runs.load_data import Samples

_MOST = 2**26  # numbers of a column that are searched, in about 0.1 s; windows can be far more


def with_extreme_samples(x: Any, samples: Samples) -> Any:
    """Return a prepared batch of tensors whose first rows are the samples with extreme numbers.

    These are the samples of any split with the largest and the smallest number of each tensor of
    whole numbers; the batch grows if it has fewer rows. Without such tensors it is unchanged.
    """
    device = first_of(x).device
    found = [
        samples.pipeline.apply(mapped(lambda one: one.to(device), sample), samples.state)
        for sample in _extreme_samples([split.x for split in samples.dataset.splits.values()])
    ]
    if not found:
        return x
    if isinstance(x, Mapping):
        return {key: _put_first([one[key] for one in found], rows) for key, rows in x.items()}
    return _put_first(found, x)


def _put_first(found: list[Tensor], rows: Tensor) -> Tensor:
    return torch.cat([*found, rows[len(found) :]])


def _extreme_samples(columns: list[SampleColumn]) -> Iterator[Any]:
    """Yield samples [1, ...] that have the largest and smallest whole numbers of the columns."""
    taken = set[tuple[int, int]]()
    names = columns[0].columns if isinstance(columns[0], NamedColumns) else [None]
    for name in names:
        parts = [one if name is None else _named(one, name) for one in columns]
        whole = not (parts[0].dtype.is_floating_point or parts[0].dtype.is_complex)
        if not whole or parts[0].dtype == torch.bool:
            continue
        ends = [(*end, at) for at, one in enumerate(parts) for end in _ends(one)]
        if ends:
            taken |= {(at, row) for _, row, at in (min(ends), max(ends))}
    for at, row in sorted(taken):
        yield columns[at].take(slice(row, row + 1))


def _named(column: SampleColumn, name: str) -> SampleColumn:
    assert isinstance(column, NamedColumns), "all parts have the same tensors"
    return column.columns[name]


def _ends(column: SampleColumn) -> Iterator[tuple[int, int]]:
    """Yield the smallest and the largest number of a column, each with its row."""
    if not len(column) or column.nbytes > _MOST * column.dtype.itemsize:
        return
    start, low, high = 0, list[tuple[int, int]](), list[tuple[int, int]]()
    for chunk in chunks(column):
        least, most = (end(chunk.flatten(1), 1) for end in (torch.amin, torch.amax))
        for values, pick, kept in ((least, torch.argmin, low), (most, torch.argmax, high)):
            row = int(pick(values))
            kept.append((int(values[row]), start + row))
        start += len(chunk)
    yield min(low)
    yield max(high)
