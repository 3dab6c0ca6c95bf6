"""What an objective must return is checked before the training, and nothing is left changed."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.data.batches import Batch
from papertrial.errors import DataError, ModelError
from papertrial.objectives import SAM, Contrastive, CutMix, Distillation, Mixup
from papertrial.tasks.image_classification import ImageClassification
from papertrial.training.objective import Objective, supervised
from papertrial.training.objective_checks import (
    check_loss_in_parts,
    check_objective,
    check_parts,
)

CPU = torch.device("cpu")
TASK = ImageClassification(["a", "b", "c"])
DRAW = torch.Generator().manual_seed(0)
BATCH = Batch(torch.randn(8, 1, 3, 3, generator=DRAW), torch.randint(3, (8,), generator=DRAW))


def _model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(9, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 3)
    )


def _objective(function: Any, accumulate: int = 1, loss: Any = F.cross_entropy) -> Objective:
    return Objective(_model(), loss, TASK, function=function, accumulate=accumulate)


def _detached(model: Any, x: Any, y: Any, loss: Any) -> Any:
    output = model(x).detach()
    return loss(output, y), output


def _of_something_else(model: Any, x: Any, y: Any, loss: Any) -> Any:
    return torch.ones((), requires_grad=True), model(x)


def _loss_alone(model: Any, x: Any, y: Any, loss: Any) -> Any:
    return loss(model(x), y)


def _three(model: Any, x: Any, y: Any, loss: Any) -> Any:
    return loss(model(x), y), model(x), y


def _vector(model: Any, x: Any, y: Any, loss: Any) -> Any:
    return model(x).sum(1), model(x)


def _python_number(model: Any, x: Any, y: Any, loss: Any) -> Any:
    return loss(model(x), y).item(), model(x)


def _fewer_rows(model: Any, x: Any, y: Any, loss: Any) -> Any:
    output = model(x)
    return loss(output, y), output[:5]


def _no_output(model: Any, x: Any, y: Any, loss: Any) -> Any:
    return loss(model(x), y), None


def _infinite(model: Any, x: Any, y: Any, loss: Any) -> Any:
    output = model(x)
    return loss(output, y) * float("inf"), output


def _steps_itself(model: Any, x: Any, y: Any, loss: Any) -> Any:
    output = model(x)
    with torch.no_grad():
        model[1].weight.add_(0.1)
    return loss(output, y), output


def _backward_itself(model: Any, x: Any, y: Any, loss: Any) -> Any:
    output = model(x)
    value = loss(output, y)
    value.backward(retain_graph=True)
    return value, output


def _leaves_evaluation_mode(model: Any, x: Any, y: Any, loss: Any) -> Any:
    output = model.eval()(x)
    return loss(output, y), output


def _fails(model: Any, x: Any, y: Any, loss: Any) -> Any:
    raise KeyError("no-such-key")


def _own_error(model: Any, x: Any, y: Any, loss: Any) -> Any:
    raise DataError("of the user")


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (_detached, "no gradient"),
        (_of_something_else, "no gradient for the model"),
        (_loss_alone, r"\(loss, output\), got Tensor"),
        (_three, "got 3 items"),
        (_vector, r"one number as the loss, got \[8\]"),
        (_python_number, "got float"),
        (_fewer_rows, r"returns.*\[8, 3\].*got \[5, 3\]"),
        (_no_output, "NoneType"),
        (_infinite, "is inf"),
        (_steps_itself, "changes the model's weights"),
        (_backward_itself, "backward"),
        (_leaves_evaluation_mode, r"evaluation mode.*model\.train\(\)"),
        (_fails, "on a batch of 8: KeyError: 'no-such-key'"),
        (_own_error, "of the user"),
    ],
)
def test_what_cannot_train_is_refused(function: Any, told: str) -> None:
    with pytest.raises(ModelError, match=f"^objective: .*{function.__name__}.*{told}"):
        check_objective(_objective(function), BATCH, CPU)


class Own(nn.Module):
    """A classifier of its own, on the logits."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 3)

    def forward(self, model: Any, x: Any, y: Any, loss: Any) -> Any:
        output = model(x)
        return loss(self.head(output), y), output


