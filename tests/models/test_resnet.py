"""ResNets for CIFAR-10 as He et al. 2016 describe them: counts, option-A shortcuts, depth."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from papertrial.models import ResNet
from papertrial.models.resnet import BasicBlock


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


# Table 6 of the paper: 0.27M, 0.46M, 0.66M, 0.85M, 1.7M.
@pytest.mark.parametrize(
    ("depth", "parameters"),
    [(20, 269_722), (32, 464_154), (44, 658_586), (56, 853_018), (110, 1_727_962)],
)
def test_the_number_of_parameters_is_the_papers(depth: int, parameters: int) -> None:
    with torch.device("meta"):
        assert count(ResNet(depth)) == parameters


@pytest.mark.parametrize("depth", [20, 32])
def test_depth_counts_the_layers_with_weights(depth: int) -> None:
    layers = [m for m in ResNet(depth).modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth


def test_there_are_three_sizes_and_one_logit_per_class() -> None:
    model = ResNet(8, in_channels=1, out_features=7)
    sizes = []
    for stage in (model.stage1, model.stage2, model.stage3):
        stage.register_forward_hook(lambda module, args, out: sizes.append(list(out.shape)))
    assert model(torch.randn(2, 1, 32, 32)).shape == (2, 7)
    assert sizes == [[2, 16, 32, 32], [2, 32, 16, 16], [2, 64, 8, 8]]


def without_residual(in_channels: int, out_channels: int, stride: int) -> BasicBlock:
    """A block whose two convolutions add nothing, so that only the shortcut remains."""
    block = BasicBlock(in_channels, out_channels, stride).eval()
    nn.init.zeros_(block.bn2.weight)
    return block


def test_a_shortcut_takes_every_second_pixel_and_pads_channels_with_zeros() -> None:
    x = torch.rand(2, 4, 6, 6)
    out = without_residual(4, 8, 2)(x)
    expected = torch.zeros(2, 8, 3, 3)
    expected[:, 2:6] = x[:, :, [0, 2, 4]][:, :, :, [0, 2, 4]]
    assert torch.equal(out, expected)


def test_a_shortcut_of_an_odd_number_of_new_channels_pads_the_more_after() -> None:
    x = torch.rand(1, 2, 4, 4)
    out = without_residual(2, 5, 1)(x)
    assert torch.equal(out[:, 1:3], x)
    assert not out[:, [0, 3, 4]].any()


def test_a_shortcut_between_equal_shapes_is_the_identity() -> None:
    x = torch.rand(2, 4, 5, 5)
    assert torch.equal(without_residual(4, 4, 1)(x), x)


def test_a_shortcut_of_an_odd_size_fits_the_convolutions() -> None:
    x = torch.rand(1, 4, 7, 5)
    assert torch.equal(without_residual(4, 4, 2)(x), x[:, :, ::2, ::2])


def test_a_block_is_two_convolutions_and_the_sum_before_the_last_relu() -> None:
    torch.manual_seed(0)
    block = BasicBlock(3, 3, 1).eval()
    x = torch.randn(2, 3, 5, 5)
    inner = block.bn2(block.conv2(block.bn1(block.conv1(x)).relu()))
    assert torch.equal(block(x), (inner + x).relu())
    assert [name for name, _ in block.named_parameters()] == [
        *("conv1.weight", "bn1.weight", "bn1.bias", "conv2.weight", "bn2.weight", "bn2.bias")
    ]


def test_weights_are_initialised_as_in_he_et_al() -> None:
    torch.manual_seed(0)
    model = ResNet(20)
    weight = model.stage3[2].conv1.weight  # fan-in 64 * 9
    assert weight.std().item() == pytest.approx((2 / 576) ** 0.5, rel=0.02)
    assert weight.mean().item() == pytest.approx(0, abs=1e-3)


def test_every_parameter_learns() -> None:
    model = ResNet(8)
    model(torch.randn(4, 3, 16, 16)).square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in model.parameters())


@pytest.mark.parametrize("depth", [2, 0, -4, 18, 21, 34])
def test_a_depth_that_is_not_6n_plus_2_is_refused(depth: int) -> None:
    with pytest.raises(ValueError, match="depth") as caught:
        ResNet(depth)
    assert str(caught.value) == (f"depth = 6n + 2 must hold (20, 32, 44, 56, 110), got {depth}")
