"""Explain in one sentence why a model fails on a batch: the layer, what it expects, its input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from papertrial.diagnose.trace import RESHAPES, Call, Origin, Trace, is_layer, label_of

_Explanation = tuple[str, str]  # what is wrong; how to fix it
_CHANGE_SIZE = "change its size, or the layer before it"
_GIVE_REAL_NUMBERS = (
    "return float32 from the function that makes the data, or convert it in the model; bytes under "
    "a name, as in a mapping, are whole numbers and not images"
)
_OF_REAL_NUMBERS = (
    nn.Linear,
    nn.modules.conv._ConvNd,
    nn.modules.batchnorm._BatchNorm,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.RNNBase,
)
_FIX_FORWARD = "fix the model's forward()"


def explain(trace: Trace, x: Any, error: Exception) -> _Explanation:
    """Explain in one sentence why a model fails on a batch, and how to fix it.

    Args:
        trace: the trace of the run that failed.
        x: the model's input.
        error: the exception that the model raised.
    """
    reason = " ".join(str(error).split())
    if not reason or not isinstance(error, RuntimeError | ValueError):
        reason = f"{type(error).__name__}: {reason}"
    if not trace.running:
        return f"the model fails on a batch {_shape_of(x)}: {reason}", _FIX_FORWARD
    name, module, inputs = trace.running[-1]
    given = next((i for i in inputs if isinstance(i, Tensor)), None)
    label = label_of(name, module)
    explanation = None
    if given is not None and is_layer(module):
        origin = trace.origin(given)
        explanation = _explain_type(label, module, given, origin) or _explain_layer(
            label, module, given, origin
        )
    elif trace.failed is not None and trace.failed.origin is not None:
        explanation = _explain_function(label, trace.failed)
    if explanation is not None:
        return explanation
    got = ", ".join(_shape_of(i) for i in inputs)
    kind = f" ({type(module).__name__})" if name == label else ""
    function = f" in {trace.failed.name}" if trace.failed and not is_layer(module) else ""
    source = _source(trace.origin(given)) if given is not None else ""
    return f"{label}{kind} fails{function} on {got}{source}: {reason}", _FIX_FORWARD


def needs_larger_batch(trace: Trace) -> bool:
    """Return whether a run failed because batch norm got one value per channel in training."""
    if not trace.running:
        return False
    _, module, inputs = trace.running[-1]
    given = next((i for i in inputs if isinstance(i, Tensor)), None)
    return given is not None and _has_one_value(module, tuple(given.shape))


def explain_reshape(call: Call) -> _Explanation | None:
    """Explain a reshape whose rows are not samples; None if its sizes do not show that."""
    sizes = _asked_sizes(call)
    origin, given = call.origin, call.given
    if sizes is None or origin is None or not given or call.name not in RESHAPES:
        return None
    if not origin.shape or given[0] != origin.shape[0]:
        return None
    own = math.prod(given[1:])
    asked = math.prod(sizes[1:]) if min(sizes[1:], default=-1) > 0 else None
    width = f"{own:,}" if len(origin.shape) < 3 else f"{own:,} (= {_product(origin.shape[1:])})"
    fix = (
        f"replace {call.name} by flatten(1), which keeps one row per sample, and give the next "
        f"layer {own} inputs, or change the layer before so that it gives {asked or own}"
    )
    if asked is not None and asked != own:
        rule = f"{call.name} asks for {asked:,} numbers per row"
        return f"{rule}, {origin.maker} gives {own:,} per sample{_as_product(origin, own)}", fix
    if sizes[0] > 0 and sizes[0] != given[0]:
        rule = f"{call.name} asks for {sizes[0]:,} rows at every batch size"
        return f"{rule}, {origin.maker} gives {given[0]:,} samples of {width} numbers", fix
    return None


def _explain_type(
    label: str, module: nn.Module, given: Tensor, origin: Origin | None
) -> _Explanation | None:
    """Explain a layer of real weights that receives whole numbers; None if it does not."""
    if given.is_floating_point() or not isinstance(module, _OF_REAL_NUMBERS):
        return None
    got = f"{str(given.dtype).removeprefix('torch.')} {list(given.shape)}{_source(origin)}"
    return f"{label} expects real numbers but receives {got}", _GIVE_REAL_NUMBERS


def _explain_layer(
    label: str, module: nn.Module, given: Tensor, origin: Origin | None
) -> _Explanation | None:
    """Compare what a layer of torch.nn expects with its input; None if that is not the problem."""
    shape = tuple(given.shape)
    if isinstance(module, nn.Linear) and shape:
        return _explain_linear(label, module.in_features, shape, origin, "in_features=")
    if isinstance(module, nn.modules.conv._ConvNd):
        return _explain_convolution(label, module, shape, origin)
    if isinstance(module, nn.modules.batchnorm._BatchNorm | nn.GroupNorm | nn.LayerNorm):
        return _explain_norm(label, module, shape, origin)
    if isinstance(module, nn.RNNBase) and shape and shape[-1] != module.input_size:
        rule = f"{label} expects {module.input_size:,} inputs per token"
        return f"{rule} but receives {shape[-1]:,}{_source(origin, shape)}", _CHANGE_SIZE
    if isinstance(module, nn.Embedding | nn.EmbeddingBag) and given.numel():
        return _explain_embedding(label, module.num_embeddings, given, _source(origin))
    return None


def _explain_convolution(
    label: str, module: nn.modules.conv._ConvNd, shape: tuple[int, ...], origin: Origin | None
) -> _Explanation | None:
    places = len(module.kernel_size)
    if len(shape) not in (places + 1, places + 2):
        sizes = ", ".join("DHW"[-places:] if places > 1 else "L")
        rule = f"{label} expects [B, {module.in_channels}, {sizes}] but receives {list(shape)}"
        return rule + _source(origin), _CHANGE_SIZE
    return _explain_channels(label, module.in_channels, shape[-places - 1], shape, origin)


def _explain_norm(
    label: str, module: nn.Module, shape: tuple[int, ...], origin: Origin | None
) -> _Explanation | None:
    if isinstance(module, nn.LayerNorm):
        size = tuple(module.normalized_shape)
        if shape[-len(size) :] == size:
            return None
        wanted = ", ".join(map(str, size))
        return (
            f"{label} expects [..., {wanted}] but receives {list(shape)}{_source(origin)}",
            _CHANGE_SIZE,
        )
    if _has_one_value(module, shape):
        rule = f"{label} normalises over a batch, which takes more than one value per channel"
        return f"{rule} in training, but receives {list(shape)}", "use larger batches"
    channels: Any = getattr(module, "num_features", getattr(module, "num_channels", None))
    return _explain_channels(label, channels, shape[1], shape, origin) if len(shape) > 1 else None


def _has_one_value(module: nn.Module, shape: tuple[int, ...]) -> bool:
    """Return whether a layer is batch norm in training, with one value per channel [B, C, ...]."""
    is_norm = isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training
    return is_norm and len(shape) > 1 and shape[0] * math.prod(shape[2:]) == 1


def _explain_embedding(label: str, rows: int, given: Tensor, source: str) -> _Explanation | None:
    if given.is_floating_point():
        kind = str(given.dtype).removeprefix("torch.")
        rule = f"{label} expects integers from 0 to {rows - 1:,} but receives {kind} "
        return (
            f"{rule}{list(given.shape)}{source}",
            "give it token numbers, such as those of a text source",
        )
    low, high = int(given.min()), int(given.max())
    if low >= 0 and high < rows:
        return None
    got = f"the largest token is {high:,}" if high >= rows else f"the smallest token is {low:,}"
    fix = (
        f"give it a row for every token of the data, at least {high + 1}, or a smaller vocabulary"
        if low >= 0
        else "number tokens from 0"
    )
    return f"{label} has {rows:,} rows, {got}", fix


def _explain_function(label: str, failed: Call) -> _Explanation | None:
    """Compare what a function that the model calls expects with its input; None if unknown."""
    if failed.name in RESHAPES:
        return explain_reshape(failed)
    tensors = [a for a in failed.arguments if isinstance(a, Tensor)]
    if len(tensors) < 2 or not tensors[0].ndim:
        return None
    left, right = tuple(tensors[0].shape), tuple(tensors[1].shape)
    where = f"{failed.name} in {label}"
    if failed.name == "linear" and len(right) == 2:
        return _explain_linear(where, right[1], left, failed.origin, "a weight for ")
    if failed.name in ("matmul", "mm", "bmm") and len(right) >= 2:
        return _explain_linear(where, right[-2], left, failed.origin, "a weight for ")
    if failed.name in ("conv1d", "conv2d", "conv3d") and len(left) == len(right):
        groups = failed.keywords.get("groups", 1)
        expected = right[1] * (groups if isinstance(groups, int) else 1)
        return _explain_channels(where, expected, left[1], left, failed.origin)
    return None


def _explain_linear(
    label: str, expected: int, shape: tuple[int, ...], origin: Origin | None, what: str
) -> _Explanation | None:
    got = shape[-1]
    if got == expected:
        return None
    rule = f"{label} expects {expected:,} inputs but receives {got:,}"
    if len(shape) > 2 and math.prod(shape[1:]) == expected:
        source = f", the last size of {list(shape)}{_source(origin)}"
        return rule + source, f"flatten(1) first, which gives {expected} numbers per sample"
    factors = "" if origin is None else _as_product(origin, got)
    last = f", the last size of {list(shape)}" if len(shape) > 2 else ""
    fix = f"give it {what}{got}, or change the layer before so that it gives {expected}"
    return f"{rule}{factors}{last}{_source(origin)}", fix


def _explain_channels(
    label: str, expected: int, got: int, shape: tuple[int, ...], origin: Origin | None
) -> _Explanation | None:
    if got == expected:
        return None
    rule = f"{label} expects {expected:,} channels but receives {got:,}"
    return rule + _source(
        origin, shape
    ), f"make it take {got} channels, or change the layer before it"


def _shape_of(value: object) -> str:
    """Return the shape of a tensor as an explanation shows it, or the type of another value."""
    return str(list(value.shape)) if isinstance(value, Tensor) else type(value).__name__


def _source(origin: Origin | None, shape: Sequence[int] | None = None) -> str:
    """Explain where a tensor comes from, ", from conv2 [8, 4]"; "" if that is not known."""
    if origin is None:
        return ""
    if shape is None or origin.is_input:
        return f", from {origin}"
    return f", from {origin.label} {list(shape)}"


def _as_product(origin: Origin, count: int) -> str:
    """Explain a number of inputs by the sizes of a sample, " = 128 x 28 x 28"; "" if not equal."""
    sizes = origin.shape[1:]
    return f" = {_product(sizes)}" if len(sizes) > 1 and math.prod(sizes) == count else ""


def _product(sizes: Sequence[int]) -> str:
    """Return the sizes of a sample as an explanation shows them: "128 x 28 x 28"."""
    return " x ".join(f"{size:,}" for size in sizes)


def _asked_sizes(call: Call) -> list[int] | None:
    """Return the sizes that a view or a reshape to explain asks for, if they are known."""
    if call.name not in ("view", "reshape"):
        return None
    given = [a for a in call.arguments if not isinstance(a, Tensor)]
    as_one = given[0] if len(given) == 1 else call.keywords.get("shape") if not given else None
    if isinstance(as_one, Sequence) and not isinstance(as_one, str):
        given = list(as_one)
    sizes = [int(size) for size in given if isinstance(size, int)]
    return sizes if sizes and len(sizes) == len(given) else None
