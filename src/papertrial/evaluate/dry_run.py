"""One batch through a model before training, so that a mistake is told by its layer and shapes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from papertrial.errors import ModelError


def dry_run(model: nn.Module, x: Tensor) -> Tensor:
    """Return the model's output for one batch [B, ...], and leave the model as it was.

    It runs in evaluation mode, where lazy layers take their sizes, then in training mode, whose
    output is returned; buffers that training mode moves are put back.

    Raises:
        ModelError: layers do not fit the input or each other, or the output is not a tensor. The
            message names the layer, the shape it expects and the shape it gets.
    """
    modes = [(module, module.training) for module in model.modules()]
    with torch.no_grad():
        _traced(model.eval(), x)
        kept = [
            (
                module,
                {
                    name: (b, None if b is None else b.clone())
                    for name, b in module._buffers.items()
                },
            )
            for module in model.modules()
        ]
        output = _traced(model.train(), x)
        for module, buffers in kept:
            module._buffers.clear()
            for name, (buffer, copy) in buffers.items():
                module._buffers[name] = buffer
                if buffer is not None and copy is not None:
                    buffer.copy_(copy)
    for module, training in modes:
        module.training = training
    if not isinstance(output, Tensor):
        raise ModelError(
            f"the model must return one tensor, got {type(output).__name__}; wrap it in a module "
            "that returns the tensor that the loss is for"
        )
    return output


def _traced(model: nn.Module, x: Tensor) -> Any:
    """Run the model, remembering which layer is inside which and what each was given."""
    running: list[tuple[str, nn.Module, tuple[Any, ...]]] = []
    finished: list[tuple[str, nn.Module, Any]] = []
    names = {module: name for name, module in model.named_modules()}

    def enter(module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        running.append((names[module], module, (*inputs, *named.values())))

    def leave(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        running.pop()
        finished.append((names[module], module, output))

    # Ahead of a lazy layer's own hook, which may be what refuses the input.
    hooks: list[Any] = [
        m.register_forward_pre_hook(enter, prepend=True, with_kwargs=True) for m in model.modules()
    ]
    hooks += [m.register_forward_hook(leave) for m in model.modules()]
    try:
        return model(x)
    except Exception as error:
        message = " ".join(str(error).split())
        if not message or not isinstance(error, RuntimeError | ValueError):
            message = f"{type(error).__name__}: {message}"
        if not running:
            raise ModelError(f"the model fails on a batch {list(x.shape)}: {message}") from error
        name, module, inputs = running[-1]
        raise ModelError(_explain(name, module, inputs, finished, message)) from error
    finally:
        for hook in hooks:
            hook.remove()


def _explain(
    name: str,
    module: nn.Module,
    inputs: tuple[Any, ...],
    finished: list[tuple[str, nn.Module, Any]],
    message: str,
) -> str:
    leaves = [(n, m, out) for n, m, out in finished if not list(m.children())]
    before = ""
    if leaves:
        last, layer, out = leaves[-1]
        before = (
            f", after {last or 'the first layer'} ({type(layer).__name__}) returned {_shape(out)}"
        )
    got = ", ".join(_shape(i) for i in inputs)
    title = f"{name} ({type(module).__name__})" if name else f"the model ({type(module).__name__})"
    expected = _expected(module)
    if expected:
        title = f"layer {title}" if name else title
        return f"{title} expects {expected} but gets {got}{before}: {message}"
    return f"{title} fails on {got}{before}: {message}"


def _expected(module: nn.Module) -> str:
    """Say what a well-known layer takes; "" for others."""
    if isinstance(module, nn.Linear):
        return f"[..., {module.in_features}]"
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        places = ", ".join(
            "LDHW"[-len(module.kernel_size) :] if len(module.kernel_size) > 1 else "L"
        )
        return f"[B, {module.in_channels}, {places}]"
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        return f"[B, {module.num_features}, ...]"
    if isinstance(module, nn.LayerNorm):
        return f"[..., {', '.join(map(str, module.normalized_shape))}]"
    if isinstance(module, nn.Embedding):
        return f"indices from 0 to {module.num_embeddings - 1}"
    return ""


def _shape(value: Any) -> str:
    return str(list(value.shape)) if isinstance(value, Tensor) else type(value).__name__
