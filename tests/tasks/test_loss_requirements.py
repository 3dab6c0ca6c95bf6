"""Losses that fit a task are taken, those that silently give nonsense are refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.data.sources.named_sets import loading
from papertrial.errors import ModelError
from papertrial.progress import finish
from papertrial.tasks.image_classification import ImageClassification
from papertrial.tasks.loss_requirements import Loss, check_loss
from papertrial.tasks.regression import Regression

K = 10
CLASSIFY = ImageClassification([str(k) for k in range(K)])
REGRESS = Regression(["a"], "y")
DRAW = torch.Generator().manual_seed(0)
LABELS = torch.randint(K, (200,), generator=DRAW)
LOGITS = torch.randn(16, K, generator=DRAW)
UNEVEN = torch.linspace(0.1, 1, K)
NUMBERS = torch.randn(200, generator=DRAW)


def _custom_cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    return -(F.one_hot(target, K) * output.log_softmax(1)).sum(1).mean()


def _custom_nll(output: Tensor, target: Tensor) -> Tensor:
    return -output.gather(1, target[:, None]).mean()


def _custom_nll_sum(output: Tensor, target: Tensor) -> Tensor:
    return -output[torch.arange(len(target)), target].sum()


def _custom_nll_halved(output: Tensor, target: Tensor) -> Tensor:
    return 0.5 * _custom_nll(output, target)


def _squared(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).square().mean()


def _squeezes_output(output: Tensor, target: Tensor) -> Tensor:
    return (output.squeeze(1) - target).square().mean()


def _squeezes_target(output: Tensor, target: Tensor) -> Tensor:
    return (output - target.squeeze(1)).square().sum()


def _squeezes_output_absolute(output: Tensor, target: Tensor) -> Tensor:
    return (output.squeeze(1) - target).abs().mean()


def _title(value: object) -> str | None:
    """A stable name for a loss among a test's parameters."""
    name = getattr(getattr(value, "func", value), "__name__", None)
    return name or (str(value) if isinstance(value, nn.Module) else None)


NLL: list[Loss] = [
    nn.NLLLoss(),
    nn.NLLLoss(reduction="sum"),
    nn.NLLLoss(weight=UNEVEN),
    nn.NLLLoss(weight=UNEVEN / 10, reduction="sum"),
    F.nll_loss,
    partial(F.nll_loss, reduction="sum"),
    _custom_nll,
    _custom_nll_sum,
    _custom_nll_halved,
]


@pytest.mark.parametrize("loss", NLL, ids=_title)
def test_nll_on_logits_is_refused(loss: Loss) -> None:
    with pytest.raises(ModelError, match=r"expects log-probabilities.*CrossEntropyLoss"):
        check_loss(loss, CLASSIFY, LOGITS, LABELS)


@pytest.mark.parametrize("loss", NLL, ids=_title)
def test_nll_on_log_probabilities_is_taken(loss: Loss) -> None:
    check_loss(loss, CLASSIFY, LOGITS.log_softmax(1), LABELS)


def test_the_refusal_of_nll_names_the_loss_and_what_the_rows_sum_to() -> None:
    with pytest.raises(ModelError) as error:
        check_loss(nn.NLLLoss(), CLASSIFY, torch.zeros(4, K), LABELS)
    for part in ("loss: NLLLoss", "got 10", "torch.nn.CrossEntropyLoss", "torch.nn.LogSoftmax"):
        assert part in str(error.value)


@pytest.mark.parametrize(
    "loss",
    [
        nn.CrossEntropyLoss(),
        nn.CrossEntropyLoss(label_smoothing=0.1),
        nn.CrossEntropyLoss(label_smoothing=0.9),
        nn.CrossEntropyLoss(weight=UNEVEN),
        nn.CrossEntropyLoss(reduction="sum"),
        nn.CrossEntropyLoss(weight=UNEVEN, reduction="sum", label_smoothing=0.2),
        nn.CrossEntropyLoss(ignore_index=0),
        nn.MultiMarginLoss(),
        nn.MultiMarginLoss(p=2, reduction="sum"),
        partial(F.cross_entropy, label_smoothing=0.1),
        _custom_cross_entropy,
    ],
    ids=_title,
)
@pytest.mark.parametrize("output", [LOGITS, LOGITS.log_softmax(1), LOGITS * 100])
def test_losses_of_logits_are_taken(loss: Loss, output: Tensor) -> None:
    check_loss(loss, CLASSIFY, output, LABELS)


@pytest.mark.parametrize("classes", [2, 3, 197])
def test_any_number_of_classes_is_taken(classes: int) -> None:
    task = ImageClassification([str(k) for k in range(classes)])
    y = torch.arange(classes).repeat(3)
    check_loss(nn.CrossEntropyLoss(), task, torch.randn(7, classes), y)


def test_targets_all_of_one_class_are_taken() -> None:
    check_loss(nn.CrossEntropyLoss(), CLASSIFY, LOGITS, torch.full((30,), 3))


