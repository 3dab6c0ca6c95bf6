"""A U-Net: a network that returns something for each pixel, such as the logits of classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class UNet(nn.Module):
    """Encoder and decoder with skip connections: [B, C, H, W] to [B, K, H, W].

    A level has two 3x3 convolutions, each with batch norm and ReLU. On the way down, max pooling
    halves the size and the next level has twice the channels. On the way up, a transposed
    convolution doubles the size, and the output of the same level on the way down is appended.

    Source: Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image
    Segmentation" (2015), arXiv:1505.04597. As in most implementations, convolutions are padded, so
    that the output has the size of the image, and followed by batch norm.

    Args:
        in_channels: C of the images.
        out_channels: K, the number of classes.
        width: channels of the first level.
        depth: how often the size is halved; an image needs at least 2 ** depth pixels on each side.
    """

    def __init__(
        self, in_channels: int, out_channels: int, width: int = 64, depth: int = 4
    ) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.down = nn.ModuleList(
            _convolutions(before, after)
            for before, after in zip([in_channels, *widths], widths, strict=False)
        )
        self.grow = nn.ModuleList(
            nn.ConvTranspose2d(2 * size, size, 2, stride=2) for size in reversed(widths[:-1])
        )
        self.up = nn.ModuleList(_convolutions(2 * size, size) for size in reversed(widths[:-1]))
        self.head = nn.Conv2d(width, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of each pixel."""
        skipped: list[Tensor] = []
        for level, down in enumerate(self.down):
            x = down(F.max_pool2d(x, 2) if level else x)
            skipped.append(x)
        skipped.pop()
        for grow, up in zip(self.grow, self.up, strict=True):
            skip, x = skipped.pop(), grow(x)
            # Of an odd size, pooling left out the last row or column.
            missing = (skip.shape[3] - x.shape[3], skip.shape[2] - x.shape[2])
            x = up(torch.cat([skip, F.pad(x, (0, missing[0], 0, missing[1]))], 1))
        logits: Tensor = self.head(x)
        return logits


def _convolutions(in_channels: int, out_channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (in_channels, out_channels):
        layers += [
            nn.Conv2d(channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)
