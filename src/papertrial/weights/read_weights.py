"""Files of weights: safetensors, and state dicts that torch.save wrote; reading runs no code."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from papertrial.errors import ModelError

# Keys under which training scripts store a state dict in a checkpoint, in order of preference.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
# What torch adds to each name: DataParallel and DistributedDataParallel, torch.compile.
_PREFIXES = ("module.", "_orig_mod.")


@dataclass(frozen=True)
class Weights:
    """The tensors of a file of weights by name.

    Attributes:
        tensors: the tensors, on the CPU.
        sha256: the SHA-256 of the file.
        notes: how the tensors were found, if the file has more than a plain state dict.
    """

    tensors: Mapping[str, Tensor]
    sha256: str
    notes: tuple[str, ...] = ()


def read_weights(path: Path, where: str) -> Weights:
    """Read a file of weights: `.safetensors`, or a state dict of torch.save such as `.pt`, `.pth`.

    A state dict may be in a checkpoint, under one of the usual keys, and its names may begin with
    the prefix of DataParallel or of torch.compile.

    Args:
        path: the file.
        where: the key of the recipe that names it, for messages.

    Raises:
        ModelError: the file cannot be read, or is not a state dict.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{where}: the file of weights {path} cannot be read: {error.strerror}"
        ) from error
    stored = _safetensors(data, path, where) if _is_safetensors(path) else _load(data, path, where)
    tensors, notes = _state_dict(stored, path, where)
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
            notes.append(f"the prefix {prefix!r} of all names in {path.name} was removed")
    return Weights(tensors, hashlib.sha256(data).hexdigest(), tuple(notes))


def _is_safetensors(path: Path) -> bool:
    return path.suffix == ".safetensors"


def _safetensors(data: bytes, path: Path, where: str) -> Mapping[str, Tensor]:
    try:
        return dict(safetensors.torch.load(data))
    except (SafetensorError, ValueError) as error:
        raise ModelError(f"{where}: {path} is not a readable safetensors file: {error}") from error


def _load(data: bytes, path: Path, where: str) -> Any:
    try:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # for other files, torch raises exceptions of many classes
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{where}: {path} is not a file of weights alone ({type(error).__name__}: {reason}); "
            "write one with torch.save(model.state_dict(), path), or give a .safetensors file"
        ) from error


def _state_dict(stored: Any, path: Path, where: str) -> tuple[Mapping[str, Tensor], list[str]]:
    """Return the state dict in what a file has, and notes on where it was."""
    if _is_state_dict(stored):
        return stored, []  # as it is, with the versions of its modules
    if isinstance(stored, Mapping):
        for key in _WRAPPERS:
            if _is_state_dict(stored.get(key)):
                return stored[key], [f"the weights in {path.name} are under {key!r}"]
        keys = ", ".join(map(repr, list(stored)[:8])) or "no keys"
        has = f"a mapping with {keys}"
    else:
        has = f"an object of the type {type(stored).__name__}"
    raise ModelError(
        f"{where}: {path} must be a state dict, tensors by their names, or have one under "
        f"{', '.join(map(repr, _WRAPPERS))}, but it is {has}"
    )


def _is_state_dict(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in value.items())
    )
