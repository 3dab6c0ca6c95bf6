"""Mixup and CutMix: batches whose samples are mixed with one another."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

Loss = Callable[[Any, Any], Tensor]


class Mixup:
    """Mix each sample with another one of its batch, and the losses of their targets likewise.

    With lambda from Beta(alpha, alpha), drawn once a batch, the input is lambda x + (1 - lambda) x'
    and the loss is lambda loss(output, y) + (1 - lambda) loss(output, y').

    Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization" (2018), arXiv:1710.09412, with
    the loss of the authors' code.

    Args:
        alpha: > 0; the paper has 0.2 for ImageNet and 1 for CIFAR-10.

    Raises:
        ValueError: alpha is not positive.
    """

    def __init__(self, alpha: float = 0.2) -> None:
        self._alpha = _positive(alpha)

    def __call__(self, model: nn.Module, x: Tensor, y: Any, loss: Loss) -> tuple[Tensor, Any]:
        """Return the loss of a mixed batch, and the output for it [B, ...]."""
        share, other = _drawn(self._alpha, _floats(x, "Mixup"))
        output = model(share * x + (1 - share) * x[other])
        return share * loss(output, y) + (1 - share) * loss(output, _rows(y, other)), output


class CutMix:
    """Replace a rectangle of each image by that of another one, and mix the losses by area.

    Source: Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers" (2019),
    arXiv:1905.04899, algorithm A1: a rectangle of the share 1 - lambda of the area, with lambda
    from Beta(alpha, alpha), at a uniform centre and cut at the border; lambda is then the exact
    share of the pixels that are kept.

    Args:
        alpha: > 0; the paper has 1.
        probability: of a batch to be mixed; the authors' code has 0.5 for CIFAR and 1 for ImageNet.

    Raises:
        ValueError: alpha is not positive, or the probability is not in [0, 1].
    """

    def __init__(self, alpha: float = 1.0, probability: float = 1.0) -> None:
        self._alpha = _positive(alpha)
        if not 0 <= probability <= 1:
            raise ValueError(f"0 <= probability <= 1 must hold, got {probability}")
        self._probability = probability

    def __call__(self, model: nn.Module, x: Tensor, y: Any, loss: Loss) -> tuple[Tensor, Any]:
        """Return the loss of a mixed batch of images [B, C, H, W], and the output for it."""
        if _floats(x, "CutMix").ndim != 4:
            raise ValueError(f"CutMix takes images [B, C, H, W], got {list(x.shape)}")
        share, other = _drawn(self._alpha, x)
        height, width = x.shape[2:]
        chance, down, right = torch.rand(3).tolist()
        if chance >= self._probability:
            output = model(x)
            return loss(output, y), output
        rows = _span(int(down * height), int(height * math.sqrt(1 - share)), height)
        columns = _span(int(right * width), int(width * math.sqrt(1 - share)), width)
        mixed = x.clone()
        mixed[:, :, rows, columns] = x[other][:, :, rows, columns]
        cut = (rows.stop - rows.start) * (columns.stop - columns.start)
        share = 1 - cut / (height * width)
        output = model(mixed)
        return share * loss(output, y) + (1 - share) * loss(output, _rows(y, other)), output


def _positive(alpha: float) -> float:
    if not alpha > 0:
        raise ValueError(f"alpha > 0 must hold, got {alpha}")
    return alpha


def _floats(x: Tensor, name: str) -> Tensor:
    if not isinstance(x, Tensor) or not x.is_floating_point():
        got = str(x.dtype) if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"{name} mixes inputs that are floating-point numbers, got {got}")
    return x


def _drawn(alpha: float, x: Tensor) -> tuple[float, Tensor]:
    """Draw lambda, and the sample [B] that each one is mixed with; the same on every device."""
    share = torch.distributions.Beta(alpha, alpha).sample().item()
    return share, torch.randperm(len(x)).to(x.device)


def _rows(y: Any, rows: Tensor) -> Any:
    """Return rows of the targets, which are one tensor or several by name."""
    return {name: one[rows] for name, one in y.items()} if isinstance(y, Mapping) else y[rows]


def _span(center: int, size: int, limit: int) -> slice:
    """Return the pixels of a side of the rectangle, cut at the borders of the image."""
    return slice(max(center - size // 2, 0), min(center + size // 2, limit))
