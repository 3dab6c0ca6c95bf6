"""The U-Net keeps the size of an image, and has the layers of the paper."""

from __future__ import annotations

import pytest
import torch

from papertrial.models import UNet


@pytest.mark.parametrize(("height", "width"), [(16, 16), (13, 10)])
def test_each_pixel_gets_logits(height: int, width: int) -> None:
    model = UNet(in_channels=2, out_channels=3, width=4, depth=2)
    assert model(torch.rand(2, 2, height, width)).shape == (2, 3, height, width)


def test_the_network_of_the_paper_has_its_number_of_parameters() -> None:
    # Two 3x3 convolutions and two batch norms a level, 2x2 transposed convolutions, one 1x1.
    def level(before: int, after: int) -> int:
        return 9 * (before * after + after * after) + 4 * after

    widths = [64, 128, 256, 512, 1024]
    down = sum(level(*pair) for pair in zip([3, *widths], widths, strict=False))
    up = sum(4 * 2 * w * w + w + level(2 * w, w) for w in widths[:-1])
    with torch.device("meta"):
        model = UNet(3, 2)
    assert sum(p.numel() for p in model.parameters()) == down + up + 64 * 2 + 2 == 31_037_698


def test_what_is_at_the_border_of_a_level_reaches_the_output_through_the_skip() -> None:
    torch.manual_seed(0)
    model = UNet(1, 1, width=2, depth=1).eval()
    x = torch.rand(1, 1, 9, 9)
    moved = x.clone()
    moved[..., 8] += 1  # the column that pooling leaves out
    assert not torch.equal(model(x)[..., 8], model(moved)[..., 8])
