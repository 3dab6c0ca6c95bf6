"""The plain CNN has the parameter counts of the papers, and equals hand-written layers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from papertrial.models import CNN
from papertrial.recipe.load import load_recipe

# Of a shipped recipe, or of the arguments: weights and biases.
COUNTS = [("cifar10-tutorial", 62_006), ("fashion-mnist-cnn-small", 96_154)]
DEEP: dict[str, Any] = {
    "in_channels": 3,
    "size": [32, 32],
    "channels": [64, 128],
    "hidden": [256],
    "pool": 1,
}


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def made(**changes: Any) -> CNN:
    arguments: dict[str, Any] = {
        "in_channels": 1,
        "size": [12, 10],
        "channels": [2, 3],
        "hidden": [5],
    }
    return CNN(**{**arguments, "out_features": 4, **changes})


@pytest.mark.parametrize(("recipe", "parameters"), COUNTS)
def test_a_shipped_network_has_its_number_of_parameters(recipe: str, parameters: int) -> None:
    slot = load_recipe(recipe).model
    assert slot.use == "papertrial.models.CNN"
    assert count(CNN(**slot.kwargs)) == parameters


def test_the_deeper_network_has_its_number_of_parameters() -> None:
    # 3*64*9+64 + 64*128*9+128 + 128*28*28*256+256 + 256*10+10
    assert load_recipe("cifar10-deep-cnn").model.kwargs == {
        **DEEP, "kernel_size": 3, "out_features": 10,
    }  # fmt: skip
    with torch.device("meta"):  # 100 MB that nobody looks at
        assert count(CNN(**DEEP, out_features=10)) == 25_768_586


def test_it_is_the_tutorials_network_layer_for_layer() -> None:
    torch.manual_seed(0)
    model = CNN(3, [32, 32], [6, 16], [120, 84], 10, kernel_size=5)
    torch.manual_seed(0)
    by_hand = nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(model(x), by_hand(x))


def test_layers_have_the_names_that_papers_use() -> None:
    model = made(batch_norm=True, dropout=0.5)
    assert [name for name, _ in model.named_children()] == [
        *("conv1", "bn1", "relu1", "pool1", "conv2", "bn2", "relu2", "pool2"),
        *("flatten", "dropout1", "fc1", "fc_relu1", "dropout2", "fc2"),
    ]
    assert [name for name, _ in made(pool=1).named_children()] == [
        *("conv1", "relu1", "conv2", "relu2", "flatten", "fc1", "fc_relu1", "fc2")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"padding": 1},
        {"padding": 2, "kernel_size": 5},
        {"kernel_size": 1, "pool": 3},
        {"pool": 1},
        {"size": [13, 11], "pool": 2},
        {"channels": [2]},
        {"channels": []},
        {"hidden": []},
        {"hidden": [5, 6, 7]},
        {"batch_norm": True, "dropout": 0.3},
    ],
    ids=str,
)
def test_there_is_one_logit_per_class_and_one_row_per_sample(changes: dict[str, Any]) -> None:
    model = made(**changes)
    x = torch.randn(7, 1, *changes.get("size", [12, 10]))
    assert model(x).shape == (7, 4)
    assert model.eval()(x[:1]).shape == (1, 4)


def test_every_parameter_learns() -> None:
    model = made(batch_norm=True)
    model(torch.randn(6, 1, 12, 10)).square().sum().backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize(
    ("size", "channels", "changes"),
    [
        ([8, 8], [2, 2, 2], {}),
        ([2, 2], [2], {}),
        ([4, 100], [2, 2], {}),
        ([28, 28], [2], {"kernel_size": 29}),
        ([3, 3], [2], {"pool": 4}),
    ],
)
def test_images_that_are_too_small_are_refused(
    size: list[int], channels: list[int], changes: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="small") as caught:
        made(size=size, channels=channels, **changes)
    assert str(caught.value) == f"images {size} are too small for {len(channels)} layers"


def test_the_smallest_possible_images_fit() -> None:
    assert made(size=[4, 4], channels=[2])(torch.zeros(1, 1, 4, 4)).shape == (1, 4)
    assert made(size=[10, 10], channels=[2, 2])(torch.zeros(1, 1, 10, 10)).shape == (1, 4)
