"""The dry run names the layer that does not fit, and leaves the model as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from papertrial.diagnose.dry_run import diagnose_dry_run, dry_run
from papertrial.errors import ModelError

IMAGES = torch.rand(5, 1, 6, 6, generator=torch.Generator().manual_seed(0))


class Viewing(nn.Module):
    """A convolution, a view of a fixed size, a linear layer."""

    def __init__(self, size: int = 100) -> None:
        super().__init__()
        self.size = size
        self.conv = nn.Conv2d(1, 4, 3)
        self.head = nn.Linear(size, 10)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.conv(x).view(-1, self.size))
        return logits


class ByKeyword(nn.Module):
    """Calls its layer with the input as a keyword."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(100, 10)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(input=x)
        return logits


class Inside(nn.Module):
    """Another module inside a container."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x)
        return out


@pytest.mark.parametrize(
    ("model", "start"),
    [
        (
            nn.Sequential(nn.Flatten(), nn.Linear(35, 10)),
            "1 (Linear) expects 35 inputs but receives 36 = 1 x 6 x 6, from the input "
            "[5, 1, 6, 6]; give it in_features=36, ",
        ),
        (
            nn.Conv2d(3, 4, 3),
            "the model (Conv2d) expects 3 channels but receives 1, from the input [5, 1, 6, 6]; ",
        ),
        (
            nn.Sequential(nn.Conv1d(2, 4, 3)),
            "0 (Conv1d) expects [B, 2, L] but receives [5, 1, 6, 6], from the input [5, 1, 6, 6]; ",
        ),
        (
            nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(5)),
            "1 (BatchNorm2d) expects 5 channels but receives 4, from 0 (Conv2d) [5, 4, 4, 4]; ",
        ),
        (
            nn.Sequential(nn.Flatten(), nn.LayerNorm([35])),
            "1 (LayerNorm) expects [..., 35] but receives [5, 36], from the input [5, 1, 6, 6]; ",
        ),
        (
            nn.Sequential(nn.Embedding(7, 3)),
            "0 (Embedding) expects integers from 0 to 6 but receives float32 [5, 1, 6, 6], ",
        ),
        (
            Viewing(),
            "view asks for 100 numbers per row, conv gives 64 per sample = 4 x 4 x 4; ",
        ),
        (
            Inside(Viewing()),
            "view asks for 100 numbers per row, body.conv gives 64 per sample = 4 x 4 x 4; ",
        ),
        (
            Inside(nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Linear(9, 2))),
            "body.3 (Linear) expects 9 inputs but receives 8, from body.2 (ReLU); ",
        ),
        (
            ByKeyword(),
            "head expects 100 inputs but receives 6, the last size of [5, 1, 6, 6], from the ",
        ),
        (
            nn.Sequential(nn.Flatten(), nn.LazyLinear(8), nn.Linear(9, 2)),
            "2 (Linear) expects 9 inputs but receives 8, from 1 (Linear); ",
        ),
    ],
)
def test_a_mismatch_is_explained_by_layer_and_shapes(model: nn.Module, start: str) -> None:
    with pytest.raises(ModelError) as error:
        dry_run(model, IMAGES)
    assert str(error.value).startswith(start)
    assert "\n" not in str(error.value)


def test_a_lazy_layer_that_refuses_its_input_is_named() -> None:
    with pytest.raises(ModelError, match=r"^(layer )?1 \(LazyConv2d\).*\[5, 36\]"):
        dry_run(nn.Sequential(nn.Flatten(), nn.LazyConv2d(4, 3)), IMAGES)


def test_a_batch_that_training_mode_refuses_is_explained() -> None:
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(36))
    with pytest.raises(ModelError, match=r"1 \(BatchNorm1d\).*more than one value per channel"):
        dry_run(model, IMAGES[:1])


class Returns(nn.Linear):
    """Returns something made of its output."""

    def __init__(self, made: Callable[[Tensor], object]) -> None:
        super().__init__(6, 2)
        self.made = made

    def forward(self, x: Tensor) -> object:  # type: ignore[override]
        return self.made(super().forward(x))


@pytest.mark.parametrize("made", [lambda x: None, lambda x: (), lambda x: (None, x)])
def test_an_output_that_is_not_a_tensor_is_refused(made: Callable[[Tensor], object]) -> None:
    with pytest.raises(
        ModelError, match=r"must return a tensor, or several .* got (tuple|NoneType)"
    ):
        dry_run(Returns(made), IMAGES)


@pytest.mark.parametrize(
    "made", [lambda x: (x, 1 - x), lambda x: [x], lambda x: {"logits": x, "hidden": x + 1}]
)
def test_of_several_tensors_the_first_is_the_output(made: Callable[[Tensor], object]) -> None:
    model = Returns(made)
    assert torch.equal(
        dry_run(model, IMAGES), nn.functional.linear(IMAGES, model.weight, model.bias)
    )


def _normed() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)
    )


@pytest.mark.parametrize("training", [True, False])
def test_weights_buffers_gradients_and_mode_stay(training: bool) -> None:
    model = _normed().train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    dry_run(model, IMAGES)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(p.grad is None for p in model.parameters())
    assert {m.training for m in model.modules()} == {training}
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_the_output_is_that_of_training_mode() -> None:
    model = _normed()
    output = dry_run(model, IMAGES)
    assert torch.equal(output, model.train()(IMAGES))
    assert not torch.allclose(output, model.eval()(IMAGES))
    assert not output.requires_grad


def test_lazy_layers_take_their_sizes() -> None:
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(3))
    assert dry_run(model, IMAGES).shape == (5, 3)
    assert model[0].weight.shape == (4, 1, 3, 3)
    assert model[3].weight.shape == (3, 64)
    assert model[1].num_batches_tracked.item() == 0
    assert torch.equal(model[1].running_mean, torch.zeros(4))


class Remembering(nn.Module):
    """Keeps its last training batch in a buffer."""

    last: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 2)
        self.register_buffer("last", torch.zeros(0))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.last = x.clone()
        logits: Tensor = self.head(x)
        return logits


def test_a_buffer_that_training_mode_replaces_is_restored() -> None:
    model = Remembering()
    dry_run(model, IMAGES)
    assert model.last.shape == (0,)


class Adding(nn.Module):
    """Adds what does not fit."""

    def forward(self, x: Tensor) -> Tensor:
        return x + x[:, :, :4]


def test_a_function_that_fails_is_named() -> None:
    with pytest.raises(ModelError, match=r"^the model \(Adding\) fails in add on \[5, 1, 6, 6\]"):
        dry_run(Adding(), IMAGES)


def test_the_mode_stays_after_a_failure_too() -> None:
    model = Viewing().train()
    with pytest.raises(ModelError):
        dry_run(model, IMAGES)
    assert {m.training for m in model.modules()} == {True}
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_a_failure_becomes_a_diagnosis() -> None:
    with pytest.raises(ModelError) as error:
        dry_run(nn.Conv2d(3, 4, 3), IMAGES)
    found = diagnose_dry_run(error.value).to_json()
    assert (found["severity"], found["where"]) == ("error", "model")
    assert found["message"].endswith("receives 1, from the input [5, 1, 6, 6]")
    assert found["fix"].startswith("make it take 1 channels")
    assert diagnose_dry_run(ModelError("no tensor")).message == "no tensor"
