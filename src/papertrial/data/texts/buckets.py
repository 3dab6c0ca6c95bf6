"""Batches of texts of near lengths, so that little of a batch is padding."""

from __future__ import annotations

import torch
from torch import Tensor


def bucketed_order(
    lengths: Tensor, batch_size: int, pool: int, generator: torch.Generator
) -> Tensor:
    """Return an order of the samples whose successive batches hold samples of near lengths.

    All are shuffled and cut into pools; each pool is sorted by length and cut into batches, and the
    batches are shuffled. Where `batch_size` does not divide N, the smaller batch comes last.

    Args:
        lengths: of the samples, [N].
        batch_size: samples a batch.
        pool: batches a pool: more of them, less padding and less chance in who meets whom.
        generator: where the draws come from, on the CPU.

    Returns:
        a permutation of 0 to N - 1, [N] int64, on the CPU.
    """
    lengths = lengths.cpu()
    shuffled = torch.randperm(len(lengths), generator=generator)
    full = len(lengths) // batch_size
    # The smaller batch is drawn before the sorting, so that it is not the longest of a pool.
    rest = shuffled[full * batch_size :]
    batches: list[Tensor] = []
    for rows in torch.split(shuffled[: full * batch_size], batch_size * pool):
        by_length = rows[lengths[rows].argsort(stable=True)]
        batches.extend(torch.split(by_length, batch_size))
    order = torch.randperm(full, generator=generator)
    return torch.cat([*(batches[i] for i in order.tolist()), rest])
