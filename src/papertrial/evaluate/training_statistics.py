"""statistics.json: what the training samples of a run looked like, and how other samples differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor

from papertrial.data.column import Dataset, SampleColumn
from papertrial.numbers import number
from papertrial.record import Part, Record

_IMAGES, _ROWS, _CHUNK = 500, 20_000, 64
_FEWEST = 20  # samples; fewer say little about others
_LEVELS = 64  # grey levels that an image may differ by, whatever the training images
_FAR = 10  # standard deviations of a column
_ASPECT, _SIZE = 2.0, 8.0
_SHOWN = 3  # columns


class Spread(Part):
    """A mean over samples, and their standard deviation."""

    mean: float
    sd: float


class ImageStatistics(Part):
    """Training images, in levels from 0 to 255 and averaged over channels.

    Attributes:
        brightness: mean of the pixels of an image.
        border: mean of its outermost pixels.
        lightest: the largest value of a pixel in any image.
        usual_lightest: what the largest value of an image is not below, in 99 of 100 images.
        coloured: share of images whose channels differ.
        shape: [C, H, W]; (C, 0, 0) if their sizes vary.
        resized: whether they were resized to this shape.
    """

    brightness: Spread
    border: Spread
    lightest: int
    usual_lightest: int
    coloured: float
    shape: tuple[int, int, int]
    resized: bool


class ColumnStatistics(Part):
    """The values of a column in the training part, without missing ones."""

    min: float
    mean: float
    sd: float
    max: float


class TrainingStatistics(Record):
    """statistics.json: measured on `samples` training samples, evenly spaced; one of the two."""

    samples: int
    images: ImageStatistics | None = None
    columns: dict[str, ColumnStatistics | None] | None = None  # None if all values are missing

    @classmethod
    def of(cls, dataset: Dataset, *, resized: bool) -> Self | None:
        """Return the statistics of a training part; None for texts, tensors and few samples.

        Args:
            dataset: the data set.
            resized: whether its images were resized to one shape.
        """
        train, kind = dataset.train, dataset.kind
        if kind not in ("image", "table") or len(train) < _FEWEST:
            return None
        count = min(len(train), _IMAGES if kind == "image" else _ROWS)
        rows = torch.linspace(0, len(train) - 1, count, dtype=torch.float64).long()
        if kind == "image":
            return cls(samples=count, images=_of_images(train.x, rows, resized=resized))
        x = train.x.take(rows).double().cpu().numpy()
        return cls(
            samples=count, columns=dict(zip(dataset.features, map(_of_column, x.T), strict=True))
        )

    def hints(self, samples: SampleColumn, sizes: Sequence[tuple[int, int] | None]) -> list[str]:
        """Return for each sample how it differs from the training samples, "" if it does not.

        Args:
            samples: what is predicted, N images or rows as they are stored.
            sizes: for each image its width and height before it was converted, if they are known.
        """
        if self.images is not None:
            images = [samples.take(slice(k, k + 1))[0] for k in range(len(samples))]
            before = sizes or [None] * len(images)
            return [
                "; ".join(_unlike_images(self.images, image, size))
                for image, size in zip(images, before, strict=True)
            ]
        assert self.columns is not None, "statistics are of images or of columns"
        return _unlike_rows(self.columns, samples.take(slice(0, len(samples))).double().cpu())


def _of_images(column: SampleColumn, rows: Tensor, *, resized: bool) -> ImageStatistics:
    measured, coloured = [], 0
    for start in range(0, len(rows), _CHUNK):
        for image in column.take(rows[start : start + _CHUNK]):
            coloured += _has_colour(image)
            measured.append(_measure(image))
    brightness, border, lightest = np.array(measured).T
    channels, height, width = column.shape
    return ImageStatistics(
        brightness=_spread(brightness),
        border=_spread(border),
        lightest=int(lightest.max()),
        usual_lightest=int(np.quantile(lightest, 0.01, method="lower")),
        coloured=round(coloured / len(rows), 6),
        shape=(channels, height, width),
        resized=resized,
    )


def _measure(image: Tensor) -> tuple[float, float, float]:
    """Return the mean of an image [C, H, W], the mean of its border, and its largest value."""
    grey = image.float().mean(0)
    edges = [grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]]
    return float(grey.mean()), float(torch.cat(edges).mean()), float(image.max())


def _has_colour(image: Tensor) -> bool:
    return len(image) == 3 and not bool((image == image[:1]).all())


def _spread(values: np.ndarray) -> Spread:
    return Spread(mean=round(float(values.mean()), 3), sd=round(float(values.std()), 3))


def _unlike_images(
    known: ImageStatistics, image: Tensor, size: tuple[int, int] | None
) -> list[str]:
    image = image.cpu()
    brightness, border, lightest = _measure(image)
    found = []
    mean, sd = known.border.mean, known.border.sd
    off = abs(border - mean)
    inverted = off > max(4 * sd, _LEVELS) and abs(255 - border - mean) < off / 2
    if inverted:
        shade = "lighter" if border > mean else "darker"
        found.append(
            f"its border is {shade} than in training, {border:.0f} instead of {mean:.0f} of 255, "
            "as if it were inverted: predict 255 minus its values"
        )
    if lightest > 2 * known.lightest:
        found.append(
            f"its values reach {lightest:.0f}, those of training images at most {known.lightest}: "
            "scale them to the same range"
        )
    elif lightest < known.usual_lightest / 4:
        found.append(
            f"its values reach only {lightest:.0f}, those of training images at least "
            f"{known.usual_lightest}: scale them to the same range"
        )
    mean, sd = known.brightness.mean, known.brightness.sd
    if not found and abs(brightness - mean) > max(6 * sd, _LEVELS):
        found.append(f"its mean is {brightness:.0f} of 255, that of training images {mean:.0f}")
    if len(image) == 3 and not _has_colour(image) and known.coloured > 0.99:
        found.append("it is grey, and training images have colours")
    if _has_colour(image) and known.coloured < 0.01:
        found.append("it has colours, and training images are grey")
    return found + _unlike_size(known, size)


def _unlike_size(known: ImageStatistics, size: tuple[int, int] | None) -> list[str]:
    _, height, width = known.shape
    if size is None or known.resized or not height:
        return []
    aspect = size[0] / size[1] / (width / height)
    scale = max(size[0] / width, size[1] / height)
    if max(aspect, 1 / aspect) <= _ASPECT and 1 / _SIZE <= scale <= _SIZE:
        return []
    return [
        f"it has {size[0]:,}x{size[1]:,} pixels, and training images {width:,}x{height:,}: cut out "
        "what it shows"
    ]


def _of_column(values: np.ndarray) -> ColumnStatistics | None:
    there = values[~np.isnan(values)]
    if not len(there):
        return None
    return ColumnStatistics(
        min=float(there.min()),
        mean=float(there.mean()),
        sd=float(there.std()),
        max=float(there.max()),
    )


def _unlike_rows(columns: Mapping[str, ColumnStatistics | None], x: Tensor) -> list[str]:
    """Return for each row of x [B, F] the columns that are far outside of the training range."""
    nothing = (math.nan,) * 4
    known = [(c.min, c.mean, c.sd, c.max) if c else nothing for c in columns.values()]
    low, mean, sd, high = torch.tensor(known, dtype=torch.float64).T
    beyond = torch.maximum(low - x, x - high)
    # Outside by more than the whole range, or both outside and 10 standard deviations away.
    far = (beyond > high - low) | ((beyond > 0) & ((x - mean).abs() > _FAR * sd))
    far &= high > low
    hints, names = [""] * len(x), list(columns)
    for row in far.any(1).nonzero().flatten().tolist():
        places = far[row].nonzero().flatten().tolist()
        parts = [
            f"{names[k]} is {number(float(x[row, k]))}, in training {number(float(low[k]))} to "
            f"{number(float(high[k]))}"
            for k in places[:_SHOWN]
        ]
        more = [f"and {len(places) - _SHOWN} more columns"] if len(places) > _SHOWN else []
        hints[row] = "; ".join([*parts, *more])
    return hints
