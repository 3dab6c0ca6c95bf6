"""The output has one row per sample, at every batch size and with any other samples."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.checks.batch_independence import check_rows
from papertrial.diagnose.diagnosis import Diagnosis

X = torch.randn(64, 12, generator=torch.Generator().manual_seed(0))
STEPS = torch.randn(64, 6, 3, generator=torch.Generator().manual_seed(1))


class DeepCnn(nn.Module):
    """The deeper CNN as printed in tutorials."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3)
        self.conv2 = nn.Conv2d(64, 128, 3)
        self.fc1 = nn.Linear(128 * 10 * 10, 256)
        self.fc2 = nn.Linear(256, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = x.view(-1, 128 * 10 * 10)
        logits: Tensor = self.fc2(F.relu(self.fc1(x)))
        return logits


class Net(nn.Module):
    """A linear layer and an LSTM, joined by a function."""

    def __init__(self, join: Callable[[Net, Tensor], Tensor]) -> None:
        super().__init__()
        self.join = join
        self.fc = nn.Linear(12, 5)
        self.norm = nn.BatchNorm1d(5)
        self.lstm = nn.LSTM(3, 4)
        self.right = nn.LSTM(3, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self, x)


def only(found: list[Diagnosis]) -> Diagnosis:
    assert len(found) == 1
    assert found[0].where == "model"
    return found[0]


@pytest.mark.parametrize(
    ("size", "outcomes"),
    [
        (64, "a batch of 64 fails, a batch of 25 gives 196 rows, a batch of 7 fails"),
        (25, "a batch of 25 gives 196 rows, a batch of 7 fails, a batch of 2 fails"),
    ],
)
def test_the_deep_cnn_as_printed_in_tutorials_is_reported(size: int, outcomes: str) -> None:
    found = only(check_rows(DeepCnn(), torch.rand(size, 3, 32, 32)))
    assert found.severity == "error"
    reason = "view asks for 12,800 numbers per row, conv2 gives 100,352 per sample = 128 x 28 x 28"
    assert found.message.endswith(f"{reason}: {outcomes}")
    assert "flatten(1)" in found.fix


@pytest.mark.parametrize(
    ("join", "x"),
    [
        (lambda net, x: net.norm(net.fc(x)).relu(), X),
        (lambda net, x: net.fc(x).softmax(1), X),
        (lambda net, x: F.dropout(net.fc(x), training=net.training), X),
        (lambda net, x: net.fc(x.view(-1, 3, 4).transpose(1, 2).flatten(1)), X),
        (lambda net, x: net.right(x)[0][:, -1], STEPS),
        (lambda net, x: net.lstm(x.transpose(0, 1))[0][-1], STEPS),
    ],
)
def test_correct_models_are_not_reported(join: Callable[[Net, Tensor], Tensor], x: Tensor) -> None:
    assert check_rows(Net(join), x) == []
    assert check_rows(Net(join), x[:1]) == []


@pytest.mark.parametrize(
    ("join", "message"),
    [
        (
            lambda net, x: net.fc(x).mean(0),
            "mean turns [64, 5] from fc into [5]: a batch of 64 gives 5 rows, ",
        ),
        (lambda net, x: net.fc(x).mean(), "into []: a batch of 64 gives one number, "),
        (
            lambda net, x: net.fc(x).view(64, 5),
            "view asks for 64 rows at every batch size, fc gives 25 samples of 5 numbers: "
            "a batch of 25 fails, ",
        ),
        (
            lambda net, x: net.fc(x)[:60],
            "getitem turns [64, 5] from fc into [60, 5]: a batch of 64 gives 60 rows",
        ),
    ],
)
def test_an_output_with_another_number_of_rows_is_reported(
    join: Callable[[Net, Tensor], Tensor], message: str
) -> None:
    found = only(check_rows(Net(join), X))
    assert found.severity == "error"
    assert message in found.message


@pytest.mark.parametrize(
    ("join", "x", "first", "fix"),
    [
        (lambda net, x: net.fc(x).softmax(0), X, "softmax of fc", "softmax over dim=0"),
        (lambda net, x: net.fc(x) - net.fc(x).mean(0), X, "mean of fc", "reduction"),
        (lambda net, x: net.fc(x).T.reshape(-1, 5), X, "reshape", "reshape that mixes rows"),
        (
            lambda net, x: net.lstm(x)[0][:, -1],
            STEPS,
            "lstm of the input",
            "give lstm batch_first=True; without it, [64, 6, 3] is read as 64 time steps of 6",
        ),
    ],
)
def test_samples_that_affect_each_other_are_reported(
    join: Callable[[Net, Tensor], Tensor], x: Tensor, first: str, fix: str
) -> None:
    found = only(check_rows(Net(join), x))
    assert found.severity == "error"
    assert "must not depend on the other samples" in found.message
    assert f"first in {first}" in found.message
    assert fix in found.fix


def test_dropout_at_evaluation_is_a_warning() -> None:
    found = only(check_rows(Net(lambda net, x: F.dropout(net.fc(x))), X))
    assert found.severity == "warning"
    assert found.message.startswith(
        "the model is stochastic in evaluation: dropout in the model (Net)"
    )
    assert "pass training=self.training to F.dropout" in found.fix


def test_outputs_that_are_not_finite_are_reported() -> None:
    found = only(check_rows(Net(lambda net, x: (net.fc(x) - 1e9).log()), X))
    assert "must be finite numbers" in found.message


def test_batch_normalisation_in_training_mode_is_left_as_it_was() -> None:
    model = Net(lambda net, x: net.norm(net.fc(x))).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    draws = torch.get_rng_state()
    check_rows(model, X)
    assert model.training
    assert torch.equal(torch.get_rng_state(), draws)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
