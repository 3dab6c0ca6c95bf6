"""Raw outputs do not depend on the batches, and the model stays as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from papertrial.data.column import DenseColumn, SampleColumn
from papertrial.data.images.transforms import Normalize
from papertrial.data.pipeline import Pipeline
from papertrial.data.sources.named_sets import loading
from papertrial.data.texts.ragged_column import RaggedColumn
from papertrial.errors import DataError, ModelError
from papertrial.evaluate.prepared_model import PreparedModel
from papertrial.progress import finish

CPU = torch.device("cpu")
ROWS = 50


@pytest.fixture(scope="module")
def column() -> SampleColumn:
    return DenseColumn(finish(loading("digits", Path())).train.x.take(slice(0, ROWS)))


def _model() -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5),
        nn.Linear(144, 10),
    )  # fmt: skip
    model(torch.rand(64, 1, 8, 8))  # moves the running statistics
    return model


def _forward(model: nn.Module, column: SampleColumn, pipeline: Pipeline, **options: Any) -> Tensor:
    prepared = PreparedModel(model, pipeline, pipeline.fit(column), CPU, **options)
    return prepared.forward(column, stream=0)


@pytest.mark.parametrize("batch_size", [1, 7, 49, 50, 51])
def test_outputs_do_not_depend_on_the_batch_size(column: SampleColumn, batch_size: int) -> None:
    model, pipeline = _model(), Pipeline("image", [Normalize()])
    whole = _forward(model, column, pipeline)
    parts = _forward(model, column, pipeline, batch_size=batch_size)
    torch.testing.assert_close(parts, whole, rtol=1e-5, atol=1e-6)


def _flip_at_random(x: Tensor) -> Tensor:
    return x.flip(2) if torch.rand(()) < 0.5 else x


def test_a_random_transform_of_one_image_does_not_depend_on_the_batch_size(
    column: SampleColumn,
) -> None:
    model, pipeline = _model(), Pipeline("image", [_flip_at_random])
    whole = _forward(model, column, pipeline)
    parts = _forward(model, column, pipeline, batch_size=7)
    torch.testing.assert_close(parts, whole, rtol=1e-5, atol=1e-6)


def test_outputs_are_those_of_evaluation_mode_on_prepared_samples(column: SampleColumn) -> None:
    model, pipeline = _model(), Pipeline("image", [Normalize(0.5, 0.25)])
    output = _forward(model, column, pipeline)
    with torch.no_grad():
        expected = model.eval()((column.take(slice(None)).float() / 255 - 0.5) / 0.25)
    torch.testing.assert_close(output, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_put_back_and_nothing_moves(column: SampleColumn, training: bool) -> None:
    model = _model().train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    _forward(model, column, Pipeline("image"))
    assert {module.training for module in model.modules()} == {training}
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_the_output_is_an_ordinary_float32_tensor_in_cpu_memory(column: SampleColumn) -> None:
    output = _forward(_model().double(), column, Pipeline("image", [Tensor.double]))
    assert (output.dtype, output.device, output.is_inference()) == (torch.float32, CPU, False)
    output.requires_grad_().sum().backward()
    output.detach().add_(1)


def test_bf16_computes_in_bf16(column: SampleColumn) -> None:
    model, pipeline = _model(), Pipeline("image")
    exact = _forward(model, column, pipeline)
    rounded = _forward(model, column, pipeline, precision="bf16")
    assert rounded.dtype == torch.float32
    assert torch.equal(rounded, rounded.bfloat16().float())
    assert not torch.equal(rounded, exact)
    torch.testing.assert_close(rounded, exact, rtol=0.05, atol=0.05)


class Caching(nn.Linear):
    """Remembers ones for the largest batch it has seen."""

    ones = torch.ones(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        if len(self.ones) < len(x):
            self.ones = torch.ones(len(x), 1)
        return super().forward(x.flatten(1)) * self.ones[: len(x)]


def test_what_a_model_remembers_from_an_evaluation_serves_in_training(column: SampleColumn) -> None:
    model = Caching(64, 2)
    _forward(model, column, Pipeline("image"))
    model(torch.rand(4, 1, 8, 8)).sum().backward()
    assert model.weight.grad is not None


class FailsInEvaluation(nn.Linear):
    """Works while it trains."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            raise self.error
        return super().forward(x)

    error: Exception = RuntimeError("no such branch")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("no such branch"),
        TypeError("no such branch"),
        KeyError("no such branch"),
        AssertionError("no such branch"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_a_model_that_fails_is_told_and_keeps_its_mode(
    column: SampleColumn, error: Exception
) -> None:
    model = FailsInEvaluation(8, 2)
    model.error = error
    with pytest.raises(ModelError, match=r"failed in evaluation mode: .*no such branch"):
        _forward(model, column, Pipeline("image"))
    assert model.training


def _refuses(x: Tensor) -> Tensor:
    raise DataError("Resize must be given a size")


def test_a_mistake_in_a_transform_is_not_told_as_the_models(column: SampleColumn) -> None:
    with pytest.raises(DataError, match=r"^Resize must be given a size$"):
        _forward(_model(), column, Pipeline("image", [_refuses]))


LENGTHS = torch.tensor([3, 1, 9, 4, 4, 2, 7, 1, 5])


def _texts() -> RaggedColumn:
    return RaggedColumn(torch.arange(1, int(LENGTHS.sum()) + 1, dtype=torch.int32), LENGTHS)


class Sums(nn.Module):
    """The first token and the sum of each text [B, 2]; remembers the batches that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[int]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(list(x.shape))
        return torch.stack([x[:, 0], x.sum(1)], 1).float()


@pytest.mark.parametrize("batch_size", [1, 2, 4, 9, 100])
def test_outputs_of_texts_are_in_the_order_of_the_texts(batch_size: int) -> None:
    texts = _texts()
    output = _forward(Sums(), texts, Pipeline("text"), batch_size=batch_size)
    samples = [texts.sample(row) for row in range(len(texts))]
    assert output.tolist() == [[int(one[0]), int(one.sum())] for one in samples]


def test_texts_of_like_length_go_together_the_longest_first() -> None:
    model = Sums()
    _forward(model, _texts(), Pipeline("text"), batch_size=3)
    assert model.seen == [[3, 9], [3, 4], [3, 2]]


def test_samples_of_one_shape_stay_in_their_batches() -> None:
    model, rows = Sums(), DenseColumn(torch.arange(12.0).reshape(6, 2))
    output = _forward(model, rows, Pipeline("table"), batch_size=4)
    assert model.seen == [[4, 2], [2, 2]]
    assert output[:, 0].tolist() == [0, 2, 4, 6, 8, 10]
