"""Networks and their weights, fitted to channels and outputs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from papertrial.errors import ModelError
from papertrial.weights.fit_network import fit_channels, fit_weights, on_channels


def net(channels: int = 3, classes: int = 1000) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(channels, 4, 3, stride=2, padding=1, bias=False), nn.ReLU()),
        nn.Flatten(),
        nn.Linear(64, classes),
    )


def test_a_grey_image_gives_what_the_same_image_in_color_gives() -> None:
    weight, grey = torch.randn(4, 3, 3, 3), torch.randn(2, 1, 8, 8)
    expected = nn.functional.conv2d(grey.expand(-1, 3, -1, -1), weight)
    torch.testing.assert_close(nn.functional.conv2d(grey, on_channels(weight, 1)), expected)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_channels_are_fitted_as_timm_does(channels: int) -> None:
    manipulate = pytest.importorskip("timm.models._manipulate")
    weight = torch.randn(4, 3, 3, 3)
    expected = manipulate.adapt_input_conv(channels, weight)
    torch.testing.assert_close(on_channels(weight, channels), expected)


def test_the_first_convolution_is_replaced_only_if_channels_differ() -> None:
    model = net()
    first = model[0][0]
    fit_channels(model, 3)
    assert model[0][0] is first
    fit_channels(model, 1)
    assert model[0][0].weight.shape == (4, 1, 3, 3)
    assert (model[0][0].stride, model[0][0].padding, model[0][0].bias) == ((2, 2), (1, 1), None)
    assert model(torch.zeros(1, 1, 8, 8)).shape == (1, 1000)
    with pytest.raises(ModelError, match="does not begin with a convolution"):
        fit_channels(nn.Sequential(nn.Linear(3, 3)), 1)


def test_the_head_is_left_out_and_other_differences_stay() -> None:
    had = net().state_dict() | {"odd": torch.ones(5)}
    found = fit_weights(net(1, 10), had, 10)
    assert (found.head, found.changed) == (("2.weight", "2.bias"), ("0.0.weight",))
    torch.testing.assert_close(found.tensors["0.0.weight"], had["0.0.weight"].sum(1, keepdim=True))
    same = fit_weights(net(), net().state_dict(), 1000)
    assert (same.head, same.changed) == ((), ())
