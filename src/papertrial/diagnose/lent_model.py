"""Context managers that restore a model after a check has used it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from papertrial.data.streams import generators_kept

_Buffers = dict[str, tuple[Tensor | None, Tensor | None]]


@contextlib.contextmanager
def buffers_kept(model: nn.Module) -> Iterator[None]:
    """Restore the buffers of a model after a block; training mode updates or replaces them."""
    kept: list[tuple[nn.Module, _Buffers]] = [
        (
            module,
            {n: (b, None if b is None else b.clone()) for n, b in module._buffers.items()},
        )
        for module in model.modules()
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for module, buffers in kept:
                module._buffers.clear()
                for name, (buffer, copy) in buffers.items():
                    module._buffers[name] = buffer
                    if buffer is not None and copy is not None:
                        buffer.copy_(copy)


@contextlib.contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Restore the training mode of each module of a model after a block."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextlib.contextmanager
def model_kept(model: nn.Module, device: torch.device | None = None) -> Iterator[None]:
    """Restore a model after a block: modes, buffers, gradients, generators, but not parameters.

    Args:
        model: the model.
        device: the device whose generator is restored; by default that of the first parameter.
    """
    parameters = list(model.parameters())
    if device is None:
        device = parameters[0].device if parameters else torch.device("cpu")
    gradients = [p.grad for p in parameters]
    try:
        with generators_kept(device), modes_kept(model), buffers_kept(model):
            for parameter in parameters:
                parameter.grad = None
            yield
    finally:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
