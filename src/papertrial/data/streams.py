"""Named random streams, all derived from the one recipe seed.

A stream is a path such as ("shuffle", epoch) or ("model", epoch, step). Two paths give unrelated
numbers, and adding a stream never moves another: nothing is drawn from a shared generator.
"""

from __future__ import annotations

import hashlib

import torch


def derive(seed: int, *path: str | int) -> int:
    """Return a 63-bit seed for the stream `path` of `seed`: the first bytes of a BLAKE2b hash."""
    text = "/".join(map(str, (seed, *path)))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(seed: int, *path: str | int) -> torch.Generator:
    """Return a CPU generator at the start of the stream `path` of `seed`."""
    return torch.Generator().manual_seed(derive(seed, *path))
