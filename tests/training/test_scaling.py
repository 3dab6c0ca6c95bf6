"""Loss scaling for fp16, tried on the CPU, where torch has the same scaler."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler

from papertrial.errors import DeviceError, ModelError, RunError
from papertrial.evaluate.precision import check_trainable
from papertrial.training.joint import JointOptimizer
from papertrial.training.objective import BatchResult
from papertrial.training.optim import Stepper
from papertrial.training.scaling import LossScaling

Make = Callable[..., Any]
CPU = torch.device("cpu")


def scaled(training: Any) -> Any:
    """Give a training a loss scaling; its forward pass stays in its precision."""
    training.state.scaling = training.objective.scaling = LossScaling(CPU)
    return training


class Overflowing(nn.CrossEntropyLoss):
    """Has infinite gradients in some of its calls, and a finite loss."""

    def __init__(self, *calls: int) -> None:
        super().__init__()
        self.calls = calls
        self.count = -1

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        self.count += 1
        loss = super().forward(output, target)
        if self.count in self.calls:
            output.register_hook(lambda gradient: gradient * torch.inf)
        return loss


@pytest.mark.parametrize("clip_norm", [None, 0.5])
def test_a_power_of_two_as_scale_changes_no_bits(
    make_training: Make, clip_norm: float | None
) -> None:
    plain, other = make_training(), scaled(make_training())
    for training in (plain, other):
        list(training.steps(9, clip_norm=clip_norm))
    assert all(torch.equal(v, other.weights()[k]) for k, v in plain.weights().items())
    assert other.state.scaling.skipped == 0


def test_a_step_that_overflows_changes_no_weights_and_is_counted(make_training: Make) -> None:
    training = scaled(make_training(loss=Overflowing(0, 4)))
    weights = []
    for _ in training.steps(6, every=(1,)):
        weights.append(training.weights()["5.weight"])
    same = [torch.equal(a, b) for a, b in itertools.pairwise(weights)]
    assert same == [False, False, False, True, False]
    scaling = training.state.scaling
    assert scaling.skipped == 2
    assert scaling.state_dict()["scale"] == 65536.0 / 4


def test_the_schedule_goes_on_in_skipped_steps_without_a_warning(make_training: Make) -> None:
    training = scaled(
        make_training(
            scheduler=lambda o: lr_scheduler.StepLR(o, 1, 0.5), interval="step",
            loss=Overflowing(0),
        )
    )  # fmt: skip
    list(training.steps(3))
    assert training.state.optimizer.param_groups[0]["lr"] == 0.1 * 0.5**3


def test_the_scale_is_a_part_of_the_state(make_training: Make) -> None:
    first = scaled(make_training(loss=Overflowing(1)))
    list(first.steps(4))
    state = copy.deepcopy(first.state.state_dict())
    second = scaled(make_training())
    second.state.load_state_dict(state)
    assert second.state.scaling.state_dict() == first.state.scaling.state_dict()
    assert second.state.scaling.skipped == 1
    with pytest.raises(RunError, match="has scaling"):
        make_training().state.load_state_dict(state)


def test_half_precision_trains_with_a_scaled_loss(make_training: Make) -> None:
    training = scaled(make_training(precision="fp16"))
    losses = [progress.loss for progress in training.steps(28, every=(7,))]
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_several_optimizers_skip_a_step_together(bad: float) -> None:
    one, other = (nn.Parameter(torch.ones(3)) for _ in range(2))
    scaling = LossScaling(CPU)
    optimizer = JointOptimizer([torch.optim.SGD([p], lr=0.1) for p in (one, other)])
    stepper = Stepper(optimizer, scaling)

    def compute(gradient: float) -> BatchResult:
        one.grad, other.grad = torch.full((3,), gradient), scaling.scale(torch.ones(3))
        stepper.unscale()
        torch.nn.utils.clip_grad_norm_([one, other], 1.0)
        return BatchResult(torch.tensor(0.0), torch.zeros(1), None)

    scaling.scale(torch.ones(()))
    stepper.step(lambda: compute(bad))
    assert torch.equal(torch.cat([one, other]), torch.ones(6))
    assert scaling.skipped == 1
    stepper.step(lambda: compute(0.0))
    assert torch.allclose(other, torch.full((3,), 1 - 0.1 / 3**0.5))
    assert scaling.skipped == 1


def test_an_optimizer_with_a_closure_is_refused() -> None:
    layer = nn.Linear(2, 1)
    with pytest.raises(ModelError, match=r"LBFGS .*fp16") as error:
        Stepper(torch.optim.LBFGS(layer.parameters()), LossScaling(CPU))
    assert "bf16" in str(error.value)


def test_only_cuda_trains_in_fp16() -> None:
    for device in ("cpu", "mps"):
        with pytest.raises(DeviceError, match="bf16"):
            check_trainable(torch.device(device), "fp16")
        check_trainable(torch.device(device), "bf16")
    check_trainable(torch.device("cuda"), "fp16")
