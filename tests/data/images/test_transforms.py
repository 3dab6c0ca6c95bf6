"""Whole-batch image transforms against torchvision's, sample by sample, and numpy's statistics."""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from torch import Tensor
from torchvision import transforms as v1
from torchvision.transforms.v2 import functional as TF

from papertrial.data.images.transforms import (
    Cutout,
    Normalize,
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
)
from papertrial.data.streams import generator
from papertrial.errors import DataError

SIZE = (9, 6)
BYTES = torch.randint(1, 256, (40, 3, *SIZE), generator=generator(0, "x"), dtype=torch.uint8)
FLOATS = BYTES.float() / 255
IMAGES = [pytest.param(BYTES, id="bytes"), pytest.param(FLOATS, id="floats")]
ALMOST_1 = 1 - 2.0**-24  # the largest number that torch.rand gives


def _grid(*counts: int, per: int = 1) -> Tensor:
    """Every cell of a grid over the unit cube, `per` points a cell and dimension: [n, dims]."""
    axes = [(torch.arange(count * per) + 0.5) / (count * per) for count in counts]
    return torch.cartesian_prod(*axes).reshape(-1, len(counts))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Normalize(mean=0.5), "give both mean and std, or neither"),
        (lambda: Normalize(std=[0.5]), "give both mean and std, or neither"),
        (lambda: Normalize(0.5, 0), "std > 0 must hold, got 0"),
        (lambda: Normalize([0, 0], [0.5, -1]), "std > 0 must hold, got [0.5, -1]"),
        (lambda: RandomCrop(0), "padding >= 1 must hold, got 0"),
        (lambda: RandomCrop(1, padding_mode="edge"), "padding_mode must be one of ('constant', "),
        (lambda: RandomHorizontalFlip(1.1), "0 <= p <= 1 must hold, got 1.1"),
        (lambda: RandomHorizontalFlip(float("nan")), "0 <= p <= 1 must hold, got nan"),
        (lambda: Cutout(0), "size >= 1 must hold, got 0"),
        (lambda: RandomErasing(-0.1), "0 <= p <= 1 must hold, got -0.1"),
        (lambda: RandomErasing(scale=(0, 0.3)), "0 < scale[0] <= scale[1] <= 1 must hold, got (0,"),
        (lambda: RandomErasing(scale=(0.3, 0.2)), "scale[1] <= 1 must hold, got (0.3, 0.2)"),
        (lambda: RandomErasing(scale=(0.3, 1.2)), "scale[1] <= 1 must hold, got (0.3, 1.2)"),
        (lambda: RandomErasing(ratio=(0, 3)), "0 < ratio[0] <= ratio[1] must hold, got (0, 3)"),
        (lambda: RandomErasing(ratio=(3, 0.3)), "ratio[1] must hold, got (3, 0.3)"),
        # A brightness is from 0 to 1; torchvision's own habit of 0 to 255 must not pass.
        (lambda: RandomCrop(1, fill=128), "128"),
        (lambda: RandomCrop(1, fill=-0.5), "-0.5"),
        (lambda: Cutout(1, value=255), "255"),
        (lambda: RandomErasing(value=127), "127"),
    ],
)
def test_impossible_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


@pytest.mark.parametrize("size", [40, 7, 1])
def test_normalize_learns_the_mean_and_std_of_each_channel(size: int) -> None:
    learnt = Normalize().fit(FLOATS.split(size))
    pixels = FLOATS.double().numpy()
    assert learnt["mean"] == pytest.approx(pixels.mean((0, 2, 3)), abs=1e-12)
    assert learnt["std"] == pytest.approx(pixels.std((0, 2, 3)), abs=1e-12)


@pytest.mark.parametrize(("level", "images"), [(0, 3), (255, 3), (19, 50_000), (83, 50_000)])
def test_a_constant_channel_is_only_centred(level: int, images: int) -> None:
    x = torch.full((images, 2, 2, 2), level / 255)
    x[0, 1, 0, 0] = 1 - level / 255
    learnt = Normalize().fit(x.split(4096))
    assert learnt["std"][0] == 1
    assert 0 < learnt["std"][1] < 1
    assert Normalize().apply(x, learnt)[:, 0].abs().max() < 1e-6


@pytest.mark.parametrize(
    ("mean", "std"), [(0.5, 0.25), (1, 2), ([0.1, 0.2, 0.3], (0.4, 0.5, 0.6)), ([0.1, 0, 0], 3)]
)
def test_normalize_takes_the_numbers_given(mean: Any, std: Any) -> None:
    def each(value: Any) -> list[float]:
        return [float(value)] * 3 if isinstance(value, int | float) else list(value)

    normalize = Normalize(mean, std)
    state = normalize.fit(iter([FLOATS]))
    assert state == {"mean": each(mean), "std": each(std)}
    expected = TF.normalize(FLOATS, each(mean), each(std))
    assert torch.allclose(normalize.apply(FLOATS, state), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("mean", "std", "channels", "message"),
    [
        ([0.1, 0.2], 1, 3, "Normalize: mean has 2 numbers, but the images have 3 channels; give"),
        (0.1, [1, 2, 3], 1, "Normalize: std has 3 numbers, but the images have 1 channel; give"),
    ],
)
def test_normalize_takes_as_many_numbers_as_channels(
    mean: Any, std: Any, channels: int, message: str
) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        Normalize(mean, std).fit([FLOATS[:, :channels]])


