"""The cost of a run is estimated from real steps, which are undone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import papertrial as pt
from papertrial.checks.cost import _evaluation_batches, _SavedBytes, estimate
from papertrial.progress import finish
from papertrial.recipe.load import require_model
from papertrial.recipe.schema import Recipe
from papertrial.runs.prepare import Parts, prepare
from papertrial.runs.train_parts import train_session
from papertrial.training.checkpoint_times import CheckpointTimes
from papertrial.training.session_state import SessionState

X = torch.randn(32, 100, generator=torch.Generator().manual_seed(0))
Y = torch.arange(32) % 10


def _model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(100, 50), nn.BatchNorm1d(50), nn.ReLU(), nn.Linear(50, 10))


def test_time_is_extrapolated_from_some_steps_and_one_evaluation() -> None:
    model = _model()
    optimizer = torch.optim.Adam(model.parameters())
    taken: list[int] = []
    seconds: list[float] = []

    def sleep(duration: float) -> None:
        start = time.perf_counter()
        time.sleep(duration)
        seconds.append(time.perf_counter() - start)

    def step(number: int) -> None:
        taken.append(number)
        sleep(0.01 if number % 2 else 0.03)

    cost = estimate(
        step,
        model=model,
        optimizer=optimizer,
        steps=1000,
        steps_per_epoch=100,
        evaluate=lambda: sleep(0.05),
        evaluations=40,
        budget=0.4,
    )
    *timed, evaluation = seconds[1:]
    assert cost.seconds_per_step == pytest.approx(sum(timed) / len(timed), rel=0.1)
    assert cost.seconds == pytest.approx(1000 * cost.seconds_per_step + 40 * evaluation, rel=0.1)
    assert sum(timed) >= 0.35
    assert all(0 <= number < 100 for number in taken)
    assert len(set(taken[1:])) == len(taken[1:])


def test_a_slow_step_is_taken_once() -> None:
    model = _model()
    taken: list[int] = []

    def step(number: int) -> None:
        taken.append(number)
        time.sleep(0.06)

    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    estimate(step, model=model, optimizer=optimizer, steps=9, steps_per_epoch=9, budget=0.05)
    assert taken == [0]


def test_weights_buffers_optimizer_and_generators_are_restored() -> None:
    model = _model()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    draws = torch.get_rng_state()
    moved = []

    def step(number: int) -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(F.dropout(X)), Y).backward()
        optimizer.step()
        moved.append(not torch.equal(model[0].weight, before["0.weight"]))

    estimate(step, model=model, optimizer=optimizer, steps=3, steps_per_epoch=3, budget=0.01)
    assert all(moved)
    assert not optimizer.state
    assert torch.equal(torch.get_rng_state(), draws)
    assert all(parameter.grad is None for parameter in model.parameters())
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_bytes_are_parameters_gradients_state_activations_and_data() -> None:
    model = nn.Sequential(nn.Linear(100, 50), nn.Sigmoid(), nn.Linear(50, 10))
    model[0].bias.requires_grad_(False)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1, 0.9)

    def step(number: int) -> None:
        optimizer.zero_grad()
        model(X).square().sum().backward()
        optimizer.step()

    cost = estimate(
        step, model=model, optimizer=optimizer, steps=1, steps_per_epoch=1, data_bytes=1_000_000
    )
    parameters = 100 * 50 + 50 + 50 * 10 + 10
    assert (cost.parameters, cost.trainable_parameters) == (parameters, parameters - 50)
    saved = 32 * (100 + 50 + 10)  # the input, the sigmoid's output, the last layer's, before square
    assert cost.bytes == 4 * (parameters + 2 * (parameters - 50) + saved) + 1_000_000


def test_tensors_that_the_graph_has_freed_are_no_longer_counted() -> None:
    saved = _SavedBytes(set())
    with torch.autograd.graph.saved_tensors_hooks(saved.pack, saved.unpack):
        for _ in range(3):
            x = torch.ones(1000, requires_grad=True)
            x.exp().exp().sum().backward()
    assert saved.peak == 2 * 4000
    assert saved._now == 0


def test_the_passes_that_an_average_takes_are_counted() -> None:
    tree = {
        "name": "averaged",
        "task": "image-classification",
        "data": {
            "source": "digits",
            "limit": 60,
            "splits": {"test": 20, "validation": 20},
            "batch_size": 20,
        },
        "model": {
            "use": "torch.nn.Sequential",
            "args": [
                {"use": "torch.nn.Flatten"},
                {"use": "torch.nn.Linear", "in_features": 64, "out_features": 10},
                {"use": "torch.nn.BatchNorm1d", "num_features": 10},
            ],
        },
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 6,
        "average": {"use": "swa", "start": 2},
        "evaluate": {"every": 5, "interval": "step", "test": "every-epoch"},
    }

    def prepared(average: str) -> tuple[Recipe, Parts]:
        recipe = require_model(pt.load_recipe(tree, [f"average={average}"]))
        return recipe, finish(prepare(recipe, Path(), torch.device("cpu")))

    recipe, parts = prepared("{use: swa, start: 2}")
    counted, taken = _evaluation_batches(parts), list[bool]()
    assert parts.train.average is not None
    norm = parts.train.average.model.get_submodule("2")
    norm.register_forward_pre_hook(lambda module, _: taken.append(module.training))
    for _ in train_session(recipe, parts, SessionState(parts.train), CheckpointTimes()):
        pass
    # After steps 9, 10, 12 and 15, and at the end; 3 batches of the training part each.
    assert sum(taken) == 3 * 5
    _, plain = prepared("{use: ema, decay: 0.9}")
    assert counted == _evaluation_batches(plain) + 5
