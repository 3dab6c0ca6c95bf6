"""Identical samples: which of a part stand in another part, or twice in their own."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from papertrial.data.column import Column, Split, chunks
from papertrial.data.texts.ragged_column import RaggedColumn

_BYTES = 16  # of a digest: two of a billion different samples agree with a chance of 1e-21
_CHUNK_BYTES = 1 << 24
_Digests = list[bytes]


def duplicates(a: Split, b: Split, *, with_targets: bool = False) -> list[tuple[int, int]]:
    """Return (row in a, row in b) for every sample of b that is one of a's, in b's order.

    Where several of a's are the same, the row is the first whose target agrees too, else the first.
    Samples are held against each other as they are stored, byte for byte: a text with one more
    space is another one.

    Args:
        a: such as the training part.
        b: such as the test part.
        with_targets: only samples whose targets agree too.
    """
    return matches(digests(a.x), a.y, digests(b.x), b.y, with_targets=with_targets)


def matches(
    a: _Digests, a_y: Tensor, b: _Digests, b_y: Tensor, *, with_targets: bool = False
) -> list[tuple[int, int]]:
    """Do what `duplicates` does, on `digests` and targets [N] or [N, T]."""
    first: dict[Hashable, int] = {}
    agreeing: dict[Hashable, int] = {}
    wanted = set(b)
    for row, (digest, target) in enumerate(zip(a, _plain(a_y), strict=True)):
        if digest in wanted:
            first.setdefault(digest, row)
            agreeing.setdefault((digest, target), row)
    pairs = []
    for row, (digest, target) in enumerate(zip(b, _plain(b_y), strict=True)):
        if digest in first:
            same = agreeing.get((digest, target))
            if same is not None or not with_targets:
                pairs.append((first[digest] if same is None else same, row))
    return pairs


def repeated(a: _Digests, a_y: Tensor, *, with_targets: bool = False) -> int:
    """Return how many samples stand in their own part already, further up."""
    keys = zip(a, _plain(a_y), strict=True) if with_targets else a
    return len(a) - len(set(keys))


def digests(column: Column) -> _Digests:
    """Return a digest of each sample's bytes; a chunk of the samples is in memory at a time."""
    return [hashlib.blake2b(one, digest_size=_BYTES).digest() for one in _samples(column)]


def _samples(column: Column) -> Iterator[memoryview]:
    if isinstance(column, RaggedColumn):  # padded, each would cost what the longest one does
        for row in range(len(column)):
            yield _bytes(column.sample(row))
        return
    width = max(1, int(np.prod(column.shape, dtype=np.int64)) * column.dtype.itemsize)
    for chunk in chunks(column, max(1, _CHUNK_BYTES // width)):
        flat = _bytes(chunk)
        for start in range(0, len(flat), width):
            yield flat[start : start + width]


def _bytes(values: Tensor) -> memoryview:
    flat = values.detach().cpu().contiguous().reshape(-1)
    if flat.is_floating_point():
        flat = flat + 0.0  # -0.0 and 0.0 are one number
    array: Any = flat.view(torch.uint8).numpy()
    return memoryview(array)


def _plain(y: Tensor) -> list[Hashable]:
    rows = y.cpu().tolist()
    return [tuple(row) if isinstance(row, list) else row for row in rows]
