"""Contrastive learning: two views of a sample must be closer than views of different samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.model_call import main_output


class Contrastive:
    """Make two random views of each sample, and tell its pair from all other views (NT-Xent).

    The model may return (representation, projection): the loss takes the projection, the last
    tensor, and evaluations take the representation, the first one. With one tensor, it is both.

    Source: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations"
    (2020), arXiv:2002.05709, equation 1 and algorithm 1.

    Args:
        augment: random changes of one sample [C, H, W], such as transforms of torchvision.v2,
            applied in order to the prepared input.
        temperature: > 0.

    Raises:
        ValueError: temperature is not positive, there is no augmentation, or one is a class.
    """

    def __init__(
        self, augment: Sequence[Callable[[Tensor], Tensor]], temperature: float = 0.5
    ) -> None:
        if not temperature > 0:
            raise ValueError(f"temperature > 0 must hold, got {temperature}")
        if not augment:
            raise ValueError("augment must have at least one change, or both views are the same")
        for index, change in enumerate(augment):
            if isinstance(change, type):
                rule = f"augment.{index} is the class {change.__name__}, not an object of it"
                raise ValueError(f"{rule}; write the slot as {{use: ...}}")
        self._augment = tuple(augment)
        self._temperature = temperature

    def __call__(
        self, model: nn.Module, x: Tensor, y: Any, loss: Callable[[Any, Any], Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the loss of a batch, and the output [B, ...] for the first views.

        Raises:
            ValueError: the batch has a single sample.
        """
        if len(x) < 2:
            raise ValueError("a contrastive loss needs at least two samples in every batch, got 1")
        returned = model(torch.cat([self._view(x), self._view(x)]))
        inside = list(returned.values()) if isinstance(returned, Mapping) else returned
        last = inside[-1] if isinstance(inside, tuple | list) else inside
        return nt_xent(last, self._temperature), main_output(returned)[: len(x)]

    def _view(self, x: Tensor) -> Tensor:
        """Return a random view of each sample, [B, C, H, W]."""
        views = []
        for sample in x.unbind(0):
            view = sample
            for change in self._augment:
                view = change(view)
            views.append(view)
        return torch.stack(views)


def nt_xent(z: Tensor, temperature: float) -> Tensor:
    """Return the normalised temperature-scaled cross-entropy of projections.

    Args:
        z: projections [2B, D]; rows i and i + B are views of the same sample.
        temperature: divides the cosine similarities.

    Returns:
        The mean over all 2B views, equation 1 of arXiv:2002.05709.
    """
    rows = len(z)
    unit = F.normalize(z.flatten(1).float(), dim=1)
    similar = unit @ unit.T / temperature
    itself = torch.eye(rows, dtype=torch.bool, device=z.device)
    pair = torch.arange(rows, device=z.device).roll(rows // 2)
    return F.cross_entropy(similar.masked_fill(itself, -torch.inf), pair)
