"""The numbers that a transform is fitted to: lists as they are stored, or tensors on a device."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

FittedNumbers = Mapping[str, list[float] | Tensor]


def to_device(fitted: FittedNumbers, device: torch.device, *names: str) -> dict[str, Tensor]:
    """Return the state of a transform as tensors on the device; KeyError if a name is absent."""
    return {name: torch.as_tensor(fitted[name], device=device) for name in names}


def like(values: list[float] | Tensor, x: Tensor) -> Tensor:
    """Return fitted numbers of a transform as a tensor with the dtype and the device of `x`."""
    return torch.as_tensor(values, dtype=x.dtype, device=x.device)
