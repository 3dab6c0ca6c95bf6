"""An evaluation is a function of weights, data, seed, split and batch size, and moves nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.pipeline import Pipeline
from papertrial.data.streams import drawing_from
from papertrial.evaluate.evaluator import Evaluator
from papertrial.evaluate.prepared_model import PreparedModel
from papertrial.tasks.make_task import make_task

CPU = torch.device("cpu")
X = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))
Y = torch.tensor([0, 1] * 6)
# The same samples as validation and as test, so that only the split's name tells them apart.
PART = Split(DenseColumn(X[8:]), Y[8:], np.arange(4))
SET = Dataset(
    "made",
    "table",
    Split(DenseColumn(X[:8]), Y[:8], np.arange(8)),
    validation=PART,
    test=PART,
    classes=("a", "b"),
)
DRAWS: dict[str, Callable[[Tensor], Any]] = {
    "torch": torch.randn_like,
    "dropout": F.dropout,
    "numpy": lambda x: torch.from_numpy(np.random.normal(size=x.shape)).float(),
    "Python": lambda x: random.random(),
}


class Noisy(nn.Module):
    """Draws also in evaluation, and keeps the mean of what it has seen."""

    def __init__(self, draw: Callable[[Tensor], Any]) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.fc = nn.Linear(3, 2)
        self.draw = draw
        self.register_buffer("seen", torch.zeros(3))
        self.seen: Tensor

    def forward(self, x: Tensor) -> Tensor:
        self.seen += x.mean(0)
        output: Tensor = self.fc(x + self.seen)
        return output + self.draw(output)


def evaluator(
    model: nn.Module, *, batch_size: int = 2, seed: int = 0, loss: nn.Module | None = None
) -> Evaluator:
    pipeline = Pipeline("table")
    state = pipeline.fit(SET.train.x)
    return Evaluator(
        PreparedModel(model, pipeline, state, CPU, batch_size=batch_size, seed=seed),
        SET,
        task=make_task("table-classification", SET),
        metrics=["loss"],
        loss=loss or nn.CrossEntropyLoss(),
    )


def use_up() -> None:
    torch.rand(5)
    random.random()
    np.random.rand(3)


def states() -> tuple[Any, ...]:
    numpys: Any = np.random.get_state()
    return torch.get_rng_state().tolist(), random.getstate(), numpys[1].tolist(), numpys[2:]


@pytest.mark.parametrize("draw", DRAWS.values(), ids=list(DRAWS))
def test_neither_the_step_nor_what_came_before_matters(draw: Callable[[Tensor], Any]) -> None:
    made = evaluator(Noisy(draw))
    first = made.evaluate("test", 1)
    made.evaluate("train", 1)
    use_up()
    again = made.evaluate("test", 7)
    assert torch.equal(again.outputs.output, first.outputs.output)
    assert again.metrics == first.metrics
    other = evaluator(Noisy(draw)).outputs(SET.splits["test"], "test").output
    assert torch.equal(other, first.outputs.output)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=list(DRAWS))
def test_seeds_splits_and_batches_have_draws_of_their_own(draw: Callable[[Tensor], Any]) -> None:
    model = Noisy(draw)
    with torch.no_grad():
        model.fc.weight.zero_()
    made = evaluator(model)
    test = made.evaluate("test", 1).outputs.output
    assert not torch.equal(made.evaluate("validation", 1).outputs.output, test)
    assert not torch.equal(evaluator(model, seed=1).evaluate("test", 1).outputs.output, test)
    assert not torch.equal(test[:2], test[2:])


@pytest.mark.parametrize("draw", DRAWS.values(), ids=list(DRAWS))
def test_the_generators_and_buffers_are_left_as_they_were(draw: Callable[[Tensor], Any]) -> None:
    model = Noisy(draw)
    before = states()
    evaluator(model).evaluate("train", 1)
    assert states() == before
    assert model.seen.tolist() == [0, 0, 0]


def test_the_generators_are_restored_where_the_model_fails() -> None:
    def fail(x: Tensor) -> Tensor:
        use_up()
        raise ValueError("no")

    before = states()
    with pytest.raises(Exception, match="no"):
        evaluator(Noisy(fail)).evaluate("train", 1)
    assert states() == before


def test_each_layer_returns_to_the_mode_it_was_in() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Dropout())
    model.train()
    model[1].eval()
    evaluator(model).evaluate("test", 1)
    assert [module.training for module in (model, model[0], model[1])] == [True, True, False]


@pytest.mark.parametrize("draw", DRAWS.values(), ids=list(DRAWS))
def test_a_loss_that_draws_has_a_stream_too(draw: Callable[[Tensor], Any]) -> None:
    def loss(output: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(output + draw(output), target) * (
            1 + torch.as_tensor(draw(output)).mean()
        )

    model = nn.Linear(3, 2)
    made = evaluator(model, loss=loss)
    before = states()
    first = made.evaluate("test", 1).metrics
    assert states() == before
    use_up()
    assert made.evaluate("test", 2).metrics == first
    assert made.evaluate("validation", 2).metrics != first


def test_a_stream_ends_where_its_block_does() -> None:
    before = states()
    with drawing_from(CPU, 5):
        one = torch.rand(3), np.random.rand(3), random.random()
    assert states() == before
    with drawing_from(CPU, 5):
        other = torch.rand(3), np.random.rand(3), random.random()
    assert torch.equal(one[0], other[0])
    assert (one[1] == other[1]).all()
    assert one[2] == other[2]
