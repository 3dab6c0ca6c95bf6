"""Loss and metrics of models with a class at each position: tokens of a text, nodes of a graph.

Recipes with `task: prediction` name them, as `papertrial.positions.cross_entropy`. Outputs are
logits [B, ..., K], targets are class indices [B, ...]; positions whose target is -100 do not count.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_IGNORED = -100


def cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """Return the mean cross entropy over all positions, in nats."""
    return F.cross_entropy(output.flatten(0, -2), target.flatten().long())


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Return the fraction of positions whose class has the largest logit; NaN without any."""
    counts = target != _IGNORED
    return (output.argmax(-1) == target)[counts].double().mean()


def sums(output: Tensor, target: Tensor) -> Tensor:
    """Return for each sample the sum of the cross entropies and the number of positions, [B, 2].

    For `keep`, instead of outputs that are large; see `perplexity`.
    """
    flat = F.cross_entropy(output.flatten(0, -2), target.flatten().long(), reduction="none")
    losses = flat.view(len(output), -1).double().sum(1)
    counts = (target != _IGNORED).flatten(1).sum(1)
    return torch.stack([losses, counts], 1)


def perplexity(kept: Tensor, target: Tensor) -> Tensor:
    """Return the exponential of the mean cross entropy over all positions, of what `sums` kept."""
    losses, counts = kept.double().sum(0)
    mean: Tensor = losses / counts
    return mean.exp()