AUGMENTS = [RandomCrop(2), RandomHorizontalFlip(), Cutout(4), RandomErasing()]


@pytest.mark.parametrize("augment", AUGMENTS, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("x", IMAGES)
def test_an_augmentation_leaves_its_input_and_keeps_type_and_size(x: Tensor, augment: Any) -> None:
    before = x.clone()
    u = torch.rand(len(x), augment.draws, generator=generator(0, "u"))
    got = augment.apply(x, augment.draw(u, SIZE))
    assert torch.equal(x, before)
    assert (got.dtype, got.shape) == (x.dtype, x.shape)
    assert not torch.equal(got, x)


@pytest.mark.parametrize("x", IMAGES)
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [1, 4])
def test_a_crop_is_torchvisions_of_the_padded_image(padding: int, mode: str, x: Tensor) -> None:
    crop = RandomCrop(padding, fill=0.5, padding_mode=mode)
    corner = crop.draw(torch.rand(len(x), 2, generator=generator(1, "u")), SIZE)
    got = crop.apply(x, corner)
    for image, (top, left), out in zip(x, corner.tolist(), got, strict=True):
        if mode == "circular":  # which torchvision has not
            around = ((0, 0), (padding, padding), (padding, padding))
            padded = torch.from_numpy(np.pad(image.numpy(), around, "wrap"))
        else:
            named = {"replicate": "edge"}.get(mode, mode)
            fill = 128 if x.dtype == torch.uint8 else 0.5
            padded = TF.pad(image, [padding], fill=fill, padding_mode=named)
        assert torch.equal(out, TF.crop(padded, top, left, *SIZE))


@pytest.mark.parametrize("padding", [1, 3, 4, 8])
def test_every_place_of_the_window_is_equally_likely(padding: int) -> None:
    places = 2 * padding + 1
    corner = RandomCrop(padding).draw(_grid(places, places, per=3), (32, 32))
    found, counts = torch.unique(corner, dim=0, return_counts=True)
    assert torch.equal(found, torch.cartesian_prod(torch.arange(places), torch.arange(places)))
    assert set(counts.tolist()) == {9}


@pytest.mark.parametrize("padding", range(1, 40))
def test_the_window_stays_in_the_padded_image(padding: int) -> None:
    corner = RandomCrop(padding).draw(torch.tensor([[0.0, ALMOST_1]]), SIZE)
    assert corner.tolist() == [[0, 2 * padding]]


@pytest.mark.parametrize("mode", ["reflect", "circular"])
def test_padding_that_the_image_is_too_small_for_is_refused(mode: str) -> None:
    crop = RandomCrop(10, padding_mode=mode)
    with pytest.raises(DataError, match="padding"):
        crop.apply(BYTES, crop.draw(torch.rand(len(BYTES), 2), SIZE))


@pytest.mark.parametrize("x", IMAGES)
def test_a_flip_is_torchvisions(x: Tensor) -> None:
    flip = RandomHorizontalFlip(0.4).draw(_grid(len(x)), SIZE)
    got = RandomHorizontalFlip().apply(x, flip)
    for image, flipped, out in zip(x, flip[:, 0].tolist(), got, strict=True):
        assert torch.equal(out, TF.horizontal_flip(image) if flipped else image)


@pytest.mark.parametrize(("p", "flipped"), [(0, 0), (0.25, 250), (0.5, 500), (1, 1000)])
def test_a_flip_has_its_probability(p: float, flipped: int) -> None:
    assert int(RandomHorizontalFlip(p).draw(_grid(1000), SIZE).sum()) == flipped
    assert RandomHorizontalFlip(p).draw(torch.tensor([[0.0]]), SIZE).item() == (p > 0)
    assert RandomHorizontalFlip(p).draw(torch.tensor([[ALMOST_1]]), SIZE).item() == (p == 1)


def _erased(image: Tensor, box: list[int], value: float) -> Tensor:
    top, left, bottom, right = box
    top, left, bottom, right = max(top, 0), max(left, 0), min(bottom, SIZE[0]), min(right, SIZE[1])
    level = round(value * 255) if image.dtype == torch.uint8 else value
    v = torch.tensor([level], dtype=image.dtype)[:, None, None]
    return TF.erase(image, top, left, bottom - top, right - left, v)


@pytest.mark.parametrize("x", IMAGES)
@pytest.mark.parametrize("size", [1, 2, 5, 20])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_cutout_fills_what_torchvision_erases(value: float, size: int, x: Tensor) -> None:
    cutout = Cutout(size, value)
    boxes = cutout.draw(torch.rand(len(x), 2, generator=generator(2, "u")), SIZE)
    for image, box, out in zip(x, boxes.tolist(), cutout.apply(x, boxes), strict=True):
        assert torch.equal(out, _erased(image, box, value))


