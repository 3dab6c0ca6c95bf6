"""Tensors for prediction: arrays, and .npy, .npz and .safetensors files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from papertrial.data.tensors.form import TensorForm
from papertrial.errors import PredictionInputError

ARRAY_FILES = (".npy", ".npz", ".safetensors")


def read_tensors(path: Path) -> Any:
    """Read a file of samples: one tensor [N, ...], or several by name.

    Raises:
        PredictionInputError: the file is absent, has another ending or cannot be read.
    """
    if path.suffix not in ARRAY_FILES:
        raise PredictionInputError(
            f"{path}: a model of tensors reads {', '.join(ARRAY_FILES)} files"
        )
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load(path.read_bytes())
        loaded: Any = np.load(path, allow_pickle=False)
        return dict(loaded) if path.suffix == ".npz" else loaded
    except OSError as error:
        raise PredictionInputError(f"{path}: {error.strerror or error}") from error
    except Exception as error:  # numpy and safetensors raise many classes for damaged files
        raise PredictionInputError(f"{path} cannot be read: {error}") from error


def as_samples(given: Any, forms: Mapping[str, TensorForm]) -> Any:
    """Return samples in the form that a model was trained on: one tensor, or several by name.

    Their sizes may differ from it, such as the length of a sequence: the model decides.

    Args:
        given: an array or tensor [N, ...], or several by name.
        forms: the form of each tensor; that of a single one has the name "".

    Raises:
        PredictionInputError: names, dimensions or types are others, or values are not finite.
    """
    if "" in forms:
        if isinstance(given, Mapping):
            raise PredictionInputError(f"the model takes one tensor, got {', '.join(given)}")
        return _one(given, forms[""], "the input")
    if not isinstance(given, Mapping) or set(given) != set(forms):
        got = ", ".join(given) if isinstance(given, Mapping) else type(given).__name__
        raise PredictionInputError(f"the model takes the tensors {', '.join(forms)}, got {got}")
    named = {name: _one(given[name], form, name) for name, form in forms.items()}
    lengths = {name: len(one) for name, one in named.items()}
    if len({*lengths.values()}) > 1:
        raise PredictionInputError(f"inputs must have as many rows in every tensor, got {lengths}")
    return named


def other_sizes(given: Any, forms: Mapping[str, TensorForm]) -> str:
    """Return in words which sizes of samples differ from those in the training, "" if none."""
    named = {"": given} if "" in forms else given
    return ", ".join(
        f"{name} {list(named[name].shape[1:])}, in training {list(form.shape)}".lstrip()
        for name, form in forms.items()
        if tuple(named[name].shape[1:]) != form.shape
    )


def _one(given: Any, form: TensorForm, what: str) -> Tensor:
    try:
        values = torch.as_tensor(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise PredictionInputError(f"{what} must be numbers: {error}") from error
    wanted = form.torch_dtype
    if values.is_floating_point() and not wanted.is_floating_point:
        kind = str(values.dtype).removeprefix("torch.")
        raise PredictionInputError(f"{what} must be {form.dtype}, got {kind}")
    if values.ndim != len(form.shape) + 1 or 0 in values.shape[1:]:
        shape = ", ".join(["N", *map(str, form.shape)])
        raise PredictionInputError(f"{what} must be [{shape}], got {list(values.shape)}")
    samples = values.to(wanted)
    if not torch.isfinite(samples).all():
        raise PredictionInputError(f"{what} must be finite numbers that {form.dtype} can hold")
    return samples
