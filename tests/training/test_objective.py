"""Gradients of a batch, whole or in parts, compared with those of torch."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.data.batches import Batch
from papertrial.errors import ModelError
from papertrial.tasks.image_classification import ImageClassification
from papertrial.tasks.loss_requirements import Loss, check_loss
from papertrial.tasks.regression import Regression
from papertrial.training.objective import Objective

CLASSIFY = ImageClassification(["a", "b", "c"])
REGRESS = Regression(["a"], "y")
DRAW = torch.Generator().manual_seed(0)
BATCH = Batch(torch.randn(10, 5, generator=DRAW), torch.randint(3, (10,), generator=DRAW))
NUMBERS = Batch(BATCH.x, torch.randn(10, generator=DRAW))


def _sum_of_squares(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).square().sum()


def _mean_of_squares(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).square().mean()


def _model(outputs: int) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, outputs))


def _gradients(model: nn.Module) -> list[Tensor]:
    return [p.grad for p in model.parameters() if p.grad is not None]


def test_the_gradients_are_those_of_a_plain_backward() -> None:
    model, other = _model(3), _model(3)
    result = Objective(model, nn.CrossEntropyLoss(), CLASSIFY).backward(BATCH)
    loss = F.cross_entropy(other(BATCH.x), BATCH.y)
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(map(torch.equal, _gradients(model), _gradients(other)))
    assert torch.equal(result.loss, loss.detach())
    assert torch.equal(result.output, other(BATCH.x).detach())
    assert torch.equal(result.y, BATCH.y)
    assert not result.loss.requires_grad


def test_gradients_are_added_to_existing_ones() -> None:
    model = _model(3)
    objective = Objective(model, nn.CrossEntropyLoss(), CLASSIFY)
    objective.backward(BATCH)
    once = [g.clone() for g in _gradients(model)]
    objective.backward(BATCH)
    for gradient, first in zip(_gradients(model), once, strict=True):
        torch.testing.assert_close(gradient, 2 * first)


@pytest.mark.parametrize("accumulate", [2, 4, 16])
@pytest.mark.parametrize(
    ("loss", "batch"),
    [
        (nn.CrossEntropyLoss(), BATCH),
        (nn.CrossEntropyLoss(reduction="sum", label_smoothing=0.1), BATCH),
        (partial(F.cross_entropy, reduction="sum"), BATCH),
        (F.cross_entropy, BATCH),
        (nn.MSELoss(), NUMBERS),
        (nn.L1Loss(reduction="sum"), NUMBERS),
        (_mean_of_squares, NUMBERS),
        (_sum_of_squares, NUMBERS),
    ],
    ids=lambda value: getattr(getattr(value, "func", value), "__name__", type(value).__name__),
)
def test_parts_give_the_gradients_of_the_whole(loss: Loss, batch: Batch, accumulate: int) -> None:
    task, outputs = (CLASSIFY, 3) if batch is BATCH else (REGRESS, 1)
    model, other = _model(outputs), _model(outputs)
    reduction = check_loss(loss, task, model(batch.x), batch.y)
    whole = Objective(model, loss, task).backward(batch)
    in_parts = Objective(other, loss, task, accumulate=accumulate, reduction=reduction)
    parts = in_parts.backward(batch)
    for gradient, expected in zip(_gradients(other), _gradients(model), strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-5, atol=1e-6)
    for tensor, expected in zip(parts, whole, strict=True):
        torch.testing.assert_close(tensor, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_targets_take_the_shape_of_a_regression_output(shape: tuple[int, ...]) -> None:
    model = nn.Sequential(nn.Linear(5, 1), nn.Flatten(0) if len(shape) == 1 else nn.Identity())
    result = Objective(model, nn.MSELoss(), REGRESS).backward(NUMBERS)
    assert result.output.shape == NUMBERS.y.view(shape).shape
    expected = F.mse_loss(model[0](NUMBERS.x)[:, 0], NUMBERS.y)
    assert result.loss.item() == pytest.approx(expected.item())


BF16: list[tuple[Loss, Any, int]] = [
    (nn.CrossEntropyLoss(label_smoothing=0.1), CLASSIFY, 3),
    (nn.MultiMarginLoss(), CLASSIFY, 3),
    (nn.MSELoss(), REGRESS, 1),
    (nn.L1Loss(), REGRESS, 1),
    (nn.HuberLoss(), REGRESS, 1),
    (nn.SmoothL1Loss(), REGRESS, 1),
    (_mean_of_squares, REGRESS, 1),
]


@pytest.mark.parametrize(
    ("loss", "task", "outputs"),
    BF16,
    ids=[getattr(loss, "__name__", type(loss).__name__) for loss, _, _ in BF16],
)
def test_bf16_gives_float32_gradients_near_those_of_fp32(
    loss: Loss, task: Any, outputs: int
) -> None:
    batch = BATCH if task is CLASSIFY else NUMBERS
    model, other = _model(outputs), _model(outputs)
    Objective(model, loss, task).backward(batch)
    result = Objective(other, loss, task, precision="bf16").backward(batch)
    assert result.output.dtype == torch.bfloat16
    for gradient, exact in zip(_gradients(other), _gradients(model), strict=True):
        assert gradient.dtype == torch.float32
        torch.testing.assert_close(gradient, exact, rtol=0.1, atol=0.05)
    assert not all(map(torch.equal, _gradients(other), _gradients(model)))


class Raises(nn.Linear):
    """Fails on every batch."""

    def __init__(self, error: Exception) -> None:
        super().__init__(5, 3)
        self.error = error

    def forward(self, x: Tensor) -> Tensor:
        raise self.error


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            KeyError("scale"),
            "the model or the loss fails on a batch [10, 5]: KeyError: 'scale'",
        ),
        (
            torch.OutOfMemoryError("tried to allocate 9 GiB"),
            "out of memory on a batch of 10; lower data.batch_size, or set accumulate to compute "
            "each batch in parts: tried to allocate 9 GiB",
        ),
    ],
    ids=["failure", "memory"],
)
def test_a_model_that_fails_is_reported(error: Exception, message: str, accumulate: int) -> None:
    objective = Objective(Raises(error), nn.CrossEntropyLoss(), CLASSIFY, accumulate=accumulate)
    with pytest.raises(ModelError) as raised:
        objective.backward(BATCH)
    assert str(raised.value) == message


def test_a_loss_that_fails_is_reported() -> None:
    weights = nn.CrossEntropyLoss(weight=torch.ones(4))
    with pytest.raises(ModelError, match=r"fails on a batch \[10, 5\]: RuntimeError: weight"):
        Objective(_model(3), weights, CLASSIFY).backward(BATCH)
