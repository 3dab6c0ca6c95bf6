"""Does the output have one row a sample, and only of that sample, whatever the batch size?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from papertrial.checks.stochastic import apart, check_stochastic, rounding, run_with
from papertrial.diagnose.explain import explain, told_reshape
from papertrial.diagnose.finding import Finding
from papertrial.diagnose.lent_model import model_kept
from papertrial.diagnose.trace import Call, Trace, label_of

_SIZES = (25, 7, 2, 1)  # odd ones, which few fixed sizes divide; and single samples
_Runs = dict[int, tuple[Trace, Any]]  # by batch size: what happened, and the output
_KEEP = "keep the first dimension, that of the samples, in the model's forward()"


def check_rows(model: nn.Module, x: Any) -> list[Finding]:
    """Run one batch whole and in part, in evaluation mode, and tell what must not differ.

    - each size gives as many rows as it has samples;
    - a sample's row stays the same whatever other samples are beside it, up to rounding;
    - the same batch gives the same output twice (see `check_stochastic`).

    Each run draws from the same stream, so that a model that draws random numbers is not told to
    mix samples. The model is left as it was.

    Args:
        model: called on x.
        x: one batch [B, ...], or tuples, lists and dicts of tensors of B rows.
    """
    size = _rows(x)
    with model_kept(model):
        model.eval()
        sizes = [size, *(n for n in _SIZES if n < size)]
        runs = {n: run_with(0, model, part(x, n), keep_ends=n in (1, size)) for n in sizes}
        return _check_counts(model, x, runs) or _check_values(model, x, runs)


def _check_counts(model: nn.Module, x: Any, runs: _Runs) -> list[Finding]:
    told, outcomes = None, []
    for size, (trace, output) in runs.items():
        bad = not isinstance(output, Tensor) or not output.ndim or len(output) != size
        if bad and isinstance(output, Exception):
            outcomes.append(f"a batch of {size} fails")
            told = told or explain(trace, part(x, size), output)
        elif bad and isinstance(output, Tensor):
            rows = f"{len(output):,} rows" if output.ndim else "one number"
            outcomes.append(f"a batch of {size} gives {rows}")
            told = told or _culprit(model, trace, output, size)
        elif bad:
            message = f"the model must return one tensor, got {type(output).__name__}"
            return [Finding("error", "model", message, "return the tensor that the loss is for")]
    if told is None:
        return []
    if len(outcomes) == len(runs) and all(text.endswith("fails") for text in outcomes):
        return [Finding("error", "model", *told)]
    rule = "the output must have one row a sample whatever the batch size"
    message = f"{rule}: {told[0]}: {', '.join(outcomes[:3])}"
    return [Finding("error", "model", message, told[1])]


def _culprit(model: nn.Module, trace: Trace, output: Tensor, size: int) -> tuple[str, str]:
    """Name the call from which on the rows were no longer the samples."""
    rows = tuple(output.shape[:1])
    for call in reversed(trace.calls):
        if call.shape is None or call.shape[:1] != rows:
            break
        if call.given is not None and call.given[:1] == (size,):
            reshape = told_reshape(call)
            if reshape is not None:
                return reshape
            fix = _batch_first(model, trace, size) or _KEEP
            maker = f" from {call.origin.maker}" if call.origin else ""
            return (
                f"{call.name} turns {list(call.given)}{maker} into {list(call.shape)}",
                fix,
            )
    message = f"the model returns {list(output.shape)} for {size} samples"
    return message, _batch_first(model, trace, size) or _KEEP


def _check_values(model: nn.Module, x: Any, runs: _Runs) -> list[Finding]:
    size, few = max(runs), sorted(runs)[-2:][0]
    trace, whole = runs[size]
    if not torch.isfinite(whole).all():
        message = "the untrained model's outputs must be finite numbers, got NaN or infinity"
        fix = "look for a division by zero or a logarithm of 0, and normalise the inputs"
        return [Finding("error", "model", message, fix)]
    scale = float(whole.abs().amax()) or 1.0
    limit = rounding(whole) * scale
    stochastic = check_stochastic(model, part(x, few))
    if stochastic:  # its draws differ with the size of the batch, so nothing can be compared
        return stochastic
    worst = max(apart(whole[:n], output) for n, (_, output) in runs.items())
    # And from the other end: what runs along the samples leaves the first of them as they are.
    alone, last = run_with(0, model, part(x, -1), keep_ends=True)
    worst = max(worst, apart(whole[-1:], last))
    if worst <= limit:
        return []
    layer = _first_apart(trace, runs[1][0], 0)
    layer = layer or _first_apart(trace, alone, -1)
    message = (
        "in evaluation mode the output of a sample must not depend on the other samples of its "
        f"batch, but it moves by {worst:.3g} where outputs reach {scale:.3g}{layer}"
    )
    fix = "look for a reduction or a softmax over dim=0, and for a reshape that mixes rows"
    return [Finding("error", "model", message, _batch_first(model, trace, size) or fix)]


def _first_apart(whole: Trace, alone: Trace, end: int) -> str:
    """Say in which call the first (end 0) or last (-1) sample's row is another one when alone."""
    pairs = zip(_ends(whole), _ends(alone), strict=False)
    for (call, one), (_, other) in pairs:
        row, same = one[end], other[end]
        if not row.is_floating_point() or row.shape != same.shape or not row.numel():
            continue
        if apart(row, same) > rounding(row) * float(one.abs().amax()):
            source = f" of {call.origin}" if call.origin and call.origin.label != call.name else ""
            return f"; first in {call.name}{source}"
    return ""


def _ends(trace: Trace) -> list[tuple[Call, Tensor]]:
    return [(call, call.ends) for call in trace.calls if call.ends is not None]


def _batch_first(model: nn.Module, trace: Trace, size: int) -> str:
    """Say what to do about a recurrent layer that took the samples for time steps."""
    layers = {
        label_of(name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.RNNBase) and not module.batch_first
    }
    for call in trace.calls:
        given = call.given or ()
        if call.name in layers and len(given) == 3 and given[0] == size != given[1]:
            rule = f"give {call.name} batch_first=True: without, it reads {list(given)} as"
            return f"{rule} {given[0]} time steps of {given[1]} samples"
    return ""


def _rows(x: Any) -> int:
    return next(len(leaf) for leaf in tree_leaves(x) if isinstance(leaf, Tensor) and leaf.ndim)


def part(x: Any, rows: int) -> Any:
    """Return the first samples of a batch [B, ...] (rows > 0), or the last ones (rows < 0).

    Of a tuple, list or dict, that of everything in it that has B rows.
    """
    size = _rows(x)

    def cut(leaf: Any) -> Any:
        whole = isinstance(leaf, Tensor) and leaf.ndim > 0 and len(leaf) == size
        if not whole:
            return leaf
        cut_ = leaf[:rows] if rows > 0 else leaf[rows:]
        return cut_.clone()  # a model may change its input

    return tree_map(cut, x)
