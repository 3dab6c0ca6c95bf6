"""A network with the weights of a file."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from papertrial.errors import ModelError
from papertrial.weights.load_matching import load_matching, shown
from papertrial.weights.read_weights import read_weights


def Pretrained(model: nn.Module, weights: str) -> nn.Module:  # noqa: N802  (as the networks)
    """Return a network with all its weights loaded from a file, such as a teacher.

    Args:
        model: the network.
        weights: a `.safetensors` file, or a state dict that `torch.save` wrote.

    Raises:
        ModelError: the file is not a file of weights, or belongs to another network.
    """
    path = Path(weights)
    got = load_matching(model, read_weights(path, "weights").tensors, "weights")
    if got.missing or got.unused:
        raise ModelError(
            f"weights: {path} is of another network; "
            f"missing: {shown(got.missing) or 'nothing'}; unknown: {shown(got.unused) or 'nothing'}"
        )
    return model
