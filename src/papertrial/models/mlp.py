"""A multilayer perceptron."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


class MLP(nn.Sequential):
    """Flatten, then linear layers with ReLU between them: [B, ...] to logits [B, K].

    Args:
        in_features: size of a flattened sample, C * H * W for an image.
        hidden: width of each hidden layer.
        out_features: K logits.
    """

    def __init__(self, in_features: int, hidden: Sequence[int], out_features: int) -> None:
        layers: list[nn.Module] = [nn.Flatten()]
        width = in_features
        for size in hidden:
            layers += [nn.Linear(width, size), nn.ReLU()]
            width = size
        super().__init__(*layers, nn.Linear(width, out_features))
