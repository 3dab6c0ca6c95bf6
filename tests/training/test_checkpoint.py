"""Weights and training states as bytes: back bit for bit, or one message."""

from __future__ import annotations

import os
import pickle
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from papertrial.errors import RunError
from papertrial.training.checkpoint import (
    load_weights,
    state_from_bytes,
    state_to_bytes,
    weights_to_bytes,
)


class Tied(nn.Module):
    """An output layer that shares its weight with the input layer."""

    def __init__(self, tied: bool = True) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.last = nn.Linear(4, 4)
        if tied:
            self.last.weight = self.first.weight


class Overlapping(nn.Module):
    """A buffer that is a part of another's memory."""

    whole: Tensor
    part: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("whole", torch.randn(6))
        self.register_buffer("part", self.whole[:3])


class Transposed(nn.Module):
    """A parameter that is another's memory, transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.back = nn.Parameter(self.first.weight.detach().t())


def _normed() -> nn.Module:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))
    model(torch.randn(5, 1, 4, 4))
    return model


def _channels_last() -> nn.Module:
    return nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _bfloat16() -> nn.Module:
    return nn.Linear(4, 4).bfloat16()


def _empty() -> nn.Module:
    model = nn.Linear(2, 2)
    model.register_buffer("a", torch.zeros(0))
    model.register_buffer("b", torch.zeros(0))
    return model


def _special() -> nn.Module:
    model = nn.Linear(2, 2)
    values = torch.tensor([[float("nan"), -0.0], [float("inf"), 1e-45]])
    model.weight = nn.Parameter(values)
    return model


def _bits(model: nn.Module) -> dict[str, tuple[Any, bytes]]:
    return {
        name: (tensor.dtype, tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        for name, tensor in model.state_dict().items()
    }


@pytest.mark.parametrize(
    "make",
    [_normed, _channels_last, _bfloat16, _empty, _special, Tied, Transposed, Overlapping],
)
def test_weights_come_back_bit_for_bit(make: Callable[[], nn.Module]) -> None:
    model, fresh = make(), make()
    load_weights(fresh, weights_to_bytes(model), "here")
    assert _bits(fresh) == _bits(model)


def test_tied_tensors_are_stored_once_and_stay_tied() -> None:
    model, fresh = Tied(), Tied()
    data = weights_to_bytes(model)
    assert set(safetensors.torch.load(data)) == {"first.weight", "first.bias", "last.bias"}
    load_weights(fresh, data, "here")
    assert fresh.last.weight is fresh.first.weight


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            nn.Sequential(nn.Linear(3, 2)),
            "here: weights of another model; missing ['0.bias', '0.weight'], unknown "
            "['first.bias', 'first.weight', 'last.bias']",
        ),
        (Tied(tied=False), "here: weights of another model; missing ['last.weight'], unknown []"),
    ],
)
def test_weights_of_a_model_with_other_names_are_refused(model: nn.Module, message: str) -> None:
    with pytest.raises(RunError) as error:
        load_weights(model, weights_to_bytes(Tied()), "here")
    assert str(error.value) == message


def test_weights_of_other_shapes_are_refused() -> None:
    with pytest.raises(RunError, match=r"(?s)^here: weights of another model: .*size mismatch"):
        load_weights(nn.Linear(3, 2), weights_to_bytes(nn.Linear(2, 2)), "here")


def _damage(data: bytes, draw: random.Random, header: int) -> bytes:
    kind, place = draw.randrange(3), draw.randrange(header)
    if kind == 0:
        return data[: draw.randrange(len(data))]
    if kind == 1:
        return data[:place] + bytes([draw.randrange(256)]) + data[place + 1 :]
    return data[:place] + data[place + draw.randrange(1, 9) :]


def test_damaged_weights_raise_nothing_else() -> None:
    model, draw, messages = _normed(), random.Random(0), []
    data = weights_to_bytes(model)
    header = 8 + int.from_bytes(data[:8], "little")
    for _ in range(400):
        try:
            load_weights(model, _damage(data, draw, header), "here")
        except RunError as error:
            messages.append(str(error))
    assert len(messages) > 350
    assert all(message.startswith("here") for message in messages)


@pytest.mark.parametrize("data", [b"", b"\0" * 8, b"PK\3\4 not safetensors"])
def test_bytes_that_are_no_weights_are_refused(data: bytes) -> None:
    with pytest.raises(RunError, match="here is not a readable safetensors file"):
        load_weights(nn.Linear(2, 2), data, "here")


def _state() -> dict[str, Any]:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": 3}


def test_a_state_comes_back_bit_for_bit() -> None:
    state = _state()
    again = state_from_bytes(state_to_bytes(state), "here")
    assert again["step"] == 3
    assert torch.equal(again["model"]["weight"], state["model"]["weight"])
    moments = state["optimizer"]["state"][0]
    assert all(torch.equal(again["optimizer"]["state"][0][k], moments[k]) for k in moments)
    assert again["optimizer"]["param_groups"] == state["optimizer"]["param_groups"]


def test_a_learning_rate_of_numpy_comes_back() -> None:
    state = {"optimizer": {"param_groups": [{"lr": np.float64(0.1) * np.cos(0.5)}]}}
    again = state_from_bytes(state_to_bytes(state), "here")
    assert again["optimizer"]["param_groups"][0]["lr"] == pytest.approx(0.1 * np.cos(0.5))


def test_damaged_states_raise_nothing_else() -> None:
    data, draw, messages = state_to_bytes(_state()), random.Random(0), []
    for _ in range(1500):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                state_from_bytes(_damage(data, draw, len(data)), "here")
            except RunError as error:
                messages.append(str(error))
    assert len(messages) > 750
    assert all(message.startswith("here") for message in messages)


class Harm:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    "write", [lambda value: pickle.dumps(value, 2), lambda value: state_to_bytes({"step": value})]
)
def test_reading_a_state_executes_nothing(tmp_path: Path, write: Callable[[Any], bytes]) -> None:
    with pytest.raises(RunError, match="here is not a readable training state"):
        state_from_bytes(write(Harm(tmp_path / "harm")), "here")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("data", [b"", b"\0" * 8, b"PK\3\4 not a zip", b"text"])
def test_bytes_that_are_no_state_are_refused(data: bytes) -> None:
    with pytest.raises(RunError, match="here is not a readable training state"):
        state_from_bytes(data, "here")
