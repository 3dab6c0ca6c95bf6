"""The network of airbench94, and its layer that whitens patches."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from papertrial.models import AirbenchNet
from papertrial.models.airbench import PatchWhitening


def correlated(count: int) -> Tensor:
    """Return images whose neighbouring pixels and channels are alike."""
    torch.manual_seed(0)
    smooth = torch.rand(count, 3, 5, 5)
    images = nn.functional.interpolate(smooth, (32, 32), mode="bilinear")
    return images + 0.5 * images.mean(1, keepdim=True) + 0.02 * torch.randn_like(images)


def test_the_first_half_of_the_channels_is_white_and_the_second_its_negative() -> None:
    layer, x = PatchWhitening(3, eps=0.0), correlated(8)
    assert layer(x).shape == (8, 24, 31, 31)
    assert isinstance(layer, nn.Conv2d)
    assert not layer.weight.requires_grad
    assert layer.bias.requires_grad
    free = (layer(x) - layer.bias[:, None, None]).transpose(0, 1).flatten(1).double()
    moments = free[:12] @ free[:12].T / free.shape[1]
    torch.testing.assert_close(moments, torch.eye(12).double(), atol=2e-3, rtol=0)
    torch.testing.assert_close(free[12:], -free[:12], atol=1e-4, rtol=1e-4)


def test_only_the_first_batch_makes_the_filters() -> None:
    layer = PatchWhitening(3)
    layer(correlated(4))
    made = layer.weight.clone()
    layer(torch.rand(4, 3, 32, 32))
    assert torch.equal(layer.weight, made)
    again = PatchWhitening(3)
    again.load_state_dict(layer.state_dict())
    again(torch.rand(4, 3, 32, 32))
    assert torch.equal(again.weight, made)


def test_images_of_other_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="3 channels, got 1"):
        PatchWhitening(3)(torch.rand(2, 1, 8, 8))


def test_the_network_has_the_layers_of_the_script() -> None:
    torch.manual_seed(0)
    model = AirbenchNet()
    x = correlated(4)
    assert model(x).shape == (4, 10)
    named = dict(model.named_parameters())
    assert sum(p.ndim == 4 and p.requires_grad for p in named.values()) == 6
    convolutions = 9 * (24 * 64 + 64 * 64 + 64 * 256 + 3 * 256 * 256)
    trained = sum(p.numel() for p in named.values() if p.requires_grad)
    assert trained == convolutions + 2 * (64 + 256 + 256) + 24 + 2560
    assert model.head.weight.std().item() == pytest.approx(1)
    frozen = {name for name, p in named.items() if not p.requires_grad}
    assert len(frozen) == 7
    assert all(named[name].ndim == 4 or bool((named[name] == 1).all()) for name in frozen)
    # Initially, the first filters of a convolution copy its input.
    first = model.blocks[1][0]
    inside = torch.rand(1, 24, 6, 6)
    torch.testing.assert_close(first(inside)[:, :24], inside)
    model.eval()
    last = model.blocks(nn.functional.conv2d(x, model.whiten.weight, model.whiten.bias))
    torch.testing.assert_close(model(x), last @ model.head.weight.T / 256, atol=2e-3, rtol=1e-3)
