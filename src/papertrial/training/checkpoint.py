"""Store weights as safetensors and training states as torch.save does; loading runs no code."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from papertrial.data.nested import first_of, mapped
from papertrial.data.streams import drawing_from
from papertrial.diagnose.dry_run import dry_run
from papertrial.diagnose.lent_model import model_kept
from papertrial.errors import ModelError, RunError
from papertrial.model_call import output_of

_ROUNDING: Any = {"rtol": 1e-3, "atol": 1e-5, "equal_nan": True}


def weights_to_bytes(model: nn.Module) -> bytes:
    """Return a checkpoint of the weights as safetensors bytes; tied tensors are stored once."""
    return bytes(safetensors.torch.save(_untied(model)))


def check_kept(model: nn.Module, fresh: nn.Module, x: Any) -> None:
    """Check before the training that a checkpoint will reproduce the model's outputs.

    Args:
        model: the model to be trained, with lazy layers initialised.
        fresh: the same model, built again.
        x: one batch of inputs.

    Raises:
        ModelError: a part of the model's state cannot be stored, or its outputs depend on something
            that is not part of its state.
    """
    lazy = any(torch.nn.parameter.is_lazy(p) for p in fresh.parameters())
    if lazy:
        dry_run(fresh, x)
    load_weights(fresh, weights_to_bytes(model), "the model built again")
    one, other = (_reproducible_output(m, x) for m in (model, fresh))
    if not torch.allclose(one, other, **_ROUNDING):
        if not torch.allclose(one, _reproducible_output(model, x), **_ROUNDING):
            raise ModelError(
                "model: in evaluation mode its output differs each time, even with the same "
                "random seed, so an evaluation cannot be repeated; draw from the global "
                "generators of torch, numpy or random, which are seeded, not from a generator "
                "inside the model, and keep no state from one batch to the next"
            )
        raise ModelError(
            "model: built again with the weights that a run stores, it gives other outputs, so "
            "it computes with something that is neither parameter nor buffer; keep layers in a "
            "torch.nn.ModuleList or ModuleDict, not in a plain list, and register tensors with "
            "register_buffer()"
        )


def _reproducible_output(model: nn.Module, x: Any) -> Tensor:
    """Return a model's seeded output, to compare it with that of its checkpoint."""
    device = first_of(x).device
    with model_kept(model, device), drawing_from(device, 0), torch.no_grad():
        return output_of(model.eval(), mapped(torch.clone, x))


def load_weights(model: nn.Module, data: bytes, where: str) -> None:
    """Load a checkpoint of weights into a model: parameters and buffers from safetensors bytes.

    Raises:
        RunError: the bytes are not in the safetensors format, or belong to another model.
    """
    try:
        tensors = safetensors.torch.load(data)
    except (SafetensorError, ValueError) as error:
        raise RunError(f"{where} is not a readable safetensors file: {error}") from error
    wanted = set(_untied(model))
    if set(tensors) != wanted:
        missing, unknown = sorted(wanted - set(tensors)), sorted(set(tensors) - wanted)
        raise RunError(f"{where}: weights of another model; missing {missing}, unknown {unknown}")
    try:
        model.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise RunError(f"{where}: weights of another model: {error}") from error


def _untied(model: nn.Module) -> dict[str, Tensor]:
    """Return the state dict for a checkpoint, with each shared tensor under its first name only."""
    kept: dict[str, Tensor] = {}
    seen: set[tuple[object, ...]] = set()
    for name, tensor in model.state_dict().items():
        if not isinstance(tensor, Tensor):
            raise ModelError(
                f"the model's state {name!r} is not a tensor; safetensors cannot store it"
            )
        place = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        if place not in seen or tensor.numel() == 0:
            kept[name] = tensor.detach().clone(memory_format=torch.contiguous_format)
        seen.add(place)
    return kept


def state_to_bytes(state: dict[str, Any]) -> bytes:
    """Return a checkpoint of a training state as the bytes of torch.save."""
    out = io.BytesIO()
    torch.save(_without_numpy(state), out)
    return out.getvalue()


def _without_numpy(value: Any) -> Any:
    """Convert numpy scalars, which schedulers leave in a checkpoint's state, to Python numbers."""
    if isinstance(value, dict):
        return {key: _without_numpy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_without_numpy(item) for item in value)
    return value.item() if isinstance(value, np.generic) else value


def state_from_bytes(data: bytes, where: str) -> dict[str, Any]:
    """Load a training state from a checkpoint of tensors and plain values; no code is run.

    Raises:
        RunError: the bytes are damaged, or hold other types.
    """
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # for a damaged file, torch raises exceptions of many classes
        raise RunError(
            f"{where} is not a readable training state ({type(error).__name__}); train again"
        ) from error
    return state
