"""Whole-batch image transforms: each is a draw per sample and an apply over the batch.

Images are [B, C, H, W]. Augmentations take them as stored, uint8; `Normalize` as floats in [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from papertrial.errors import DataError


class Normalize:
    """(x - mean) / std per channel, on images in [0, 1].

    Args:
        mean: one number for all channels, or one a channel; left out, it is learnt on train.
        std: likewise; the population standard deviation over all pixels.
    """

    kind = "image"

    def __init__(
        self,
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
    ) -> None:
        if (mean is None) != (std is None):
            raise ValueError("give both mean and std, or neither to learn them on train")
        if std is not None and min([std] if isinstance(std, int | float) else std) <= 0:
            raise ValueError(f"std > 0 must hold, got {std}")
        self.mean = mean
        self.std = std

    def fit(self, batches: Iterable[Tensor]) -> dict[str, Any]:
        """Return {"mean": [C], "std": [C]} of the training images [n, C, H, W]."""
        if self.mean is not None and self.std is not None:
            channels = next(iter(batches)).shape[1]
            return {
                "mean": _per_channel("mean", self.mean, channels),
                "std": _per_channel("std", self.std, channels),
            }
        # Merged batch by batch as Chan et al. 1979 do: squares are taken about a mean, not about 0.
        count, mean, squares = 0, torch.zeros(()), torch.zeros(())
        lowest, highest = torch.tensor(torch.inf), torch.tensor(-torch.inf)
        for x in batches:
            pixels = x.double().transpose(0, 1).flatten(1)
            added = pixels.shape[1]
            shift = pixels.mean(1) - mean
            squares = squares + pixels.var(1, correction=0) * added
            squares = squares + shift.square() * (count * added / (count + added))
            mean = mean + shift * (added / (count + added))
            count += added
            lowest = torch.minimum(lowest, pixels.amin(1))
            highest = torch.maximum(highest, pixels.amax(1))
        std = torch.where(lowest < highest, (squares / count).sqrt(), 1.0)
        return {"mean": mean.tolist(), "std": std.tolist()}

    def on(self, device: torch.device, state: dict[str, Any]) -> dict[str, Any]:
        """Return the state as tensors on the device."""
        return {key: torch.as_tensor(value, device=device) for key, value in state.items()}

    def apply(self, x: Tensor, state: dict[str, Any]) -> Tensor:
        """Return the normalised images; `state` is what `fit` returned."""
        mean = torch.as_tensor(state["mean"], dtype=x.dtype, device=x.device).view(-1, 1, 1)
        std = torch.as_tensor(state["std"], dtype=x.dtype, device=x.device).view(-1, 1, 1)
        return (x - mean) / std


class RandomCrop:
    """Crop a window of the image's own size at a random place of the padded image.

    Args:
        padding: pixels added on each side.
        fill: value of the padding, 0 (black) to 1.
        padding_mode: "constant", "reflect", "replicate" or "circular".
    """

    draws = 2

    def __init__(self, padding: int, fill: float = 0.0, padding_mode: str = "constant") -> None:
        if padding < 1:
            raise ValueError(f"padding >= 1 must hold, got {padding}")
        modes = ("constant", "reflect", "replicate", "circular")
        _check_level("fill", fill)
        if padding_mode not in modes:
            raise ValueError(f"padding_mode must be one of {modes}, got {padding_mode!r}")
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def draw(self, u: Tensor, size: tuple[int, int]) -> Tensor:
        """Turn uniforms u [B, 2] into the window's top and left corner [B, 2], in pixels."""
        return (u * (2 * self.padding + 1)).long()

    def apply(self, x: Tensor, corner: Tensor) -> Tensor:
        """Return the windows [B, C, H, W]."""
        batch, _, height, width = x.shape
        pad = (self.padding,) * 4
        if self.padding_mode in ("reflect", "circular"):
            most = min(height, width) - (self.padding_mode == "reflect")
            if self.padding > most:
                raise DataError(
                    f"RandomCrop: padding_mode {self.padding_mode!r} takes at most {most} pixels "
                    f"from images {height} x {width}, got padding {self.padding}"
                )
        if self.padding_mode == "constant":
            padded = F.pad(x, pad, value=_level(self.fill, x))
        else:  # torch pads so only in floating point, in which a byte is exact
            padded = F.pad(x.float(), pad, mode=self.padding_mode).to(x.dtype)
        rows = corner[:, :1] + torch.arange(height, device=x.device)
        columns = corner[:, 1:] + torch.arange(width, device=x.device)
        sample = torch.arange(batch, device=x.device)[:, None, None]
        return padded[sample, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


class RandomHorizontalFlip:
    """Mirror an image left to right with probability p."""

    draws = 1

    def __init__(self, p: float = 0.5) -> None:
        _check_probability(p)
        self.p = p

    def draw(self, u: Tensor, size: tuple[int, int]) -> Tensor:
        """Turn uniforms u [B, 1] into whether to flip, [B, 1] bool."""
        return u < self.p

    def apply(self, x: Tensor, flip: Tensor) -> Tensor:
        """Return the images [B, C, H, W], some of them mirrored."""
        return torch.where(flip[:, :, None, None], x.flip(3), x)


class Cutout:
    """Blank a square at a random place, its centre anywhere in the image (DeVries & Taylor 2017).

    Args:
        size: side of the square in pixels; what falls outside the image is lost.
        value: what it is filled with, 0 (black) to 1.
    """

    draws = 2

    def __init__(self, size: int, value: float = 0.0) -> None:
        if size < 1:
            raise ValueError(f"size >= 1 must hold, got {size}")
        _check_level("value", value)
        self.size = size
        self.value = value

    def draw(self, u: Tensor, size: tuple[int, int]) -> Tensor:
        """Turn uniforms u [B, 2] into boxes [B, 4]: top, left, bottom, right, end excluded."""
        centre = (u * torch.tensor(size, dtype=u.dtype, device=u.device)).long()
        corner = centre - self.size // 2
        return torch.cat([corner, corner + self.size], 1)

    def apply(self, x: Tensor, boxes: Tensor) -> Tensor:
        """Return the images [B, C, H, W] with their boxes filled."""
        return _fill(x, boxes, self.value)


class RandomErasing:
    """Blank a random rectangle with probability p (Zhong et al. 2017), as torchvision does.

    Args:
        p: probability that an image is erased at all.
        scale: smallest and largest share of the area.
        ratio: smallest and largest height over width; drawn log-uniformly.
        value: what it is filled with, 0 (black) to 1.
    """

    _tries = 10  # torchvision's: a rectangle that does not fit is drawn again
    draws = 1 + 2 * _tries + 2

    def __init__(
        self,
        p: float = 0.5,
        scale: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 3.3),
        value: float = 0.0,
    ) -> None:
        _check_probability(p)
        _check_level("value", value)
        if not 0 < scale[0] <= scale[1] <= 1:
            raise ValueError(f"0 < scale[0] <= scale[1] <= 1 must hold, got {scale}")
        if not 0 < ratio[0] <= ratio[1]:
            raise ValueError(f"0 < ratio[0] <= ratio[1] must hold, got {ratio}")
        self.p = p
        self.scale = tuple(scale)
        self.ratio = tuple(ratio)
        self.value = value

    def draw(self, u: Tensor, size: tuple[int, int]) -> Tensor:
        """Turn uniforms u [B, 23] into boxes [B, 4]; an empty box where nothing is erased."""
        height, width = size
        share = self.scale[0] + u[:, 1:11] * (self.scale[1] - self.scale[0])
        low, high = math.log(self.ratio[0]), math.log(self.ratio[1])
        aspect = (low + u[:, 11:21] * (high - low)).exp()
        area = share * height * width
        heights = (area * aspect).sqrt().round()
        widths = (area / aspect).sqrt().round()
        fits = (heights < height) & (widths < width)
        first = fits.float().argmax(1, keepdim=True)
        erased = (u[:, :1] < self.p) & fits.any(1, keepdim=True)
        h = heights.gather(1, first) * erased
        w = widths.gather(1, first) * erased
        top = (u[:, 21:22] * (height - h + 1)).floor()
        left = (u[:, 22:23] * (width - w + 1)).floor()
        return torch.cat([top, left, top + h, left + w], 1).long()

    def apply(self, x: Tensor, boxes: Tensor) -> Tensor:
        """Return the images [B, C, H, W] with their boxes filled."""
        return _fill(x, boxes, self.value)


def _fill(x: Tensor, boxes: Tensor, value: float) -> Tensor:
    top, left, bottom, right = boxes[:, :, None, None].unbind(1)
    row = torch.arange(x.shape[2], device=x.device)[:, None]
    column = torch.arange(x.shape[3], device=x.device)
    inside = (row >= top) & (row < bottom) & (column >= left) & (column < right)
    return x.masked_fill(inside[:, None], _level(value, x))


def _level(value: float, x: Tensor) -> float:
    """A brightness from 0 to 1 in the units of `x`: bytes go to 255."""
    return round(value * 255) if x.dtype == torch.uint8 else value


def _check_probability(p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"0 <= p <= 1 must hold, got {p}")


def _check_level(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"0 <= {name} <= 1 must hold (0 is black), got {value}")


def _per_channel(name: str, value: float | Sequence[float], channels: int) -> list[float]:
    values = (
        [float(value)] * channels if isinstance(value, int | float) else list(map(float, value))
    )
    if len(values) != channels:
        raise DataError(
            f"Normalize: {name} has {len(values)} numbers, but the images have {channels} "
            f"channel{'s' if channels != 1 else ''}; give one number, or one a channel"
        )
    return values
