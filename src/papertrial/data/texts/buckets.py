"""Batches of texts of similar length, which need little padding."""

from __future__ import annotations

import torch
from torch import Tensor


def bucketed_order(
    lengths: Tensor, batch_size: int, pool: int, generator: torch.Generator
) -> Tensor:
    """Return a random order of texts in buckets: the texts of a batch have similar lengths.

    The samples are shuffled and divided into pools; each pool is sorted by length and divided into
    batches; then the batches are shuffled. If `batch_size` does not divide N, the smaller batch
    comes last.

    Args:
        lengths: the lengths of the samples, [N].
        batch_size: samples in a batch.
        pool: batches in a pool. Larger pools need less padding, but batches are less random.
        generator: a generator on the CPU.

    Returns:
        A permutation of 0 to N - 1, [N] int64, on the CPU.
    """
    lengths = lengths.cpu()
    shuffled = torch.randperm(len(lengths), generator=generator)
    full = len(lengths) // batch_size
    # The smaller batch is drawn before sorting, so that it is not the longest samples of a pool.
    rest = shuffled[full * batch_size :]
    batches: list[Tensor] = []
    for rows in torch.split(shuffled[: full * batch_size], batch_size * pool):
        by_length = rows[lengths[rows].argsort(stable=True)]
        batches.extend(torch.split(by_length, batch_size))
    order = torch.randperm(full, generator=generator)
    return torch.cat([*(batches[i] for i in order.tolist()), rest])
