"""Content fingerprints: equal for the same samples in the same order, however they are stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


def fingerprint(dtype: torch.dtype, shape: tuple[int, ...], chunks: Iterable[Tensor]) -> str:
    """Return the fingerprint of a column: the SHA-256 of its dtype, sample shape and bytes.

    Args:
        dtype: the dtype of the values.
        shape: the shape of one sample.
        chunks: the samples in order, as tensors [n, *shape] of any lengths.
    """
    digest = hashlib.sha256(f"{dtype} {list(shape)}\n".encode())
    for chunk in chunks:
        # Viewed as bytes, because numpy has no bfloat16; its buffer needs no copy.
        bytes_: Any = chunk.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy()
        digest.update(bytes_)
    return digest.hexdigest()
