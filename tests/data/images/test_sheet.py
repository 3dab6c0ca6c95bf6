"""The sample sheet: which images stand where, and how large."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from papertrial.data.column import DenseColumn, Split
from papertrial.data.images.sheet import sheet


def split(counts: list[int], height: int, width: int) -> Split:
    """Return a split in which the colour of an image says which class it is of."""
    y = torch.cat([torch.full((count,), label) for label, count in enumerate(counts)])
    x = torch.full((len(y), 3, height, width), 200, dtype=torch.uint8)
    x[:, 0] = 0
    x[:, 1] = y.view(-1, 1, 1)
    return Split(DenseColumn(x), y, np.arange(len(y)))


def places(picture: Image.Image, label: int) -> np.ndarray:
    """Return where the images of a class are: [n, 2], down and across."""
    return np.argwhere((np.asarray(picture) == (0, label, 200)).all(axis=2))


def colours(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture)


def test_each_class_has_a_row_of_its_own_images() -> None:
    picture = sheet(split([100, 100, 100], 28, 28), ["a", "b", "c"])
    assert picture.mode == "RGB"
    for label in range(3):
        found = places(picture, label)
        (top, left), (bottom, right) = found.min(axis=0), found.max(axis=0)
        assert (top, bottom) == (label * 60 + 4, label * 60 + 59)  # 28 pixels, twice, and 4 apart
        assert len(found) == 10 * 56 * 56
        assert right - left == 10 * 60 - 4 - 1


def test_names_are_written_before_the_images() -> None:
    short, long = (sheet(split([9], 8, 8), [name]) for name in ("a", "a longer name"))
    assert long.width > short.width
    assert (colours(short)[:, :20] < 100).any()
    longest = sheet(split([9], 8, 8), ["a longer name" * 20])
    assert longest.width < long.width + 200


def test_small_images_are_enlarged_by_whole_factors() -> None:
    pixels = torch.arange(64, dtype=torch.uint8).view(1, 1, 8, 8)
    picture = sheet(Split(DenseColumn(pixels), torch.tensor([0]), np.arange(1)), ["one"])
    array = colours(picture)[4:68, :, 0]
    left = int(np.argwhere((array == 63).any(axis=0)).max()) - 63
    expected = pixels[0, 0].repeat_interleave(8, 0).repeat_interleave(8, 1).numpy()
    assert np.array_equal(array[:, left : left + 64], expected)


def test_large_images_are_reduced() -> None:
    picture = sheet(split([10, 10], 400, 200), ["a", "b"])
    assert len(places(picture, 1)) == 10 * 128 * 64


def test_many_classes_stand_in_columns() -> None:
    picture = sheet(split([10] * 100, 32, 32), [f"class {n}" for n in range(100)])
    assert picture.height == 25 * 68 + 4
    assert picture.width < 4 * picture.height


@pytest.mark.parametrize("count", [0, 3])
def test_a_class_with_few_images_has_a_short_row(count: int) -> None:
    picture = sheet(split([12, count], 8, 8), ["a", "b"])
    assert len(places(picture, 0)) == 10 * 64 * 64
    assert len(places(picture, 1)) == count * 64 * 64


def test_the_draw_is_its_seeds() -> None:
    x = torch.arange(250, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)
    one = Split(DenseColumn(x), torch.zeros(250, dtype=torch.int64), np.arange(250))
    first, again, other = (colours(sheet(one, ["all"], seed)) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
