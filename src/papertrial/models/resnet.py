"""The residual networks of He et al. 2016 for CIFAR-10 (arXiv 1512.03385, section 4.2)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut without parameters: [B, C, H, W] to [B, C', H', W'].

    If the size is halved, the shortcut takes every second pixel and pads the additional channels
    with zeros (option A of the paper).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.added = out_channels - in_channels
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output of the block."""
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.stride > 1 or self.added:
            shortcut = x[:, :, :: self.stride, :: self.stride]
            before = self.added // 2
            x = F.pad(shortcut, (0, 0, 0, 0, before, self.added - before))
        return F.relu(out + x)


class ResNet(nn.Module):
    """ResNet-20, 32, 44, 56 or 110 for CIFAR-10: [B, C, H, W] to logits [B, K].

    A 3x3 convolution, three stages of n blocks with 16, 32 and 64 channels, global average pooling,
    one linear layer. As in the paper, weights are initialised as in He et al. 2015 (arXiv
    1502.01852).

    Args:
        depth: number of layers, 6n + 2.
        in_channels: C of the images.
        out_features: K logits.

    Raises:
        ValueError: the depth is not 6n + 2.
    """

    def __init__(self, depth: int = 20, in_channels: int = 3, out_features: int = 10) -> None:
        super().__init__()
        blocks, rest = divmod(depth - 2, 6)
        if rest or blocks < 1:
            raise ValueError(f"depth = 6n + 2 must hold (20, 32, 44, 56, 110), got {depth}")
        self.conv1 = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.stage1 = _stage(blocks, 16, 16, stride=1)
        self.stage2 = _stage(blocks, 16, 32, stride=2)
        self.stage3 = _stage(blocks, 32, 64, stride=2)
        self.fc = nn.Linear(64, out_features)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.stage3(self.stage2(self.stage1(x)))
        return self.fc(x.mean((2, 3)))  # type: ignore[no-any-return]


def _stage(blocks: int, in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """Return a stage of a ResNet: blocks, of which the first changes the size and the channels."""
    first = BasicBlock(in_channels, out_channels, stride)
    rest = [BasicBlock(out_channels, out_channels, 1) for _ in range(blocks - 1)]
    return nn.Sequential(first, *rest)
