"""Distillation, compared with the formula of Hinton et al. written as sums over classes."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.objectives import Distillation

DRAW = torch.Generator().manual_seed(2)
X = torch.randn(5, 4, generator=DRAW)
Y = torch.tensor([0, 1, 2, 2, 1])


def _linear(seed: int) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(4, 3)


def _softmax(logits: list[float], temperature: float) -> list[float]:
    powers = [math.exp(z / temperature) for z in logits]
    return [p / sum(powers) for p in powers]


@pytest.mark.parametrize(("temperature", "weight"), [(1.0, 0.5), (4.0, 0.9), (2.0, 0.0)])
def test_the_loss_is_that_of_the_paper(temperature: float, weight: float) -> None:
    teacher, student = _linear(0), _linear(1)
    loss, output = Distillation(teacher, temperature, weight)(student, X, Y, F.cross_entropy)
    divergence = hard = 0.0
    for row in range(5):
        p = _softmax(teacher(X[row]).tolist(), temperature)
        q = _softmax(student(X[row]).tolist(), temperature)
        divergence += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)) / 5
        hard -= math.log(_softmax(student(X[row]).tolist(), 1.0)[Y[row]]) / 5
    expected = (1 - weight) * hard + weight * temperature**2 * divergence
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert torch.equal(output, student(X))


def test_the_teacher_is_frozen_and_stays_in_evaluation_mode() -> None:
    teacher = nn.Sequential(_linear(0), nn.BatchNorm1d(3), nn.Dropout(0.5))
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    objective = Distillation(teacher)
    objective.train()  # as a training does with its modules
    student = _linear(1)
    loss, _ = objective(student, X, Y, F.cross_entropy)
    loss.backward()
    assert not teacher.training
    assert all(p.grad is None and not p.requires_grad for p in teacher.parameters())
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    assert student.weight.grad is not None


def test_one_logit_has_nothing_to_distil() -> None:
    one = nn.Linear(4, 1)
    for model in (one, nn.Sequential(one, nn.Flatten(0))):
        with pytest.raises(ValueError, match=r"at least 2 classes, .* got \[5"):
            Distillation(model)(model, X, Y, F.mse_loss)


def test_a_perfect_student_has_no_soft_loss() -> None:
    student = _linear(0)
    loss, _ = Distillation(_linear(0), weight=1.0)(student, X, Y, F.cross_entropy)
    assert loss.item() == pytest.approx(0, abs=1e-6)


def test_models_with_several_outputs_are_compared_by_their_first() -> None:
    class Two(nn.Module):
        def __init__(self, seed: int) -> None:
            super().__init__()
            self.fc = _linear(seed)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.fc(x), x

    def loss(returned: tuple[Tensor, Tensor], y: Tensor) -> Tensor:
        return F.cross_entropy(returned[0], y)

    two, _ = Distillation(Two(0))(Two(1), X, Y, loss)
    one, _ = Distillation(_linear(0))(_linear(1), X, Y, F.cross_entropy)
    assert torch.equal(two, one)


@pytest.mark.parametrize(
    ("arguments", "value"), [({"temperature": 0}, "got 0"), ({"weight": 1.5}, "got 1.5")]
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, float], value: str) -> None:
    with pytest.raises(ValueError, match=value):
        Distillation(_linear(0), **arguments)


def test_a_teacher_of_other_classes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[5, 3\].*\[5, 2\]"):
        Distillation(nn.Linear(4, 2))(_linear(1), X, Y, F.cross_entropy)
