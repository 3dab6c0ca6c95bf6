"""Weights as safetensors bytes, and the state to resume from; reading executes nothing."""

from __future__ import annotations

import io
import pickle
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from papertrial.errors import RunError


def weights_to_bytes(model: nn.Module) -> bytes:
    """Return parameters and buffers as safetensors; tensors that are tied are stored once."""
    return bytes(safetensors.torch.save(_untied(model)))


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
        place = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        if place not in seen or tensor.numel() == 0:
            kept[name] = tensor.detach().contiguous()
        seen.add(place)
    return kept


def state_to_bytes(state: dict[str, Any]) -> bytes:
    """Return a training state as the bytes of torch.save."""
    out = io.BytesIO()
    torch.save(state, out)
    return out.getvalue()


def state_from_bytes(data: bytes, where: str) -> dict[str, Any]:
    """Read a training state back; only tensors and plain values, nothing is executed.

    Raises:
        RunError: the bytes are damaged, or hold anything else.
    """
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as error:
        raise RunError(f"{where} is not a readable training state: {error}") from error
    return state
