"""A training that is resumed in new objects ends like one that was never interrupted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Optimizer, lr_scheduler

from papertrial.data.images.transforms import Cutout, RandomCrop, RandomHorizontalFlip
from papertrial.training.checkpoint import state_from_bytes, state_to_bytes

EPOCH, STEPS = 7, 17
Make = Callable[..., Any]


def _sgd(p: list[nn.Parameter]) -> Optimizer:
    return torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, fused=True)


def _adam(p: list[nn.Parameter]) -> Optimizer:
    return torch.optim.Adam(p, lr=0.01, amsgrad=True)


def _fused_adamw(p: list[nn.Parameter]) -> Optimizer:
    return torch.optim.AdamW(p, lr=0.01, fused=True)


def _lbfgs(p: list[nn.Parameter]) -> Optimizer:
    return torch.optim.LBFGS(p, lr=0.5, max_iter=3, history_size=3)


CASES: dict[str, tuple[Any, str, Callable[[Optimizer], Any] | None]] = {
    "SGD, StepLR": (_sgd, "epoch", lambda o: lr_scheduler.StepLR(o, 1, 0.5)),
    "SGD, CyclicLR": (_sgd, "step", lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.2, 4)),
    "Adam, OneCycleLR": (
        _adam,
        "step",
        lambda o: lr_scheduler.OneCycleLR(o, 0.05, total_steps=STEPS),
    ),
    "AdamW, SequentialLR": (
        _fused_adamw,
        "step",
        lambda o: lr_scheduler.SequentialLR(
            o,
            [lr_scheduler.LinearLR(o, 0.1, 1.0, 5), lr_scheduler.CosineAnnealingLR(o, 12)],
            [5],
        ),
    ),
    "Adam, MultiStepLR": (_adam, "step", lambda o: lr_scheduler.MultiStepLR(o, [2, 9])),
    "LBFGS": (_lbfgs, "epoch", None),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stop", [3, EPOCH, 10])
def test_a_resumed_training_ends_with_the_same_bits(
    make_training: Make, case: str, stop: int
) -> None:
    optimizer, interval, scheduler = CASES[case]

    def make() -> Any:
        return make_training(
            optimizer,
            scheduler,
            interval=interval,
            dropout=0.5,
            augment=[RandomCrop(1), RandomHorizontalFlip(), Cutout(2), lambda x: x.flip(1)],
        )

    whole = make()
    expected = list(whole.steps(STEPS, every=(1,)))
    first = make()
    list(first.steps(stop, every=(100,)))
    data = state_to_bytes(first.state.state_dict())
    second = make()
    torch.rand(3)
    second.state.load_state_dict(state_from_bytes(data, "here"))
    records = list(second.steps(STEPS, every=(1,)))
    weights = second.weights()
    assert all(torch.equal(weights[name], value) for name, value in whole.weights().items())
    later = expected[stop:]
    assert [(r.step, r.epoch, r.loss, r.lr) for r in records] == [
        (r.step, r.epoch, r.loss, r.lr) for r in later
    ]


def test_a_training_saved_within_the_loop_resumes_with_what_it_monitors(
    make_training: Make,
) -> None:
    def make() -> Any:
        return make_training(
            scheduler=lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=0.5, patience=0),
            monitor="loss",
            dropout=0.5,
        )

    def run(training: Any, saved: dict[int, bytes]) -> list[float]:
        rates = []
        for record in training.steps(5 * EPOCH):
            rates.append(record.lr)
            training.state.schedule.evaluated({"loss": float(record.epoch % 2)})
            saved[record.step] = state_to_bytes(training.state.state_dict())
        return rates

    whole, saved = make(), {}
    rates = run(whole, saved)
    for stop in (EPOCH, 3 * EPOCH):
        resumed = make()
        resumed.state.load_state_dict(state_from_bytes(saved[stop], "here"))
        assert run(resumed, {}) == rates[stop // EPOCH :]
        weights = resumed.weights()
        assert all(torch.equal(weights[name], value) for name, value in whole.weights().items())
    assert len(set(rates)) > 2
