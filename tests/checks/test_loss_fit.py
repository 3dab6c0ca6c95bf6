"""A loss, what is before it, and its targets fit each other."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.checks.loss_fit import (
    FirstLoss,
    check_ending,
    check_first_loss,
    check_targets,
    last_function,
    loss_name,
)

X = torch.randn(32, 6, generator=torch.Generator().manual_seed(0))
Y = torch.arange(32) % 4


class Ending(nn.Module):
    """A linear layer and a function."""

    def __init__(self, end: Any, width: int = 4) -> None:
        super().__init__()
        self.fc = nn.Linear(6, width)
        self.end = end

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.end(self.fc(x))
        return out


LOSSES = [
    (nn.CrossEntropyLoss(label_smoothing=0.1), "CrossEntropyLoss"),
    (F.cross_entropy, "CrossEntropyLoss"),
    (partial(partial(F.cross_entropy, ignore_index=9), label_smoothing=0.1), "CrossEntropyLoss"),
    (nn.BCEWithLogitsLoss(), "BCEWithLogitsLoss"),
    (partial(F.binary_cross_entropy_with_logits), "BCEWithLogitsLoss"),
    (nn.BCELoss(), "BCELoss"),
    (nn.MSELoss(), ""),
    (lambda output, target: output.sum(), ""),
]


@pytest.mark.parametrize(("loss", "name"), LOSSES)
def test_losses_are_recognised_as_classes_functions_and_partials(loss: Any, name: str) -> None:
    assert loss_name(loss) == name


@pytest.mark.parametrize(
    ("end", "severity"),
    [
        (lambda x: x.softmax(1), "error"),
        (nn.Softmax(1), "error"),
        (lambda x: x.exp() / x.exp().sum(1, keepdim=True), "error"),
        (lambda x: F.softmax(x, 1).view(-1, 4), "error"),
        (torch.sigmoid, "warning"),
        (nn.Identity(), None),
        (nn.LogSoftmax(1), None),
        (nn.ReLU(), None),
    ],
)
def test_probabilities_before_cross_entropy_are_reported(end: Any, severity: str | None) -> None:
    found = check_ending(Ending(end), F.cross_entropy, X, Y)
    assert [f.severity for f in found] == ([severity] if severity else [])
    if severity == "error":
        assert found[0].where == "loss"
        assert found[0].fix == "remove the softmax: CrossEntropyLoss takes logits"


@pytest.mark.parametrize(
    ("end", "wrong"),
    [
        (lambda x: x.sigmoid(), True),
        (lambda x: x.squeeze(1).sigmoid(), True),
        (lambda x: x.sigmoid()[:, 0], True),
        (nn.Sequential(nn.Sigmoid(), nn.Flatten(0)), True),
        (lambda x: x, False),
        (lambda x: 0.5 + 0.01 * x, False),  # from 0 to 1 by chance, as an untrained model's may be
    ],
)
def test_a_sigmoid_before_bce_with_logits_is_reported(end: Any, wrong: bool) -> None:
    found = check_ending(Ending(end, 1), nn.BCEWithLogitsLoss(), X, Y.clamp(0, 1))
    assert [f.severity for f in found] == (["error"] if wrong else [])
    assert all(f.fix == "remove the sigmoid: BCEWithLogitsLoss takes logits" for f in found)


def test_logits_before_bce_are_reported() -> None:
    (found,) = check_ending(Ending(nn.Identity(), 1), nn.BCELoss(), X, Y.clamp(0, 1))
    assert "BCELoss takes probabilities" in found.message
    assert check_ending(Ending(nn.Sigmoid(), 1), nn.BCELoss(), X, Y.clamp(0, 1)) == []


@pytest.mark.parametrize(
    ("end", "numbers", "message"),
    [
        (nn.ReLU(), [-1.0, 2.0, 3.0], "ends in a ReLU, which gives 0 or more, but 1 of 3 targets"),
        (nn.ReLU(), [0.0, 2.0], None),
        (nn.Sigmoid(), [0.5, 25.0, 340.0], "gives 0 to 1, but 2 of 3 targets are out of range"),
        (nn.Tanh(), [-1.0, 1.0], None),
        (nn.Identity(), [-1e9, 1e9], None),
    ],
)
def test_numbers_that_the_last_function_cannot_reach_are_reported(
    end: nn.Module, numbers: list[float], message: str | None
) -> None:
    found = check_ending(Ending(end, 1), nn.MSELoss(), X, torch.tensor(numbers))
    assert [f.severity for f in found] == (["warning"] if message else [])
    assert all(message and message in f.message for f in found)


def test_class_indices_out_of_range_are_counted() -> None:
    output = torch.zeros(32, 10)
    (found,) = check_targets(F.cross_entropy, output, torch.tensor([1, 10, 10, 3]))
    assert found.severity == "error"
    assert "needs class indices from 0 to 9" in found.message
    assert "from 1 to 10 (2 of 4 are out of range)" in found.message
    (found,) = check_targets(F.cross_entropy, output, torch.tensor([-1, 9]))
    assert "from -1 to 9 (1 of 2 are" in found.message
    assert check_targets(F.cross_entropy, output, torch.tensor([0, 9])) == []


def test_targets_of_a_binary_loss_are_from_0_to_1() -> None:
    output = torch.zeros(4, 1)
    (found,) = check_targets(nn.BCEWithLogitsLoss(), output, torch.tensor([0, 1, 2, 4]))
    assert "2 of 4 targets are out of range: they go from 0 to 4" in found.message
    assert check_targets(nn.BCEWithLogitsLoss(), output, torch.tensor([0.0, 1.0, 0.5])) == []
    assert check_targets(nn.MSELoss(), output, torch.tensor([-5.0, 7.0])) == []


@pytest.mark.parametrize(
    ("loss", "output", "expected"),
    [
        (nn.CrossEntropyLoss(), torch.zeros(8, 10), math.log(10)),
        (nn.CrossEntropyLoss(reduction="sum"), torch.zeros(8, 10), 8 * math.log(10)),
        (partial(F.cross_entropy, reduction="sum"), torch.zeros(8, 10), 8 * math.log(10)),
        (nn.BCEWithLogitsLoss(), torch.zeros(8), math.log(2)),
        (nn.BCEWithLogitsLoss(), torch.zeros(8, 1), math.log(2)),
        (nn.BCELoss(), torch.full((8, 1), 0.5), math.log(2)),
        (nn.MSELoss(), torch.ones(8), None),
    ],
)
def test_the_first_loss_is_compared_with_that_of_a_guess(
    loss: Any, output: Tensor, expected: float | None
) -> None:
    target = torch.zeros(8, dtype=torch.long)
    target = target if output.ndim > 1 and output.shape[1] > 1 else target.view(output.shape) * 1.0
    found, first = check_first_loss(loss, output, target)
    assert found == []
    assert first.expected == expected
    assert first.value == pytest.approx(1.0 if expected is None else expected, rel=1e-6)


def test_with_a_weight_of_positives_the_loss_of_a_guess_is_not_known() -> None:
    output, target, weight = torch.zeros(4), torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor(9.0)
    named = partial(F.binary_cross_entropy_with_logits, pos_weight=weight)
    for loss in (nn.BCEWithLogitsLoss(pos_weight=weight), named):
        found, first = check_first_loss(loss, output, target)
        assert found == []
        assert (first.value, first.expected) == (pytest.approx(5 * math.log(2)), None)


def test_a_first_loss_that_is_high_or_not_finite_is_reported() -> None:
    output = torch.zeros(8, 10)
    output[:, 3] = 100.0
    found, first = check_first_loss(F.cross_entropy, output, torch.zeros(8, dtype=torch.long))
    assert [f.severity for f in found] == ["warning"]
    assert "2.303, but the first loss is 100.000" in found[0].message
    assert first.value == pytest.approx(100.0)
    found, first = check_first_loss(F.mse_loss, torch.tensor([math.nan]), torch.zeros(1))
    assert [f.severity for f in found] == ["error"]
    assert first == FirstLoss(None, None)


def test_the_last_function_is_taken_from_the_graph() -> None:
    x = torch.randn(3, 4, requires_grad=True)
    ends = [x.sigmoid(), x.softmax(1)[:, 0], x.relu().double(), x.tanh().unsqueeze(0), x * 2]
    assert [last_function(one) for one in ends] == ["sigmoid", "softmax", "ReLU", "tanh", ""]
    assert last_function(x.detach()) == ""


def test_the_model_is_left_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Dropout()).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    draws = torch.get_rng_state()
    check_ending(model, F.cross_entropy, X, Y)
    assert model[2].training
    assert torch.equal(torch.get_rng_state(), draws)
    assert all(torch.equal(v, before[name]) for name, v in model.state_dict().items())