class Declared(Own):
    trains: ClassVar[bool] = True


class Nothing(nn.Module):
    trains: ClassVar[bool] = True

    def forward(self, model: Any, x: Any, y: Any, loss: Any) -> Any:
        return supervised(model, x, y, loss)


class Plain:
    """Has parameters that torch cannot find, and no optimizer trains."""

    def __init__(self) -> None:
        self.head = nn.Linear(3, 3)

    def __call__(self, model: Any, x: Any, y: Any, loss: Any) -> Any:
        output = model(x)
        return loss(self.head(output), y), output


def _with_teacher(model: Any, x: Any, y: Any, loss: Any, teacher: nn.Module) -> Any:
    return supervised(model, x, y, loss)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (Own(), "Own .*head.weight.*trains = True"),
        (Nothing(), "Nothing has trains = True, but no parameter"),
        (Plain(), r"Plain .*head\.weight.*torch\.nn\.Module"),
        (partial(_with_teacher, teacher=nn.Linear(2, 2)), r"_with_teacher .*teacher\.weight"),
    ],
)
def test_parameters_that_are_not_declared_are_refused(function: Any, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        check_objective(_objective(function), BATCH, CPU)


def test_declared_and_frozen_parameters_are_accepted() -> None:
    check_objective(_objective(Declared()), BATCH, CPU)
    check_objective(_objective(Own().requires_grad_(False)), BATCH, CPU)


class Counting(nn.Module):
    """Changes a buffer, and draws from every generator."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, model: Any, x: Any, y: Any, loss: Any) -> Any:
        self.calls += 1
        x += torch.randn(()) + np.random.normal() + random.gauss(0, 1)
        return supervised(model, x, y, loss)


class _Follows(nn.Module):
    """Learns from a teacher that follows the model in each step."""

    def __init__(self) -> None:
        super().__init__()
        self.teacher = _model().requires_grad_(False)

    def forward(self, model: Any, x: Any, y: Any, loss: Any) -> Any:
        with torch.no_grad():
            for theirs, ours in zip(self.teacher.parameters(), model.parameters(), strict=True):
                theirs.mul_(0.9).add_(ours + 1, alpha=0.1)
        output = model(x)
        return loss(output, y), output


def test_a_teacher_that_follows_the_model_stays_as_it_was_and_needs_a_module() -> None:
    follows = _Follows()
    before = [p.clone() for p in follows.teacher.parameters()]
    check_objective(_objective(follows), BATCH, CPU)
    assert all(map(torch.equal, before, follows.teacher.parameters()))

    def plain(model: Any, x: Any, y: Any, loss: Any, teacher: nn.Module) -> Any:
        follows.teacher = teacher
        return follows(model, x, y, loss)

    teacher = _model().requires_grad_(False)
    with pytest.raises(ModelError, match=r"plain changes teacher\.1\.weight, .*torch\.nn\.Module"):
        check_objective(_objective(partial(plain, teacher=teacher)), BATCH, CPU)
    assert torch.equal(teacher[1].weight, before[0])


def test_a_check_leaves_model_objective_batch_and_generators_as_they_were() -> None:
    function = Counting()
    objective = _objective(function)
    model, x = objective.model, BATCH.x.clone()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.eval()
    generators = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]
    check_objective(objective, BATCH, CPU)
    assert function.calls.item() == 0
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not model.training
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(x, BATCH.x)
    assert torch.equal(generators[0], torch.get_rng_state())
    assert generators[1:] == (random.getstate(), np.random.get_state()[1].tolist())  # type: ignore[index]


def _pairwise(model: Any, x: Any, y: Any, loss: Any) -> Any:
    output = model(x)
    return loss(output, y) + torch.cdist(output, output).mean(), output


def _noisy(model: Any, x: Any, y: Any, loss: Any) -> Any:
    return supervised(model, x + torch.randn_like(x), y, loss)


def _summed(model: Any, x: Any, y: Any, loss: Any) -> Any:
    output = model(x)
    return F.cross_entropy(output, y, reduction="sum"), output


def _shifted(x: Tensor) -> Tensor:
    return x + torch.randn(x.shape)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (_pairwise, "_pairwise gives"),
        (_noisy, "_noisy draws random numbers.*per_sample"),
        (Mixup(), "Mixup draws"),
        (CutMix(), "CutMix draws"),
        (SAM(), "SAM gives"),
        (Contrastive([_shifted]), "Contrastive"),
    ],
)
def test_objectives_that_couple_samples_cannot_accumulate(function: Any, told: str) -> None:
    with pytest.raises(ModelError, match=f"^accumulate: 3 .*{told}"):
        check_parts(_objective(function, 3), BATCH, CPU)


def _over_known(output: Tensor, target: Tensor) -> Tensor:
    """Average over the samples of known classes, whose share differs between the parts."""
    return F.cross_entropy(output, target, ignore_index=0)


def test_a_loss_that_averages_over_some_samples_cannot_accumulate() -> None:
    batch = Batch(BATCH.x, torch.tensor([0, 0, 1, 2, 1, 2, 1, 2]))
    objective = _objective(supervised, 3, loss=_over_known)
    with pytest.raises(ModelError, match=r"^accumulate: 3 .*but the loss gives"):
        check_parts(objective, batch, CPU)
    assert check_parts(_objective(supervised, 3), BATCH, CPU) == "mean"


def test_an_objective_that_fails_on_a_part_is_told_as_one() -> None:
    with pytest.raises(ModelError, match=r"^objective: Contrastive .*at least two samples"):
        check_parts(_objective(Contrastive([_shifted]), 8), BATCH, CPU)


class _Noise:
    per_sample = True

    def __call__(self, model: Any, x: Any, y: Any, loss: Any) -> Any:
        return _noisy(model, x, y, loss)


Maker = Callable[[], Any]


@pytest.mark.parametrize(
    ("make", "reduction"),
    [
        (lambda: _scaled, "mean"),
        (lambda: _summed, "sum"),
        (lambda: Distillation(_model()), "mean"),
        (_Noise, "mean"),
    ],
    ids=["mean", "sum", "Distillation", "declared"],
)
def test_parts_of_other_objectives_are_weighted_as_their_loss_is(
    make: Maker, reduction: str
) -> None:
    assert check_parts(_objective(make(), 3), BATCH, CPU) == reduction


def _scaled(model: Any, x: Any, y: Any, loss: Any) -> Any:
    value, output = supervised(model, x, y, loss)
    return 3 * value + output.square().mean(), output


@pytest.mark.parametrize("make", [lambda: _scaled, lambda: _summed, lambda: Distillation(_model())])
def test_accumulated_gradients_of_an_objective_are_those_of_the_whole_batch(make: Maker) -> None:
    whole, parts = _objective(make()), _objective(make(), 3)
    parts.reduction = check_parts(parts, BATCH, CPU)
    for objective in (whole, parts):
        objective.model.eval()  # batch norm and dropout couple samples in training
        objective.backward(BATCH)
    for one, other in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)


def _of_random_samples(output: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(output[torch.randperm(len(output))[:1]], target[:1])


def test_class_weights_couple_samples_in_a_mean_and_not_in_a_sum() -> None:
    weight = torch.tensor([1.0, 9.0, 1.0])
    output, y = torch.randn(8, 3, generator=torch.Generator().manual_seed(0)), BATCH.y
    summed = nn.CrossEntropyLoss(weight, reduction="sum")
    for loss in (nn.CrossEntropyLoss(), summed, _of_random_samples):
        check_loss_in_parts(_objective(supervised, 3, loss), output, y, CPU)
    with pytest.raises(ModelError, match=r"^accumulate: 3 .*class weights.*reduction: sum"):
        check_loss_in_parts(_objective(supervised, 3, nn.CrossEntropyLoss(weight)), output, y, CPU)
