"""The task of tensors: any targets, outputs as they are, losses tried on a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.errors import DataError, ModelError
from papertrial.tasks.loss_requirements import check_loss
from papertrial.tasks.make_task import make_task
from papertrial.tasks.prediction import TensorPrediction
from papertrial.tasks.task import TensorMeaning

TASK = TensorPrediction()
OUTPUT = torch.randn(6, 5, 3, generator=torch.Generator().manual_seed(0))
TOKENS = torch.arange(30).reshape(6, 5) % 3
NAMED = {"mask": TOKENS, "size": torch.arange(6.0)}


def _dataset(kind: Any) -> Dataset:
    x = torch.zeros(6, 2, dtype=torch.uint8 if kind == "image" else torch.float32)
    return Dataset("mine", kind, Split(DenseColumn(x), TOKENS, np.arange(6)))


@pytest.mark.parametrize("kind", ["image", "table", "text", "tensor"])
def test_it_takes_samples_of_every_kind(kind: str) -> None:
    task = make_task("prediction", _dataset(kind))
    assert isinstance(task, TensorPrediction)
    again = TensorPrediction.from_meaning(task.meaning())
    assert isinstance(again, TensorPrediction)
    assert task.meaning() == TensorMeaning()


def test_targets_that_are_tensors_are_for_no_other_task() -> None:
    with pytest.raises(DataError, match="regression needs numbers as targets"):
        make_task("regression", _dataset("tensor"))
    with pytest.raises(DataError, match=r"for images, .* has tensors; use the task classification"):
        make_task("image-classification", _dataset("tensor"))


@pytest.mark.parametrize("y", [TOKENS, NAMED])
def test_targets_and_outputs_stay_as_they_are(y: Any) -> None:
    assert TASK.target(y, OUTPUT) is y
    assert TASK.link(OUTPUT) is OUTPUT
    assert TASK.batch_score(OUTPUT, y) is None
    TASK.check_output(OUTPUT, y)
    for wrong in (OUTPUT[:5], torch.tensor(1.0)):
        with pytest.raises(ModelError, match=r"\[6, \.\.\.\]"):
            TASK.check_output(wrong, y)


def test_answers_are_numbers_or_nested_lists() -> None:
    assert [a.prediction for a in TASK.decode(torch.tensor([[1.5], [2.0]]))] == [1.5, 2.0]
    answers = TASK.decode(OUTPUT)
    assert np.array_equal(np.array(answers[2].prediction), np.array(OUTPUT[2].tolist()))
    assert answers[0].probabilities == {}


def test_classes_of_positions_are_on_the_axis_that_the_loss_takes() -> None:
    task, tags = TensorPrediction(("A", "B", "C")), ["A", "B", "C"]
    last = task.for_outputs(OUTPUT, _by_token)
    again = TensorPrediction.from_meaning(last.meaning())
    expected = [[tags[k] for k in row] for row in OUTPUT.argmax(-1).tolist()]
    assert [a.prediction for a in again.decode(OUTPUT)] == expected
    assert again.position_classes == ("A", "B", "C")
    turned = OUTPUT.transpose(1, 2)
    first = task.for_outputs(turned, nn.CrossEntropyLoss())
    assert [a.prediction for a in first.decode(turned)] == expected
    square = OUTPUT[:, :3]  # as many positions as classes: the loss decides
    assert task.for_outputs(square, nn.CrossEntropyLoss()).class_axis == 1
    assert task.for_outputs(square, _by_token).class_axis == -1
    for outputs, loss in ((OUTPUT[..., :2], _by_token), (OUTPUT, nn.CrossEntropyLoss())):
        with pytest.raises(ModelError, match=r"3 classes .* no axis of 3"):
            task.for_outputs(outputs, loss)
    assert TASK.for_outputs(OUTPUT, _by_token) is TASK
    assert TASK.position_classes == ()
    with pytest.raises(ValueError, match="axis"):
        TensorMeaning(classes=("A", "B"))


def _by_token(output: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(output.flatten(0, 1), target.flatten())


def _summed(output: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(output.flatten(0, 1), target.flatten(), reduction="sum")


def _of_names(output: Tensor, target: dict[str, Tensor]) -> Tensor:
    return _by_token(output, target["mask"]) + (output.mean((1, 2)) - target["size"]).abs().mean()


@pytest.mark.parametrize(
    ("loss", "y", "reduction"),
    [(_by_token, TOKENS, "mean"), (_summed, TOKENS, "sum"), (_of_names, NAMED, "mean")],
)
def test_the_reduction_of_a_loss_is_found_on_a_batch(loss: Any, y: Any, reduction: str) -> None:
    assert check_loss(loss, TASK, OUTPUT, y) == reduction


@pytest.mark.parametrize(
    ("loss", "y", "told"),
    [
        (nn.CrossEntropyLoss(), TOKENS, r"\[6, 5, 3\].*\[6, 5\]"),
        (_of_names, {"size": NAMED["size"]}, "mask"),
        (nn.MSELoss(reduction="none"), OUTPUT, "reduction|one number|scalar"),
        (lambda output, target: output.detach().mean(), TOKENS, "grad"),
        (nn.PReLU(), TOKENS, "parameters"),
    ],
)
def test_a_loss_that_does_not_fit_is_refused(loss: Any, y: Any, told: str) -> None:
    with pytest.raises(ModelError, match=f"^loss: .*({told})"):
        check_loss(loss, TASK, OUTPUT, y)
