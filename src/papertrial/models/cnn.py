"""A plain convolutional network: convolutions with ReLU and pooling, then linear layers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn


class CNN(nn.Sequential):
    """conv1, relu, pool; conv2, ...; flatten; fc1, relu; ...: [B, C, H, W] to logits [B, K].

    Args:
        in_channels: C of the images.
        size: [H, W] of the images, in pixels.
        channels: output channels of each convolution.
        hidden: width of each hidden linear layer.
        out_features: K logits.
        kernel_size: height and width of each kernel, in pixels.
        padding: pixels of zero padding on each side of a convolution's input.
        pool: size and stride of the max pooling after each convolution; 1 for no pooling.
        batch_norm: whether each convolution is followed by batch normalisation.
        dropout: dropout probability before each linear layer.

    Raises:
        ValueError: the images are too small for the layers.
    """

    def __init__(
        self,
        in_channels: int,
        size: Sequence[int],
        channels: Sequence[int],
        hidden: Sequence[int],
        out_features: int,
        kernel_size: int = 3,
        padding: int = 0,
        pool: int = 2,
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        height, width = size
        for number, out_channels in enumerate(channels, 1):
            conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding)
            layers[f"conv{number}"] = conv
            if batch_norm:
                layers[f"bn{number}"] = nn.BatchNorm2d(out_channels)
            layers[f"relu{number}"] = nn.ReLU()
            if pool > 1:
                layers[f"pool{number}"] = nn.MaxPool2d(pool)
            in_channels = out_channels
            height, width = ((s + 2 * padding - kernel_size + 1) // pool for s in (height, width))
            if min(height, width) < 1:
                raise ValueError(f"images {list(size)} are too small for {len(channels)} layers")
        layers["flatten"] = nn.Flatten()
        features = in_channels * height * width
        for number, out_features_ in enumerate([*hidden, out_features], 1):
            if dropout:
                layers[f"dropout{number}"] = nn.Dropout(dropout)
            layers[f"fc{number}"] = nn.Linear(features, out_features_)
            if number <= len(hidden):
                layers[f"fc_relu{number}"] = nn.ReLU()
            features = out_features_
        super().__init__(layers)