@pytest.mark.parametrize(
    "loss", [nn.MSELoss(), nn.L1Loss(), F.mse_loss, nn.BCEWithLogitsLoss(), _squared], ids=_title
)
def test_numbers_losses_are_refused_with_class_indices(loss: Loss) -> None:
    with pytest.raises(
        ModelError, match=r"does not take outputs \[13, 10\] with targets \[13\] int64"
    ):
        check_loss(loss, CLASSIFY, LOGITS, LABELS)


@pytest.mark.parametrize("shape", [(32,), (32, 1)])
@pytest.mark.parametrize(
    "loss",
    [
        nn.MSELoss(),
        nn.MSELoss(reduction="sum"),
        nn.L1Loss(),
        nn.HuberLoss(),
        _squared,
    ],
    ids=_title,
)
@pytest.mark.parametrize(
    "y",
    [NUMBERS, NUMBERS * 1e6, NUMBERS * 1e-6, NUMBERS.abs() + 50, 2000 + 10 * NUMBERS],
    ids=["unit", "large", "small", "positive", "years"],
)
def test_losses_of_numbers_are_taken_whatever_the_unit(
    loss: Loss, shape: tuple[int, ...], y: Tensor
) -> None:
    check_loss(loss, REGRESS, torch.randn(shape), y)


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.L1Loss(), nn.HuberLoss()], ids=_title)
def test_losses_of_numbers_are_taken_on_the_diabetes_targets(loss: Loss) -> None:
    check_loss(loss, REGRESS, torch.randn(32, 1), finish(loading("diabetes", Path())).train.y)


@pytest.mark.parametrize(
    "loss", [_squeezes_output, _squeezes_target, _squeezes_output_absolute], ids=_title
)
@pytest.mark.parametrize(
    "y", [NUMBERS, NUMBERS * 1e6, NUMBERS.abs() + 50], ids=["unit", "large", "positive"]
)
def test_a_broadcast_of_outputs_against_targets_is_refused(loss: Loss, y: Tensor) -> None:
    with pytest.raises(ModelError, match=r"whichever target.*broadcasts \[B, 1\] and \[B\]"):
        check_loss(loss, REGRESS, torch.randn(32, 1), y)


def _detached(output: Tensor, target: Tensor) -> Tensor:
    return _squared(output.detach(), target)


def _infinite(output: Tensor, target: Tensor) -> Tensor:
    return _squared(output, target) / 0


def _a_float(output: Tensor, target: Tensor) -> Any:
    return _squared(output, target).item()


def _broken(output: Tensor, target: Tensor) -> Tensor:
    raise KeyError("margin")


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (nn.MSELoss(reduction="none"), "MSELoss must return one number for a batch, got [4, 1]"),
        (_a_float, "_a_float must return one number for a batch, got float"),
        (_detached, "_detached has no gradient for the model's outputs"),
        (_infinite, "_infinite of the model's outputs is inf, not a finite number"),
        (
            _broken,
            "_broken does not take outputs [4, 1] with targets [4, 1] float32: KeyError: 'margin'",
        ),
    ],
)
def test_a_loss_that_fails_is_refused(loss: Loss, message: str) -> None:
    with pytest.raises(ModelError) as error:
        check_loss(loss, REGRESS, torch.randn(32, 1), NUMBERS)
    assert str(error.value) == f"loss: {message}"


def test_check_loss_draws_nothing_from_the_global_generator() -> None:
    before = torch.get_rng_state()
    check_loss(nn.CrossEntropyLoss(), CLASSIFY, LOGITS, LABELS)
    assert torch.equal(torch.get_rng_state(), before)


def test_check_loss_leaves_the_output_and_the_targets() -> None:
    output, y = LOGITS.clone(), LABELS.clone()
    check_loss(nn.CrossEntropyLoss(), CLASSIFY, output, y)
    assert torch.equal(output, LOGITS)
    assert torch.equal(y, LABELS)


class _Module(nn.Module):
    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return _squared(output, target)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (nn.MSELoss(), "mean"),
        (nn.MSELoss(reduction="sum"), "sum"),
        (F.cross_entropy, "mean"),
        (partial(F.cross_entropy, reduction="sum"), "sum"),
        (partial(F.cross_entropy, label_smoothing=0.1), "mean"),
        (_Module(), "mean"),
    ],
)
def test_whether_a_loss_is_a_mean_or_a_sum_is_found_out(
    loss: Callable[..., Tensor], expected: str
) -> None:
    if getattr(loss, "func", loss) is F.cross_entropy:
        assert check_loss(loss, CLASSIFY, LOGITS, LABELS) == expected
    else:
        assert check_loss(loss, REGRESS, torch.zeros(4, 1), torch.arange(4.0)) == expected


@pytest.mark.parametrize("seed", range(8))
def test_a_loss_that_draws_is_not_mistaken_for_another(seed: int) -> None:
    torch.manual_seed(seed)

    def smoothed(output: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(output, target) * (1 + 0.5 * torch.rand(()))

    assert check_loss(smoothed, CLASSIFY, LOGITS, LABELS) == "mean"
