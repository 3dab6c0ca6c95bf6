"""Losses for one logit a sample: those about a logit are taken, others refused with what to use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.errors import ModelError
from papertrial.tasks.loss_requirements import check_loss
from papertrial.tasks.text_classification import TextClassification

TWO = TextClassification(["neg", "pos"])
Y = torch.randint(2, (200,), generator=torch.Generator().manual_seed(0))
SHAPES = [(16,), (16, 1)]
USE = "use torch.nn.BCEWithLogitsLoss, and no sigmoid in the model"


def outputs(shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def _focal(output: Tensor, target: Tensor) -> Tensor:
    p = torch.where(target.bool(), output, -output).sigmoid()
    return -((1 - p) ** 2 * p.log()).mean()


def _hinge(output: Tensor, target: Tensor) -> Tensor:
    return (1 - (2 * target - 1) * output).clamp(min=0).mean()


def _dice(output: Tensor, target: Tensor) -> Tensor:
    p = output.sigmoid()
    return 1 - 2 * (p * target).sum() / (p.sum() + target.sum())


def _smoothed(output: Tensor, target: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(output, target * 0.8 + 0.1)


TAKEN: list[tuple[Callable[[Tensor, Tensor], Tensor], str]] = [
    (nn.BCEWithLogitsLoss(), "mean"),
    (nn.BCEWithLogitsLoss(reduction="sum"), "sum"),
    (nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.0)), "mean"),
    (F.binary_cross_entropy_with_logits, "mean"),
    (_focal, "mean"),
    (_hinge, "mean"),
    (_dice, "mean"),
    (_smoothed, "mean"),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("loss", "reduction"), TAKEN)
def test_losses_of_a_logit_are_taken(
    loss: Callable[[Tensor, Tensor], Tensor], reduction: str, shape: tuple[int, ...]
) -> None:
    assert check_loss(loss, TWO, outputs(shape), Y) == reduction


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("value", [0, 1])
def test_targets_all_of_one_class_are_taken(value: int, shape: tuple[int, ...]) -> None:
    check_loss(nn.BCEWithLogitsLoss(), TWO, outputs(shape), torch.full((30,), value))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), F.cross_entropy])
def test_a_softmax_over_one_logit_is_refused(
    loss: Callable[[Tensor, Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    # [B, 1]: always 0. [B]: one sample of B classes, to torch.
    with pytest.raises(ModelError) as error:
        check_loss(loss, TWO, outputs(shape), Y)
    name = getattr(loss, "__name__", type(loss).__name__)
    assert str(error.value).startswith(f"loss: {name} does not change if all outputs rise by 64")
    assert str(error.value).endswith(USE)


@pytest.mark.parametrize(
    ("loss", "below", "at_0"),
    [
        (nn.MSELoss(), "0.25", "0"),
        (nn.L1Loss(), "0.25", "0"),
        (nn.SoftMarginLoss(), "0.408233", "0.408233"),  # of -1 and 1
        (nn.HingeEmbeddingLoss(), "1", "1"),
    ],
)
def test_a_loss_of_numbers_or_of_other_labels_is_refused(
    loss: nn.Module, below: str, at_0: str
) -> None:
    with pytest.raises(ModelError) as error:
        check_loss(loss, TWO, outputs((16, 1)), Y)
    assert str(error.value).startswith(f"loss: {type(loss).__name__} must be smaller at -1")
    assert f"got {below} and {at_0};" in str(error.value)
    assert str(error.value).endswith(USE)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("loss", [nn.NLLLoss(), nn.MultiMarginLoss()])
def test_a_loss_that_does_not_take_it_says_which_does(
    loss: nn.Module, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ModelError) as error:
        check_loss(loss, TWO, outputs(shape), Y)
    assert str(error.value).startswith(f"loss: {type(loss).__name__} does not take outputs [")
    assert str(error.value).endswith(USE)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_loss_of_probabilities_takes_outputs_from_0_to_1(shape: tuple[int, ...]) -> None:
    assert check_loss(nn.BCELoss(), TWO, outputs(shape).sigmoid(), Y) == "mean"
    assert check_loss(nn.BCELoss(reduction="sum"), TWO, outputs(shape).sigmoid(), Y) == "sum"
    with pytest.raises(ModelError) as error:
        check_loss(nn.BCELoss(), TWO, outputs(shape), Y)
    assert "BCELoss takes probabilities from 0 to 1" in str(error.value)
    assert "torch.nn.BCEWithLogitsLoss" in str(error.value)


def test_two_logits_are_not_told_of_one() -> None:
    check_loss(nn.CrossEntropyLoss(), TWO, outputs((16, 2)), Y)
    with pytest.raises(ModelError) as error:
        check_loss(nn.BCEWithLogitsLoss(), TWO, outputs((16, 2)), Y)
    assert USE not in str(error.value)
