"""Why a model failed on a batch, in one sentence: the layer, what it expects, what it receives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from papertrial.diagnose.trace import RESHAPES, Call, Origin, Trace, is_layer, label_of, shape_of

_Told = tuple[str, str]  # the sentence; what to do
_MEND = "change its size, or what comes before it"


def explain(trace: Trace, x: Any, error: Exception) -> _Told:
    """Return what is wrong, in one sentence, and what to do.

    Args:
        trace: of the run that failed.
        x: the model's input.
        error: what it raised.
    """
    said = " ".join(str(error).split())
    if not said or not isinstance(error, RuntimeError | ValueError):
        said = f"{type(error).__name__}: {said}"
    if not trace.running:
        return f"the model fails on a batch {shape_of(x)}: {said}", "mend the model's forward()"
    name, module, inputs = trace.running[-1]
    given = next((i for i in inputs if isinstance(i, Tensor)), None)
    label = label_of(name, module)
    told = None
    if given is not None and is_layer(module):
        told = _layer(label, module, given, trace.origin(given))
    elif trace.failed is not None and trace.failed.origin is not None:
        told = _function(label, trace.failed)
    if told is not None:
        return told
    got = ", ".join(shape_of(i) for i in inputs)
    kind = f" ({type(module).__name__})" if name == label else ""
    function = f" in {trace.failed.name}" if trace.failed and not is_layer(module) else ""
    came = _from(trace.origin(given)) if given is not None else ""
    return f"{label}{kind} fails{function} on {got}{came}: {said}", "mend the model's forward()"


def told_reshape(call: Call) -> _Told | None:
    """Say how a reshape asks for other rows than samples; None where it does not say how many."""
    sizes = _sizes(call)
    origin, given = call.origin, call.given
    if sizes is None or origin is None or not given or call.name not in RESHAPES:
        return None
    if not origin.shape or given[0] != origin.shape[0]:
        return None
    own = math.prod(given[1:])
    asked = math.prod(sizes[1:]) if min(sizes[1:], default=-1) > 0 else None
    wide = f"{own:,}" if len(origin.shape) < 3 else f"{own:,} (= {_times(origin.shape[1:])})"
    fix = (
        f"use flatten(1) in place of {call.name}, which keeps a row a sample, and give the next "
        f"layer {own} inputs, or change what comes before so that it gives {asked or own}"
    )
    if asked is not None and asked != own:
        rule = f"{call.name} asks for {asked:,} numbers a row"
        return f"{rule}, {origin.maker} gives {own:,} a sample{_factors(origin, own)}", fix
    if sizes[0] > 0 and sizes[0] != given[0]:
        rule = f"{call.name} asks for {sizes[0]:,} rows whatever the batch"
        return f"{rule}, {origin.maker} gives {given[0]:,} samples of {wide} numbers", fix
    return None


def _layer(label: str, module: nn.Module, given: Tensor, origin: Origin | None) -> _Told | None:
    """Say what a well-known layer takes and was given; None where that is not what is wrong."""
    shape = tuple(given.shape)
    if isinstance(module, nn.Linear) and shape:
        return _linear(label, module.in_features, shape, origin, "in_features=")
    if isinstance(module, nn.modules.conv._ConvNd):
        return _convolution(label, module, shape, origin)
    if isinstance(module, nn.modules.batchnorm._BatchNorm | nn.GroupNorm | nn.LayerNorm):
        return _norm(label, module, shape, origin)
    if isinstance(module, nn.RNNBase) and shape and shape[-1] != module.input_size:
        rule = f"{label} expects {module.input_size:,} inputs a token"
        return f"{rule} but receives {shape[-1]:,}{_from(origin, shape)}", _MEND
    if isinstance(module, nn.Embedding | nn.EmbeddingBag) and given.numel():
        return _embedding(label, module.num_embeddings, given, _from(origin))
    return None


def _convolution(
    label: str, module: nn.modules.conv._ConvNd, shape: tuple[int, ...], origin: Origin | None
) -> _Told | None:
    places = len(module.kernel_size)
    if len(shape) not in (places + 1, places + 2):
        sizes = ", ".join("DHW"[-places:] if places > 1 else "L")
        rule = f"{label} expects [B, {module.in_channels}, {sizes}] but receives {list(shape)}"
        return rule + _from(origin), _MEND
    return _channels(label, module.in_channels, shape[-places - 1], shape, origin)


def _norm(
    label: str, module: nn.Module, shape: tuple[int, ...], origin: Origin | None
) -> _Told | None:
    if isinstance(module, nn.LayerNorm):
        size = tuple(module.normalized_shape)
        if shape[-len(size) :] == size:
            return None
        wanted = ", ".join(map(str, size))
        return f"{label} expects [..., {wanted}] but receives {list(shape)}{_from(origin)}", _MEND
    channels: Any = getattr(module, "num_features", getattr(module, "num_channels", None))
    return _channels(label, channels, shape[1], shape, origin) if len(shape) > 1 else None


def _embedding(label: str, rows: int, given: Tensor, came: str) -> _Told | None:
    if given.is_floating_point():
        kind = str(given.dtype).removeprefix("torch.")
        rule = f"{label} expects whole numbers from 0 to {rows - 1:,} but receives {kind} "
        return f"{rule}{list(given.shape)}{came}", "give it tokens, as a text source does"
    low, high = int(given.min()), int(given.max())
    if low >= 0 and high < rows:
        return None
    got = f"the largest token is {high:,}" if high >= rows else f"the smallest token is {low:,}"
    fix = f"give it {high + 1} rows, or a smaller vocabulary" if low >= 0 else "begin tokens at 0"
    return f"{label} has {rows:,} rows, {got}", fix


def _function(label: str, failed: Call) -> _Told | None:
    """Say what a function that the model calls by itself was asked for and given."""
    if failed.name in RESHAPES:
        return told_reshape(failed)
    tensors = [a for a in failed.arguments if isinstance(a, Tensor)]
    if len(tensors) < 2 or not tensors[0].ndim:
        return None
    left, right = tuple(tensors[0].shape), tuple(tensors[1].shape)
    where = f"{failed.name} in {label}"
    if failed.name == "linear" and len(right) == 2:
        return _linear(where, right[1], left, failed.origin, "a weight for ")
    if failed.name in ("matmul", "mm", "bmm") and len(right) >= 2:
        return _linear(where, right[-2], left, failed.origin, "a weight for ")
    if failed.name in ("conv1d", "conv2d", "conv3d") and len(left) == len(right):
        groups = failed.keywords.get("groups", 1)
        return _channels(where, right[1] * groups, left[1], left, failed.origin)
    return None


def _linear(
    label: str, expected: int, shape: tuple[int, ...], origin: Origin | None, what: str
) -> _Told | None:
    got = shape[-1]
    if got == expected:
        return None
    rule = f"{label} expects {expected:,} inputs but receives {got:,}"
    if len(shape) > 2 and math.prod(shape[1:]) == expected:
        come = f", the last size of {list(shape)}{_from(origin)}"
        return rule + come, f"flatten(1) first, which gives {expected} numbers a sample"
    factors = "" if origin is None else _factors(origin, got)
    last = f", the last size of {list(shape)}" if len(shape) > 2 else ""
    fix = f"give it {what}{got}, or change what comes before so that it gives {expected}"
    return f"{rule}{factors}{last}{_from(origin)}", fix


def _channels(
    label: str, expected: int, got: int, shape: tuple[int, ...], origin: Origin | None
) -> _Told | None:
    if got == expected:
        return None
    rule = f"{label} expects {expected:,} channels but receives {got:,}"
    return rule + _from(origin, shape), f"make it take {got}, or change what comes before"


def _from(origin: Origin | None, shape: Sequence[int] | None = None) -> str:
    if origin is None:
        return ""
    if shape is None or origin.is_input:
        return f", from {origin}"
    return f", from {origin.label} {list(shape)}"


def _factors(origin: Origin, count: int) -> str:
    sizes = origin.shape[1:]
    return f" = {_times(sizes)}" if len(sizes) > 1 and math.prod(sizes) == count else ""


def _times(sizes: Sequence[int]) -> str:
    return " x ".join(f"{size:,}" for size in sizes)


def _sizes(call: Call) -> list[int] | None:
    """The sizes that a reshape was asked for."""
    sizes = [a for a in call.arguments if not isinstance(a, Tensor)]
    if call.name not in ("view", "reshape"):
        return None
    if len(sizes) == 1 and isinstance(sizes[0], Sequence) and not isinstance(sizes[0], str):
        sizes = list(sizes[0])
    if not sizes and isinstance(call.keywords.get("shape"), Sequence):
        sizes = list(call.keywords["shape"])
    return [int(s) for s in sizes] if sizes and all(isinstance(s, int) for s in sizes) else None
