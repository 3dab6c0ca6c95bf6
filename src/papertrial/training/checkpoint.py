"""Weights as safetensors bytes, and the state to resume from; reading executes nothing."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from papertrial.data.streams import drawing_from
from papertrial.diagnose.dry_run import dry_run
from papertrial.diagnose.lent_model import model_kept
from papertrial.errors import ModelError, RunError

_ROUNDING: Any = {"rtol": 1e-3, "atol": 1e-5, "equal_nan": True}


def weights_to_bytes(model: nn.Module) -> bytes:
    """Return parameters and buffers as safetensors; tensors that are tied are stored once."""
    return bytes(safetensors.torch.save(_untied(model)))


def check_kept(model: nn.Module, fresh: nn.Module, x: Tensor) -> None:
    """Find out before a training whether the weights that are kept make the model again.

    Args:
        model: what is to be trained, in its final sizes.
        fresh: the same, built once more.
        x: one batch that it takes.

    Raises:
        ModelError: a part of its state cannot be kept, or it uses what is no part of its state.
    """
    lazy = any(torch.nn.parameter.is_lazy(p) for p in fresh.parameters())
    if lazy:
        dry_run(fresh, x)
    load_weights(fresh, weights_to_bytes(model), "the model built again")
    one, other = (_answer(m, x) for m in (model, fresh))
    if not torch.allclose(one, other, **_ROUNDING):
        if not torch.allclose(one, _answer(model, x), **_ROUNDING):
            raise ModelError(
                "model: in evaluation mode it gives another output each time, whatever the "
                "random seed, so no run of it can be evaluated again; draw from the global "
                "generators of torch, numpy or random, which are seeded, not from a generator of "
                "the model's, and keep nothing from one batch for the next"
            )
        raise ModelError(
            "model: built again with the weights that a run keeps, it gives other outputs, so "
            "something that it computes with is neither parameter nor buffer; keep layers in "
            "torch.nn.ModuleList or ModuleDict, not in a plain list, and tensors by "
            "register_buffer()"
        )


def _answer(model: nn.Module, x: Tensor) -> Tensor:
    with model_kept(model, x.device), drawing_from(x.device, 0), torch.no_grad():
        output: Tensor = model.eval()(x.clone())
        return output


def load_weights(model: nn.Module, data: bytes, where: str) -> None:
    """Set parameters and buffers from safetensors bytes.

    Raises:
        RunError: the bytes are not safetensors, or are the weights of another model.
    """
    try:
        tensors = safetensors.torch.load(data)
    except (SafetensorError, ValueError) as error:
        raise RunError(f"{where} is not a readable safetensors file: {error}") from error
    wanted = set(_untied(model))
    if set(tensors) != wanted:
        lacking, unknown = sorted(wanted - set(tensors)), sorted(set(tensors) - wanted)
        raise RunError(f"{where}: weights of another model; lacking {lacking}, unknown {unknown}")
    try:
        model.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise RunError(f"{where}: weights of another model: {error}") from error


def _untied(model: nn.Module) -> dict[str, Tensor]:
    kept: dict[str, Tensor] = {}
    seen: set[tuple[Any, ...]] = set()
    for name, tensor in model.state_dict().items():
        if not isinstance(tensor, Tensor):
            raise ModelError(f"the model's state {name!r} is no tensor; safetensors cannot keep it")
        place = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        if place not in seen or tensor.numel() == 0:
            kept[name] = tensor.detach().clone(memory_format=torch.contiguous_format)
        seen.add(place)
    return kept


def state_to_bytes(state: dict[str, Any]) -> bytes:
    """Return a training state as the bytes of torch.save."""
    out = io.BytesIO()
    torch.save(_plain(state), out)
    return out.getvalue()


def _plain(value: Any) -> Any:
    """Turn numpy's numbers, which schedulers may leave in a state, into Python's."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    return value.item() if isinstance(value, np.generic) else value


def state_from_bytes(data: bytes, where: str) -> dict[str, Any]:
    """Read a training state back; only tensors and plain values, nothing is executed.

    Raises:
        RunError: the bytes are damaged, or hold anything else.
    """
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # what a damaged file makes torch raise has no common class
        raise RunError(
            f"{where} is not a readable training state ({type(error).__name__}); train again"
        ) from error
    return state
