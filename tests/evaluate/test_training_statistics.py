"""What is predicted is compared with the training samples: inverted, other range, far outside."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from papertrial.data.column import Dataset, DenseColumn, SampleColumn, Split
from papertrial.data.images.varying_column import VaryingImages
from papertrial.errors import RunError
from papertrial.evaluate.training_statistics import TrainingStatistics


def made(x: Tensor | SampleColumn, kind: str, *names: str, resized: bool = False) -> (
    TrainingStatistics
):  # fmt: skip
    column = DenseColumn(x) if isinstance(x, Tensor) else x
    split = Split(column, torch.zeros(len(column)), np.arange(len(column)))
    found = TrainingStatistics.of(Dataset("m", kind, split, features=names), resized=resized)  # type: ignore[arg-type]
    assert found is not None
    return TrainingStatistics.from_json(found.to_json(), "statistics.json")


def digits(count: int, top: int = 255, channels: int = 1) -> Tensor:
    """Light strokes of 4x4 pixels on black, 8x8."""
    x = torch.zeros(count, channels, 8, 8, dtype=torch.uint8)
    draws = torch.Generator().manual_seed(0)
    light = torch.randint(top // 2, top + 1, (count, 1, 4, 4), generator=draws)
    light[:, :, 0, 0] = top
    x[:, :, 2:6, 2:6] = light.byte()
    return x


def hint(known: TrainingStatistics, image: Tensor, size: tuple[int, int] | None = None) -> str:
    return known.hints(DenseColumn(image[None]), [size])[0]


def test_images_like_those_of_the_training_get_no_hint() -> None:
    known = made(digits(60), "image")
    assert known.hints(DenseColumn(digits(90)), ()) == [""] * 90
    assert known.images is not None
    assert (known.images.lightest, known.images.border.mean, known.samples) == (255, 0, 60)
    assert known.images.brightness.mean == pytest.approx(float(digits(60).float().mean()), abs=1e-3)


def test_an_inverted_image_and_other_ranges() -> None:
    known, one = made(digits(60), "image"), digits(1)[0]
    assert "255 instead of 0 of 255" in hint(known, 255 - one)
    assert "inverted" in hint(known, 255 - one)
    assert "reach only 1, those of training images at least 255" in hint(known, (one > 0).byte())
    dim = made(digits(60, top=16), "image")
    assert "reach 255, those of training images at most 16" in hint(dim, one)
    assert "inverted" not in hint(dim, one)
    full = torch.full_like(one, 200)
    full[:, 0], full[:, -1], full[:, :, 0], full[:, :, -1] = 0, 0, 0, 0
    light = digits(60).float().mul(0.3).byte()
    light[:, :, 3, 3] = 255
    assert "its mean is 112 of 255" in hint(made(light, "image"), full)


def test_colours_and_sizes() -> None:
    coloured = digits(60, channels=3)
    coloured[:, 1] //= 2
    grey = digits(60, channels=3)
    assert "it is grey" in hint(made(coloured, "image"), grey[0])
    assert "it has colours" in hint(made(grey, "image"), coloured[0])
    known = made(digits(60), "image")
    one = digits(1)[0]
    assert hint(known, one, (10, 9)) == ""
    assert "400x100 pixels, and training images 8x8" in hint(known, one, (400, 100))
    assert "640x640" in hint(known, one, (640, 640))
    assert hint(made(digits(60), "image", resized=True), one, (640, 100)) == ""
    varying = made(VaryingImages.of(list(digits(30))), "image")
    assert "inverted" in hint(varying, 255 - torch.zeros(1, 5, 9, dtype=torch.uint8), (9, 5))


def test_photographs_differ_too_much_for_a_hint() -> None:
    draws = torch.Generator().manual_seed(0)
    base = torch.randint(0, 256, (200, 3, 1, 1), generator=draws)
    noise = torch.randint(-60, 60, (200, 3, 6, 6), generator=draws)
    photos = (base + noise).clamp(0, 255).byte()
    known = made(photos[:100], "image")
    assert not any(known.hints(DenseColumn(255 - photos[100:]), ()))


def test_columns_far_outside_of_the_training_range() -> None:
    draws = torch.Generator().manual_seed(0)
    x = torch.stack([torch.rand(50, generator=draws), torch.arange(50.0), torch.ones(50)], 1)
    x[3, 0] = torch.nan
    known = made(x, "table", "share", "age", "constant")
    rows = torch.tensor([[0.5, 20, 1], [0.5, 80, 1], [0.5, -200, 1], [40, 99, 1], [0.5, 1, 7]])
    rows = torch.cat([rows, torch.tensor([[torch.nan, 1, 1]])])
    hints = known.hints(DenseColumn(rows), ())
    assert [bool(one) for one in hints] == [False, False, True, True, False, False]
    assert hints[2] == "age is -200, in training 0 to 49"
    assert hints[3].startswith("share is 40, in training 0.0")
    assert "age is 99, in training 0 to 49" in hints[3]
    empty = made(torch.full((30, 1), torch.nan), "table", "a")
    assert empty.hints(DenseColumn(torch.ones(1, 1)), ()) == [""]


def test_few_samples_texts_and_damaged_files() -> None:
    few = Split(DenseColumn(digits(19)), torch.zeros(19), np.arange(19))
    assert TrainingStatistics.of(Dataset("m", "image", few), resized=False) is None
    tensors = Split(DenseColumn(torch.rand(40, 2, 2, 2)), torch.zeros(40), np.arange(40))
    assert TrainingStatistics.of(Dataset("m", "tensor", tensors), resized=False) is None
    with pytest.raises(RunError, match=r"statistics.json is damaged"):
        TrainingStatistics.from_json('{"format": 1, "samples": "many"}', "statistics.json")
