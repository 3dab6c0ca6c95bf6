"""Multi-label classification: targets, link, answers, and the losses that suit it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score
from torch import Tensor, nn

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.errors import DataError, ModelError
from papertrial.tasks.loss_requirements import Loss, check_loss
from papertrial.tasks.make_task import make_task
from papertrial.tasks.multilabel import MultilabelClassification

TASK = MultilabelClassification(["cat", "dog", "owl"])
DRAW = torch.Generator().manual_seed(0)
Y = (torch.rand(200, 3, generator=DRAW) < 0.4).to(torch.uint8)
OUTPUT = torch.randn(16, 3, generator=DRAW)


def test_targets_are_0_and_1_in_the_dtype_of_the_output() -> None:
    target = TASK.target(Y[:16], OUTPUT)
    assert target.dtype == torch.float32
    assert torch.equal(target.to(torch.uint8), Y[:16])


def test_labels_above_half_are_predicted_the_likeliest_first() -> None:
    first, second = TASK.decode(torch.tensor([[0.5, -1.0, 2.0], [-1.0, 0.0, -3.0]]))
    assert first.prediction == ["owl", "cat"]
    assert list(first.probabilities) == ["owl", "cat", "dog"]
    assert first.probabilities["cat"] == pytest.approx(1 / (1 + np.exp(-0.5)))
    assert second.prediction == []  # 0.5 is not above 0.5


def test_the_score_of_a_batch_is_f1_over_all_labels() -> None:
    expected = f1_score(Y[:16].numpy(), (OUTPUT > 0).numpy(), average="micro")
    score = TASK.batch_score(OUTPUT, TASK.target(Y[:16], OUTPUT))
    assert score.item() == pytest.approx(expected)
    assert TASK.batch_score(-OUTPUT.abs(), torch.zeros(16, 3)).item() == 0


@pytest.mark.parametrize("shape", [(16,), (16, 2), (15, 3), (16, 3, 1)])
def test_other_outputs_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"must return \[16, 3\] .* 3 labels\), got") as error:
        TASK.check_output(torch.zeros(shape), Y[:16])
    assert str(error.value).endswith(str(list(shape)))


def test_one_class_for_each_sample_is_not_labels() -> None:
    split = Split(DenseColumn(torch.zeros(3, 2)), torch.tensor([0, 1, 1]), np.arange(3))
    with pytest.raises(DataError, match=r"y \[N, K\], but mine has one class for each sample"):
        make_task("multilabel-classification", Dataset("mine", "table", split, classes=("a", "b")))


def _focal(output: Tensor, target: Tensor) -> Tensor:
    p = torch.where(target.bool(), output, -output).sigmoid()
    return -((1 - p) ** 2 * p.log()).mean()


@pytest.mark.parametrize(
    ("loss", "reduction"),
    [
        (nn.BCEWithLogitsLoss(), "mean"),
        (nn.BCEWithLogitsLoss(reduction="sum", pos_weight=torch.tensor([1.0, 2, 3])), "sum"),
        (nn.MultiLabelSoftMarginLoss(), "mean"),
        (_focal, "mean"),
    ],
)
def test_losses_of_logits_are_taken(loss: Loss, reduction: str) -> None:
    assert check_loss(loss, TASK, OUTPUT, Y) == reduction


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        (nn.CrossEntropyLoss(), "CrossEntropyLoss"),
        (F.mse_loss, "mse_loss"),
    ],
)
def test_other_losses_are_refused_with_the_one_to_use(loss: Loss, name: str) -> None:
    with pytest.raises(ModelError) as error:
        check_loss(loss, TASK, OUTPUT, Y)
    assert str(error.value).startswith(f"loss: {name} ")
    assert "use torch.nn.BCEWithLogitsLoss" in str(error.value)


def test_probabilities_go_with_binary_cross_entropy_and_get_no_second_sigmoid() -> None:
    task = TASK.for_probabilities()
    outputs = OUTPUT.sigmoid()
    assert check_loss(nn.BCELoss(), task, outputs, Y) == "mean"
    assert torch.equal(task.link(outputs), outputs.double())
    assert torch.equal(task.answers(outputs), TASK.answers(OUTPUT))
    assert type(task).from_meaning(task.meaning()).probabilities
    score = task.batch_score(outputs, task.target(Y[: len(outputs)], outputs))
    assert score == TASK.batch_score(OUTPUT, TASK.target(Y[: len(OUTPUT)], OUTPUT))
    with pytest.raises(ModelError, match="BCELoss takes probabilities from 0 to 1"):
        check_loss(nn.BCELoss(), task, 4 * OUTPUT, Y)
