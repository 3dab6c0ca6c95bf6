"""A split's metrics and the outputs that they were computed from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.pipeline import Pipeline
from papertrial.data.tables.transforms import Standardize
from papertrial.errors import DivergedError, ModelError
from papertrial.evaluate.evaluator import Evaluator
from papertrial.evaluate.prepared_model import PreparedModel
from papertrial.tasks.make_task import make_task

X = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)) * 5 + 2
Y = torch.tensor([0, 1] * 6)


def part(rows: slice) -> Split:
    return Split(DenseColumn(X[rows]), Y[rows], np.arange(len(X[rows])))


SET = Dataset("made", "table", part(slice(0, 8)), test=part(slice(8, 12)), classes=("a", "b"))


def evaluator(model: nn.Module, *, batch_size: int = 1000, **more: Any) -> Evaluator:
    pipeline = Pipeline("table", [Standardize()])
    state, device = pipeline.fit(SET.train.x), torch.device("cpu")
    return Evaluator(
        PreparedModel(model, pipeline, state, device, batch_size=batch_size),
        SET,
        task=make_task("table-classification", SET),
        **{"metrics": ["loss", "accuracy"], "loss": nn.CrossEntropyLoss(), **more},
    )


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))


@pytest.mark.parametrize("batch_size", [1, 3, 1000])
def test_a_split_is_prepared_as_the_training_part_was(model: nn.Module, batch_size: int) -> None:
    scored = evaluator(model, batch_size=batch_size).evaluate("test", 5)
    x = (X[8:] - X[:8].mean(0)) / X[:8].std(0, correction=0)
    with torch.no_grad():
        expected = model[0](x)  # type: ignore[index]
    assert torch.allclose(scored.outputs.output, expected, atol=1e-6)
    loss = nn.functional.cross_entropy(expected, Y[8:]).item()
    assert scored.metrics["loss"] == pytest.approx(loss, rel=1e-6)
    assert scored.metrics["accuracy"] == (expected.argmax(1) == Y[8:]).double().mean().item()
    assert list(scored.metrics) == ["loss", "accuracy"]


def test_it_evaluates_the_model_as_it_stands_and_leaves_its_mode(model: nn.Module) -> None:
    made = evaluator(model.train())
    before = made.evaluate("train", 0).metrics["loss"]
    with torch.no_grad():
        model[0].weight.zero_()  # type: ignore[index]
        model[0].bias.zero_()  # type: ignore[index]
    assert made.evaluate("train", 1).metrics["loss"] == pytest.approx(math.log(2)) != before
    assert model.training


class Fails(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError("out of order")


def test_a_model_that_fails_is_told() -> None:
    with pytest.raises(ModelError, match="failed in evaluation mode: RuntimeError: out of order"):
        evaluator(Fails(3, 2)).evaluate("test", 1)


def test_outputs_that_are_no_numbers_are_told_with_split_and_step(model: nn.Module) -> None:
    with torch.no_grad():
        model[0].bias.fill_(math.nan)  # type: ignore[index]
    with pytest.raises(DivergedError, match=r"after step 7 .* on test"):
        evaluator(model).evaluate("test", 7)
    with pytest.raises(DivergedError, match="its outputs are nan"):
        evaluator(model, metrics=["accuracy"]).evaluate("test", 7)


def test_keep_sees_each_batch_with_its_targets_in_order(model: nn.Module) -> None:
    def first_logit(output: Tensor, target: Tensor) -> Tensor:
        seen.append(target)
        return torch.stack([output[:, 0], target.float()], 1)

    seen: list[Tensor] = []
    whole = evaluator(model).evaluate("train", 1)
    kept = evaluator(model, batch_size=3, keep=first_logit, metrics=["loss"]).evaluate("train", 1)
    assert [one.tolist() for one in seen] == [[0, 1, 0], [1, 0, 1], [0, 1]]
    assert torch.equal(kept.outputs.output[:, 1], Y[:8].float())
    torch.testing.assert_close(kept.outputs.output[:, 0], whole.outputs.output[:, 0])
    assert kept.metrics["loss"] == pytest.approx(whole.metrics["loss"], rel=1e-6)
    assert kept.outputs.losses is not None
    assert kept.outputs.losses[:, 1].tolist() == [3, 3, 2]


@pytest.mark.parametrize(
    ("keep", "told"),
    [
        (lambda output, target: output.mean(), r"got \[\]"),
        (lambda output, target: output[1:], r"got \[7, 2\]"),
        (lambda output, target: None, "got NoneType"),
        (lambda output, target: output.to_sparse(), "got sparse_coo"),
        (lambda output, target: output @ output, "fails on outputs"),
    ],
)
def test_what_keep_returns_is_checked(keep: Any, told: str, model: nn.Module) -> None:
    with pytest.raises(ModelError, match=f"^keep .*{told}"):
        evaluator(model, keep=keep).evaluate("train", 1)