@pytest.mark.parametrize("size", [1, 2, 5, 16])
def test_every_centre_of_a_cutout_is_equally_likely(size: int) -> None:
    boxes = Cutout(size).draw(_grid(*SIZE, per=4), SIZE)
    assert (boxes[:, 2:] - boxes[:, :2] == size).all()
    found, counts = torch.unique(boxes[:, :2] + size // 2, dim=0, return_counts=True)
    assert torch.equal(found, torch.cartesian_prod(*map(torch.arange, SIZE)))
    assert set(counts.tolist()) == {16}
    edge = Cutout(size).draw(torch.tensor([[0.0, ALMOST_1]]), SIZE)
    assert (edge[0, :2] + size // 2).tolist() == [0, SIZE[1] - 1]


@pytest.mark.parametrize("x", IMAGES)
@pytest.mark.parametrize("value", [0.0, 0.3])
def test_erasing_fills_what_torchvision_erases(value: float, x: Tensor) -> None:
    erasing = RandomErasing(0.8, value=value)
    u = torch.rand(len(x), erasing.draws, generator=generator(3, "u"))
    boxes = erasing.draw(u, SIZE)
    for image, box, out in zip(x, boxes.tolist(), erasing.apply(x, boxes), strict=True):
        assert torch.equal(out, _erased(image, box, value))


Shape = tuple[int, int]
Range = tuple[float, float]
CASES = [
    ((32, 32), (0.02, 0.33), (0.3, 3.3)),  # the defaults
    ((20, 44), (0.02, 0.4), (0.3, 3.3)),  # not square: height and width cannot be swapped
    ((28, 28), (0.02, 0.4), (2.0, 4.0)),  # tall rectangles alone
    ((12, 30), (0.4, 0.9), (0.5, 2.0)),  # few fit, so that most are drawn again
    ((24, 24), (0.9, 1.0), (0.2, 5.0)),  # often none of ten fits
]


@functools.cache
def _torchvisions(size: Shape, scale: Range, ratio: Range, count: int) -> Tensor:
    """Boxes [count, 4] as torchvision draws them; empty where none of its tries fitted."""
    image = torch.empty(1, *size)
    boxes = torch.zeros(count, 4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for box in boxes:
            i, j, h, w, v = v1.RandomErasing.get_params(image, scale, ratio, [0.0])
            if v is not image:
                box[:] = torch.tensor([i, j, i + h, j + w])
    return boxes


@pytest.mark.parametrize(("size", "scale", "ratio"), CASES)
def test_erased_boxes_are_distributed_as_torchvisions(
    size: Shape, scale: Range, ratio: Range
) -> None:
    count = 5000
    erasing = RandomErasing(1, scale, ratio)
    u = torch.rand(count, erasing.draws, generator=generator(4, "u"))
    ours, theirs = erasing.draw(u, size).float(), _torchvisions(size, scale, ratio, count)

    def measures(boxes: Tensor) -> tuple[float, dict[str, np.ndarray]]:
        erased = boxes[:, 2] > boxes[:, 0]
        top, left, bottom, right = boxes[erased].double().T.numpy()
        h, w = bottom - top, right - left
        place = {"top": top, "left": left, "bottom": size[0] - bottom, "right": size[1] - right}
        sides = {"height": h, "width": w, "area": h * w, "ratio": h / np.maximum(w, 1)}
        return erased.double().mean().item(), {**place, **sides}

    share, found = measures(ours)
    expected_share, expected = measures(theirs)
    assert share == pytest.approx(expected_share, abs=0.02)
    for name, values in found.items():
        assert values.min() >= 0, name
        assert ks_2samp(values, expected[name]).pvalue > 1e-3, name


@pytest.mark.parametrize(("p", "erased"), [(0, 0), (0.25, 250), (0.5, 500), (1, 1000)])
def test_an_image_is_erased_with_the_probability_p(p: float, erased: int) -> None:
    u = torch.full((1000, RandomErasing.draws), 0.5)
    u[:, :1] = _grid(1000)
    boxes = RandomErasing(p).draw(u, (32, 32))
    assert int((boxes[:, 2] > boxes[:, 0]).sum()) == erased


@pytest.mark.parametrize("u", [0.0, ALMOST_1])
def test_a_box_stays_in_the_image_at_the_ends_of_the_draw(u: float) -> None:
    draws = torch.full((1, RandomErasing.draws), u)
    top, left, bottom, right = RandomErasing(1, (0.1, 0.1), (1, 1)).draw(draws, (32, 20))[0]
    assert (bottom - top, right - left) == (8, 8)
    assert (top, left) == ((0, 0) if u == 0 else (24, 12))


def test_a_rectangle_that_never_fits_is_not_drawn() -> None:
    erasing = RandomErasing(1, scale=(1, 1), ratio=(1, 1))
    boxes = erasing.draw(torch.rand(100, erasing.draws), (8, 8))
    assert torch.equal(boxes[:, :2], boxes[:, 2:])
    assert torch.equal(erasing.apply(BYTES[:1], boxes[:1]), BYTES[:1])
