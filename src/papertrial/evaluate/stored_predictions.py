"""Outputs and targets of an evaluated split, as the bytes of a safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from papertrial.data.column import Split
from papertrial.evaluate.evaluator import Outputs

_TARGET = "target"


def targets_in(tensors: Mapping[str, Tensor]) -> Any:
    """Return the targets among the tensors of a file: one tensor, or several by name.

    Names are sorted, as those of a set are, because a safetensors file does not keep their order.

    Raises:
        KeyError: there are none.
    """
    start = f"{_TARGET}."
    named = {k.removeprefix(start): v for k, v in sorted(tensors.items()) if k.startswith(start)}
    return named or tensors[_TARGET]


def predictions_to_bytes(kept: Outputs, split: Split) -> bytes:
    """Return the predictions of a split as they are stored: the bytes of a safetensors file.

    It has the outputs [N, ...] as an evaluation keeps them, the targets [N, ...] and the ids [N].
    Targets that are several tensors by name are stored as "target.NAME", and the losses of batches
    as "losses".
    """
    y = (
        {f"{_TARGET}.{name}": one for name, one in split.y.items()}
        if isinstance(split.y, Mapping)
        else {_TARGET: split.y}
    )
    tensors = {
        "output": kept.output.contiguous(),
        **{name: one.cpu().contiguous() for name, one in y.items()},
        "ids": torch.from_numpy(split.ids),
    }
    if kept.losses is not None:
        tensors["losses"] = kept.losses
    return bytes(safetensors.torch.save(tensors))
