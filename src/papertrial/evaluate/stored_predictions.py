"""Outputs and targets of an evaluated split, as the bytes of a safetensors file."""

from __future__ import annotations

import safetensors.torch
import torch
from torch import Tensor

from papertrial.data.column import Split


def predictions_to_bytes(output: Tensor, split: Split) -> bytes:
    """Return the predictions of a split as they are stored: the bytes of a safetensors file.

    It has the raw outputs [N, ...], the targets [N, ...] and the ids [N].
    """
    tensors = {
        "output": output.contiguous(),
        "target": split.y.cpu().contiguous(),
        "ids": torch.from_numpy(split.ids),
    }
    return bytes(safetensors.torch.save(tensors))
