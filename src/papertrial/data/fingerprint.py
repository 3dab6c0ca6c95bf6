"""Content fingerprints: the same samples in the same order, wherever and however they lie."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


def fingerprint(dtype: torch.dtype, shape: tuple[int, ...], chunks: Iterable[Tensor]) -> str:
    """Return the SHA-256 of a column's type, sample shape and bytes.

    Args:
        dtype: of the values.
        shape: of one sample.
        chunks: the samples in order, as tensors [n, *shape], cut anywhere.
    """
    digest = hashlib.sha256(f"{dtype} {list(shape)}\n".encode())
    for chunk in chunks:
        # A view as bytes: numpy has no bfloat16, and its buffer needs no copy.
        bytes_: Any = chunk.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy()
        digest.update(bytes_)
    return digest.hexdigest()
