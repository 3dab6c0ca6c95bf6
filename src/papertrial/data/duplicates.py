"""Identical samples, in two parts of a set or within one."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from papertrial.data.column import NamedColumns, SampleColumn, chunks, column_of
from papertrial.data.images.varying_column import VaryingImages
from papertrial.data.texts.ragged_column import RaggedColumn

_DIGEST_BYTES = 16  # the chance of a collision among a billion samples is about 1e-21
_CHUNK_BYTES = 1 << 24
Digests = list[bytes]


def matches(
    a: Digests, a_y: Tensor, b: Digests, b_y: Tensor, *, with_targets: bool = False
) -> list[tuple[int, int]]:
    """Return the duplicates of samples of a in b as pairs (row in a, row in b), in b's order.

    If several samples of a are identical, the row is the first one with the same target, else the
    first one. Samples are compared as stored, byte for byte: a text with one more space differs.

    Args:
        a: the `digests` of a part, such as the training part.
        a_y: its targets, [N] or [N, T].
        b: the `digests` of another part, such as the test part.
        b_y: its targets.
        with_targets: return only samples with the same targets.
    """
    first: dict[Hashable, int] = {}
    agreeing: dict[Hashable, int] = {}
    wanted = set(b)
    for row, (digest, target) in enumerate(zip(a, _hashable_targets(a_y), strict=True)):
        if digest in wanted:
            first.setdefault(digest, row)
            agreeing.setdefault((digest, target), row)
    pairs = []
    for row, (digest, target) in enumerate(zip(b, _hashable_targets(b_y), strict=True)):
        if digest in first:
            same = agreeing.get((digest, target))
            if same is not None or not with_targets:
                pairs.append((first[digest] if same is None else same, row))
    return pairs


def repeated(a: Digests, a_y: Tensor, *, with_targets: bool = False) -> int:
    """Return how many samples are duplicates of an earlier one of the same part."""
    keys = zip(a, _hashable_targets(a_y), strict=True) if with_targets else a
    return len(a) - len(set(keys))


def digests(column: SampleColumn) -> Digests:
    """Return a digest of the bytes of each sample of a column, to find duplicates.

    Only a chunk of the samples is in memory at a time.
    """
    if isinstance(column, NamedColumns):
        return [b"".join(row) for row in zip(*map(digests, column.columns.values()), strict=True)]
    return [hashlib.blake2b(one, digest_size=_DIGEST_BYTES).digest() for one in _samples(column)]


def _samples(column: SampleColumn) -> Iterator[memoryview]:
    if isinstance(column, RaggedColumn | VaryingImages):  # one by one, as they are stored
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
        flat = flat + 0.0  # makes -0.0 equal to 0.0
    array: Any = flat.view(torch.uint8).numpy()
    return memoryview(array)


def _hashable_targets(y: Any) -> Sequence[Hashable]:
    if isinstance(y, Tensor) and y.ndim == 1:
        return y.cpu().tolist()
    return digests(column_of(y))
