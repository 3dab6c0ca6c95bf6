"""A layer mismatch is explained in one sentence, by sizes and by where they come from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.diagnose.dry_run import LayerError, dry_run

IMAGES = torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(0))
TOKENS = torch.arange(28).view(4, 7)


class DeepCnn(nn.Module):
    """The deeper CNN as printed in tutorials, or with flatten(1) instead of the view."""

    def __init__(self, flat: bool) -> None:
        super().__init__()
        self.flat = flat
        self.conv1 = nn.Conv2d(3, 64, 3)
        self.conv2 = nn.Conv2d(64, 128, 3)
        self.fc1 = nn.Linear(128 * 10 * 10, 256)
        self.fc2 = nn.Linear(256, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = x.flatten(1) if self.flat else x.view(-1, 128 * 10 * 10)
        logits: Tensor = self.fc2(F.relu(self.fc1(x)))
        return logits


class Parts(nn.Module):
    """Layers that do not fit, joined by a function."""

    def __init__(self, join: Callable[[Parts, Tensor], Tensor]) -> None:
        super().__init__()
        self.join = join
        self.conv = nn.Conv2d(3, 6, 5)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.drop = nn.Dropout()
        self.norm = nn.BatchNorm2d(5)
        self.fc = nn.Linear(6, 2)
        self.embedding = nn.Embedding(25_000, 100)
        self.lstm = nn.LSTM(90, 10, batch_first=True)
        self.weight = nn.Parameter(torch.zeros(9, 99))

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self, x)


def failure_of(model: nn.Module, x: Tensor) -> LayerError:
    with pytest.raises(LayerError) as error:
        dry_run(model, x)
    assert str(error.value) == f"{error.value.message}; {error.value.fix}"
    return error.value


def test_a_flattened_image_is_explained_by_its_factors() -> None:
    error = failure_of(DeepCnn(flat=True), IMAGES)
    assert error.message == (
        "fc1 expects 12,800 inputs but receives 100,352 = 128 x 28 x 28, from relu(conv2)"
    )
    assert "in_features=100352" in error.fix


def test_a_view_of_another_size_is_explained_by_both() -> None:
    error = failure_of(DeepCnn(flat=False), IMAGES)
    assert error.message == (
        "view asks for 12,800 numbers per row, conv2 gives 100,352 per sample = 128 x 28 x 28"
    )
    assert "flatten(1)" in error.fix


def test_a_sequential_names_its_layers_by_number_and_class() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(100, 10)
    )
    assert failure_of(model, IMAGES).message == (
        "4 (Linear) expects 100 inputs but receives 900 = 4 x 15 x 15, from 2 (MaxPool2d)"
    )


def test_a_missing_flatten_is_explained() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.Linear(900, 10))
    error = failure_of(model, IMAGES)
    assert error.message == (
        "2 (Linear) expects 900 inputs but receives 15, the last size of [64, 4, 15, 15], "
        "from 1 (MaxPool2d)"
    )
    assert error.fix.startswith("flatten(1) first")


@pytest.mark.parametrize(
    ("join", "message"),
    [
        (
            lambda net, x: net.fc(net.drop(net.pool(net.relu(net.conv(x)))).reshape(64, -1)),
            "fc expects 6 inputs but receives 1,176 = 6 x 14 x 14, from pool(relu(conv))",
        ),
        (
            lambda net, x: net.fc(F.max_pool2d(net.conv(x).relu(), 2).flatten(1)),
            "fc expects 6 inputs but receives 1,176 = 6 x 14 x 14, from max_pool2d(relu(conv))",
        ),
        (
            lambda net, x: net.norm(net.conv(x)),
            "norm expects 5 channels but receives 6, from conv [64, 6, 28, 28]",
        ),
        (
            lambda net, x: net.conv(x[:, :1]),
            "conv expects 3 channels but receives 1, from getitem(the input) [64, 1, 32, 32]",
        ),
        (
            lambda net, x: F.linear(net.conv(x).tanh().mean((2, 3)), net.weight),
            "linear in the model (Parts) expects 99 inputs but receives 6, from mean(tanh(conv))",
        ),
        (
            lambda net, x: net.conv(x).mean((2, 3)) @ net.weight,
            "matmul in the model (Parts) expects 9 inputs but receives 6, from mean(conv)",
        ),
        (
            lambda net, x: net.conv(x).view(32, -1, 28).view(64, 5, -1),
            "the model (Parts) fails in view on [64, 3, 32, 32], from the input [64, 3, 32, 32]: "
            "shape '[64, 5, -1]' is invalid for input of size 301056",
        ),
        (
            lambda net, x: net.absent(x),
            "the model (Parts) fails on [64, 3, 32, 32], from the input [64, 3, 32, 32]: "
            "AttributeError: 'Parts' object has no attribute 'absent'",
        ),
    ],
)
def test_functions_between_layers_are_explained(
    join: Callable[[Parts, Tensor], Tensor], message: str
) -> None:
    assert failure_of(Parts(join), IMAGES).message == message


@pytest.mark.parametrize(
    ("join", "tokens", "message"),
    [
        (
            lambda net, x: net.embedding(x),
            TOKENS + 24_974,
            "embedding has 25,000 rows, the largest token is 25,001",
        ),
        (
            lambda net, x: net.embedding(x),
            TOKENS - 1,
            "embedding has 25,000 rows, the smallest token is -1",
        ),
        (
            lambda net, x: net.lstm(net.embedding(x))[0],
            TOKENS,
            "lstm expects 90 inputs per token but receives 100, from embedding [4, 7, 100]",
        ),
    ],
)
def test_tokens_that_do_not_fit_are_explained(
    join: Callable[[Parts, Tensor], Tensor], tokens: Tensor, message: str
) -> None:
    assert failure_of(Parts(join), tokens).message == message


def test_whole_numbers_where_real_ones_are_expected_are_explained() -> None:
    found = failure_of(Parts(lambda net, x: net.conv(x)), torch.ones(2, 3, 9, 9).long())
    assert found.message.startswith("conv expects real numbers but receives int64 [2, 3, 9, 9]")
    assert "float32" in found.fix


class Block(nn.Module):
    """A residual block."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv(x) + x)


def test_a_user_defined_block_is_named_as_a_whole() -> None:
    body = nn.Sequential(Block(), Block())
    model = nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    assert failure_of(model, IMAGES).message == (
        "3 (Linear) expects 4 inputs but receives 3 = 3 x 1 x 1, from 1 (AdaptiveAvgPool2d)"
    )
    assert failure_of(nn.Sequential(body, nn.Conv2d(4, 5, 1)), IMAGES).message == (
        "1 (Conv2d) expects 4 channels but receives 3, from 0.1 (Block) [64, 3, 32, 32]"
    )
