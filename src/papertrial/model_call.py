"""How a model is called, and which of the tensors that it returns is its output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from papertrial.errors import ModelError


def call_model(model: nn.Module, x: Any) -> Any:
    """Return what a model returns for a batch.

    Args:
        model: the model.
        x: the batch [B, ...], passed as the only argument; or named tensors, passed by name.
    """
    return model(**x) if isinstance(x, Mapping) else model(x)


def main_output(returned: Any) -> Tensor:
    """Return the output of a model, which is evaluated: the first tensor that it returned.

    A model may return further tensors, such as those of auxiliary classifiers or hidden states, in
    a tuple, a list, a mapping or a ModelOutput of transformers. Only an objective sees them.

    Raises:
        ModelError: the first thing that it returned is not a tensor, or not of real numbers.
    """
    first = returned
    while not isinstance(first, Tensor):
        inside = list(first.values()) if isinstance(first, Mapping) else first
        if not isinstance(inside, list | tuple) or not inside:
            got = type(returned).__name__
            inner = "" if first is returned else f" whose first item is {type(first).__name__}"
            raise ModelError(
                f"the model must return a tensor, or several of which the first is its output, got "
                f"{got}{inner}; wrap it in a module that returns the tensor that the loss takes"
            )
        first = inside[0]
    if first.is_complex():
        raise ModelError(
            f"the model must return real numbers, got {list(first.shape)} of "
            f"{str(first.dtype).removeprefix('torch.')}; return them as torch.view_as_real does"
        )
    return first


def output_of(model: nn.Module, x: Any) -> Tensor:
    """Return the output of a model for a batch [B, ...].

    Raises:
        ModelError: the first thing that the model returns is not a tensor.
    """
    return main_output(call_model(model, x))
