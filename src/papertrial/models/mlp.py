"""A multilayer perceptron."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class MLP(nn.Module):
    """Flatten, then linear layers with ReLU between them.

    Args:
        in_features: numbers a sample, C * H * W for an image.
        hidden: width of each hidden layer.
        out_features: K logits.
    """

    def __init__(self, in_features: int, hidden: Sequence[int], out_features: int) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        layers: list[nn.Module] = []
        width = in_features
        for size in hidden:
            layers += [nn.Linear(width, size), nn.ReLU()]
            width = size
        self.layers = nn.Sequential(*layers, nn.Linear(width, out_features))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, ...] to logits [B, K]."""
        logits: Tensor = self.layers(self.flatten(x))
        return logits
