"""Outputs and targets of an evaluated split, as the bytes of a safetensors file."""

from __future__ import annotations

import safetensors.torch
import torch
from torch import Tensor

from papertrial.data.column import Split


def predictions_to_bytes(output: Tensor, split: Split) -> bytes:
    """Return raw outputs [N, ...], targets [N, ...] and ids [N] as safetensors."""
    tensors = {
        "output": output.contiguous(),
        "target": split.y.cpu().contiguous(),
        "ids": torch.from_numpy(split.ids),
    }
    return bytes(safetensors.torch.save(tensors))
