"""Test-time augmentation: the mean of a model's outputs for several views of each sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from papertrial.errors import ModelError

Forward = Callable[[Any], Tensor]  # from a model's input to its output [B, ...]


@dataclass(frozen=True)
class Views:
    """The views of a sample whose outputs are averaged, as the model returns them (logits).

    The formula of `flip` and `shift` is that of Jordan 2024, airbench94
    (https://arxiv.org/abs/2404.00498): the image counts half, the two shifted ones a quarter each,
    and of each of them the mirror image counts as much as the image. With `own` views, the result
    is the mean of this for the sample and for each of its views.

    Args:
        flip: also mirror the images horizontally.
        shift: also shift the images by this many pixels, down and to the right, and up and to the
            left, after padding by reflection; 0 for no shift.
        own: each returns a view of a prepared batch, with a row for each sample.
    """

    flip: bool = False
    shift: int = 0
    own: Sequence[Callable[[Any], Any]] = ()

    def outputs(self, forward: Forward, x: Any) -> Tensor:
        """Return the averaged outputs [B, ...] for a prepared batch x.

        Raises:
            ModelError: samples are not images, are too small for the shift, or the outputs for a
                view have another shape.
        """
        if (self.flip or self.shift) and not (isinstance(x, Tensor) and x.ndim == 4):
            raise ModelError("evaluate.augment: flip and shift are for images [B, C, H, W]")
        outputs = [self._with_shifts(forward, x)]
        for index, view in enumerate(self.own):
            outputs.append(self._with_shifts(forward, view(x)))
            if outputs[-1].shape != outputs[0].shape:
                raise ModelError(
                    f"evaluate.augment.views.{index}: the model gives outputs "
                    f"{list(outputs[-1].shape)} for this view, and {list(outputs[0].shape)} without"
                )
        return torch.stack(outputs).mean(0) if self.own else outputs[0]

    def _with_shifts(self, forward: Forward, x: Any) -> Tensor:
        output = self._with_mirror(forward, x)
        if not self.shift:
            return output
        height, width, by = x.shape[2], x.shape[3], self.shift
        if by >= min(height, width):
            raise ModelError(
                f"evaluate.augment.shift: must be less than the size of the images, {height} x "
                f"{width}, got {by}"
            )
        padded = F.pad(x, (by,) * 4, "reflect")
        moved = (padded[..., :height, :width], padded[..., 2 * by :, 2 * by :])
        others = torch.stack([self._with_mirror(forward, one) for one in moved]).mean(0)
        return 0.5 * output + 0.5 * others

    def _with_mirror(self, forward: Forward, x: Any) -> Tensor:
        return 0.5 * forward(x) + 0.5 * forward(x.flip(-1)) if self.flip else forward(x)
