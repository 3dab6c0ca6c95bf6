"""Image transforms that process a whole batch: one draw for each sample, then one operation.

Images are [B, C, H, W]. Augmentations take them as stored, uint8. `Normalize` takes floats in
[0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from papertrial.data.transform_state import FittedNumbers, like, to_device
from papertrial.errors import DataError


class Normalize:
    """Normalize images in [0, 1] by channel: (x - mean) / std.

    Args:
        mean: one number for all channels, or one for each. If omitted, mean and std are computed on
            the training images.
        std: like `mean`; the computed one is the population standard deviation over all pixels.
    """

    kind = "image"

    def __init__(
        self,
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
    ) -> None:
        if (mean is None) != (std is None):
            raise ValueError(
                "give both mean and std, or neither to compute them on the training part"
            )
        if std is not None and min([std] if isinstance(std, int | float) else std) <= 0:
            raise ValueError(f"std must be greater than 0, got {std}")
        self.mean = mean
        self.std = std

    def fit(self, batches: Iterable[Tensor]) -> dict[str, list[float]]:
        """Return {"mean": [C], "std": [C]}, from the training images [n, C, H, W]."""
        if self.mean is not None and self.std is not None:
            channels = next(iter(batches)).shape[1]
            return {
                "mean": _per_channel("mean", self.mean, channels),
                "std": _per_channel("std", self.std, channels),
            }
        # Batches are merged as in Chan et al. 1979: squares are about the mean, not about 0.
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

    def on(self, device: torch.device, state: FittedNumbers) -> dict[str, Tensor]:
        """Return the state as tensors on the device."""
        return to_device(state, device, "mean", "std")

    def apply(self, x: Tensor, state: FittedNumbers) -> Tensor:
        """Return the normalized images [B, C, H, W]; `state` is what `fit` returned."""
        mean = like(state["mean"], x).view(-1, 1, 1)
        std = like(state["std"], x).view(-1, 1, 1)
        return (x - mean) / std


class RandomCrop:
    """Pad an image, and crop a window of the original size at a random position.

    Args:
        padding: pixels added on each side.
        fill: brightness of the padding, 0 (black) to 1.
        padding_mode: "constant", "reflect", "replicate" or "circular".
    """

    draws = 2

    def __init__(self, padding: int, fill: float = 0.0, padding_mode: str = "constant") -> None:
        if padding < 1:
            raise ValueError(f"padding must be at least 1, got {padding}")
        modes = ("constant", "reflect", "replicate", "circular")
        _check_level("fill", fill)
        if padding_mode not in modes:
            raise ValueError(f"padding_mode must be one of {modes}, got {padding_mode!r}")
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def draw(self, u: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the top left corners [B, 2] of the windows, in pixels, from uniforms u [B, 2]."""
        return (u * (2 * self.padding + 1)).long()

    def apply(self, x: Tensor, corner: Tensor) -> Tensor:
        """Return the windows [B, C, H, W]."""
        batch, _, height, width = x.shape
        pad = (self.padding,) * 4
        if self.padding_mode in ("reflect", "circular"):
            most = min(height, width) - (self.padding_mode == "reflect")
            if self.padding > most:
                raise DataError(
                    f"RandomCrop: padding_mode {self.padding_mode!r} allows at most {most} pixels "
                    f"of padding for images of {height} x {width}, got {self.padding}"
                )
        if self.padding_mode == "constant":
            padded = F.pad(x, pad, value=_level(self.fill, x))
        else:  # torch has these modes only for floats, which represent bytes exactly
            padded = F.pad(x.float(), pad, mode=self.padding_mode).to(x.dtype)
        rows = corner[:, :1] + torch.arange(height, device=x.device)
        columns = corner[:, 1:] + torch.arange(width, device=x.device)
        sample = torch.arange(batch, device=x.device)[:, None, None]
        return padded[sample, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


class RandomHorizontalFlip:
    """Mirror an image horizontally with probability p."""

    draws = 1

    def __init__(self, p: float = 0.5) -> None:
        _check_probability(p)
        self.p = p

    def draw(self, u: Tensor, size: tuple[int, int]) -> Tensor:
        """Return whether to flip each image, [B, 1] bool, from uniforms u [B, 1]."""
        return u < self.p

    def apply(self, x: Tensor, flip: Tensor) -> Tensor:
        """Return the images [B, C, H, W], some of them mirrored."""
        return torch.where(flip[:, :, None, None], x.flip(3), x)


class AlternatingFlip:
    """Mirror each image horizontally in every second epoch (Jordan 2024, airbench94).

    Which images are mirrored in the first epoch is drawn once for each image, with probability 1/2;
    the next epoch mirrors the others. So two successive epochs show both forms of each image.
    Source: https://arxiv.org/abs/2404.00498, section 3.6.
    """

    draws = 0
    constant_draws = 1

    def draw(self, u: Tensor, size: tuple[int, int], epoch: int) -> Tensor:
        """Return whether to flip each image, [B, 1] bool, from uniforms u [B, 1] of all epochs."""
        return (u < 0.5) ^ (epoch % 2 == 1)

    def apply(self, x: Tensor, flip: Tensor) -> Tensor:
        """Return the images [B, C, H, W], some of them mirrored."""
        return torch.where(flip[:, :, None, None], x.flip(3), x)


class Cutout:
    """Fill a square whose centre is anywhere in the image (DeVries & Taylor 2017).

    Args:
        size: side of the square in pixels; it is clipped at the border of the image.
        value: brightness of the square, 0 (black) to 1.
    """

    draws = 2

    def __init__(self, size: int, value: float = 0.0) -> None:
        if size < 1:
            raise ValueError(f"size must be at least 1, got {size}")
        _check_level("value", value)
        self.size = size
        self.value = value

    def draw(self, u: Tensor, size: tuple[int, int]) -> Tensor:
        """Return boxes [B, 4] from uniforms u [B, 2]: top, left, bottom, right, ends excluded."""
        centre = (u * torch.tensor(size, dtype=u.dtype, device=u.device)).long()
        corner = centre - self.size // 2
        return torch.cat([corner, corner + self.size], 1)

    def apply(self, x: Tensor, boxes: Tensor) -> Tensor:
        """Return the images [B, C, H, W] with their boxes filled."""
        return _fill(x, boxes, self.value)


class RandomErasing:
    """Fill a random rectangle with probability p (Zhong et al. 2017), like torchvision.

    Args:
        p: probability that an image gets a rectangle.
        scale: smallest and largest fraction of the image's area.
        ratio: smallest and largest ratio of height to width; drawn log-uniformly.
        value: brightness of the rectangle, 0 (black) to 1.
    """

    _tries = 10  # as in torchvision, a rectangle that does not fit is drawn again
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
            raise ValueError(f"scale must satisfy 0 < scale[0] <= scale[1] <= 1, got {scale}")
        if not 0 < ratio[0] <= ratio[1]:
            raise ValueError(f"ratio must satisfy 0 < ratio[0] <= ratio[1], got {ratio}")
        self.p = p
        self.scale = tuple(scale)
        self.ratio = tuple(ratio)
        self.value = value

    def draw(self, u: Tensor, size: tuple[int, int]) -> Tensor:
        """Return boxes [B, 4] from uniforms u [B, 23]; a box is empty if nothing is erased."""
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
    """Return the brightness that a transform fills with, 0 to 1, in the units of images `x`."""
    return round(value * 255) if x.dtype == torch.uint8 else value


def _check_probability(p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"p must be between 0 and 1, got {p}")


def _check_level(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be between 0 (black) and 1, got {value}")


def _per_channel(name: str, value: float | Sequence[float], channels: int) -> list[float]:
    values = (
        [float(value)] * channels if isinstance(value, int | float) else list(map(float, value))
    )
    if len(values) != channels:
        raise DataError(
            f"Normalize: {name} has {len(values)} numbers, but the images have {channels} "
            f"channel{'s' if channels != 1 else ''}; give one number, or one for each channel"
        )
    return values
