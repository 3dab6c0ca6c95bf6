"""Does the output have one row per sample, which depends on that sample alone?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from papertrial.checks.compare_outputs import largest_difference, rounding_tolerance
from papertrial.checks.stochastic import check_stochastic, run_with_stream
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.diagnose.explain import explain, explain_reshape
from papertrial.diagnose.lent_model import model_kept
from papertrial.diagnose.trace import Call, Trace, label_of

# Batch sizes to try: odd ones, which rarely divide a fixed size in a reshape, and a single sample.
_SIZES = (25, 7, 2, 1)
_Runs = dict[int, tuple[Trace, Any]]  # by batch size: the trace, and the output or the exception
_KEEP = "keep the first dimension, which is that of the samples, in the model's forward()"


def check_rows(model: nn.Module, x: Any) -> list[Diagnosis]:
    """Run a batch and parts of it in evaluation mode, and report outputs that are not consistent.

    - The output must have as many rows as the batch has samples, at every batch size.
    - The row of a sample must not depend on the other samples of the batch, up to rounding.
    - The same batch must give the same output again (see `check_stochastic`).

    Each run draws from the same random stream, so a model that draws random numbers is not reported
    as one that mixes samples. The model is left as it was.

    Args:
        model: called as model(x).
        x: one batch [B, ...], or tuples, lists and dicts of tensors with B rows.
    """
    size = _sample_count(x)
    with model_kept(model):
        model.eval()
        sizes = [size, *(n for n in _SIZES if n < size)]
        runs = {
            n: run_with_stream(0, model, part_of_batch(x, n), keep_ends=n in (1, size))
            for n in sizes
        }
        return _check_row_counts(model, x, runs) or _check_row_values(model, x, runs)


def _check_row_counts(model: nn.Module, x: Any, runs: _Runs) -> list[Diagnosis]:
    """Report batch sizes at which the model fails or returns another number of rows."""
    reason, outcomes = None, []
    for size, (trace, output) in runs.items():
        bad = not isinstance(output, Tensor) or not output.ndim or len(output) != size
        if bad and isinstance(output, Exception):
            outcomes.append(f"a batch of {size} fails")
            reason = reason or explain(trace, part_of_batch(x, size), output)
        elif bad and isinstance(output, Tensor):
            rows = f"{len(output):,} rows" if output.ndim else "one number"
            outcomes.append(f"a batch of {size} gives {rows}")
            reason = reason or _explain_rows(model, trace, output, size)
        elif bad:
            message = f"the model must return one tensor, got {type(output).__name__}"
            return [Diagnosis("error", "model", message, "return the tensor that the loss takes")]
    if reason is None:
        return []
    if len(outcomes) == len(runs) and all(text.endswith("fails") for text in outcomes):
        return [Diagnosis("error", "model", *reason)]
    rule = "the output must have one row per sample at every batch size"
    message = f"{rule}: {reason[0]}: {', '.join(outcomes[:3])}"
    return [Diagnosis("error", "model", message, reason[1])]


def _explain_rows(model: nn.Module, trace: Trace, output: Tensor, size: int) -> tuple[str, str]:
    """Return which call changed the number of rows of the batch, and how to keep one per sample."""
    rows = tuple(output.shape[:1])
    for call in reversed(trace.calls):
        if call.shape is None or call.shape[:1] != rows:
            break
        if call.given is not None and call.given[:1] == (size,):
            reshape = explain_reshape(call)
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


def _check_row_values(model: nn.Module, x: Any, runs: _Runs) -> list[Diagnosis]:
    """Report output rows that are not finite, are random, or depend on the rest of the batch."""
    size, few = max(runs), sorted(runs)[-2:][0]
    trace, whole = runs[size]
    if not torch.isfinite(whole).all():
        message = "the untrained model's outputs must be finite numbers, got NaN or infinity"
        fix = "look for a division by zero or a logarithm of 0, and normalise the inputs"
        return [Diagnosis("error", "model", message, fix)]
    scale = float(whole.abs().amax()) or 1.0
    limit = rounding_tolerance(whole) * scale
    stochastic = check_stochastic(model, part_of_batch(x, few))
    if stochastic:  # it draws other numbers for another batch size, so rows cannot be compared
        return stochastic
    worst = max(largest_difference(whole[:n], output) for n, (_, output) in runs.items())
    # A recurrence along the samples leaves the first ones unchanged, so compare the last one too.
    alone, last = run_with_stream(0, model, part_of_batch(x, -1), keep_ends=True)
    worst = max(worst, largest_difference(whole[-1:], last))
    if worst <= limit:
        return []
    layer = _first_apart(trace, runs[1][0], 0)
    layer = layer or _first_apart(trace, alone, -1)
    message = (
        "in evaluation mode the output for a sample must not depend on the other samples of the "
        f"batch, but it changes by {worst:.3g} (outputs are up to {scale:.3g}){layer}"
    )
    fix = "look for a reduction or a softmax over dim=0, or a reshape that mixes rows"
    return [Diagnosis("error", "model", message, _batch_first(model, trace, size) or fix)]


def _first_apart(whole: Trace, alone: Trace, end: int) -> str:
    """Name the call in which the first (end=0) or last (end=-1) row differs from a run alone."""
    pairs = zip(_end_rows(whole), _end_rows(alone), strict=False)
    for (call, one), (_, other) in pairs:
        row, same = one[end], other[end]
        if not row.is_floating_point() or row.shape != same.shape or not row.numel():
            continue
        if largest_difference(row, same) > rounding_tolerance(row) * float(one.abs().amax()):
            source = f" of {call.origin}" if call.origin and call.origin.label != call.name else ""
            return f"; first in {call.name}{source}"
    return ""


def _end_rows(trace: Trace) -> list[tuple[Call, Tensor]]:
    """Return the traced calls with the first and last row of their results, [2, ...]."""
    return [(call, call.ends) for call in trace.calls if call.ends is not None]


def _batch_first(model: nn.Module, trace: Trace, size: int) -> str:
    """Return the fix for a recurrent layer that reads samples as time steps, or ""."""
    layers = {
        label_of(name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.RNNBase) and not module.batch_first
    }
    for call in trace.calls:
        given = call.given or ()
        if call.name in layers and len(given) == 3 and given[0] == size != given[1]:
            return (
                f"give {call.name} batch_first=True; without it, {list(given)} is read as "
                f"{given[0]} time steps of {given[1]} samples"
            )
    return ""


def _sample_count(x: Any) -> int:
    """Return the number of samples in a batch, which must be the number of output rows."""
    return next(len(leaf) for leaf in tree_leaves(x) if isinstance(leaf, Tensor) and leaf.ndim)


def part_of_batch(x: Any, rows: int) -> Any:
    """Return the first rows of a batch (rows > 0) or the last ones, to run them without the rest.

    The batch is [B, ...]; in a tuple, list or dict, every tensor with B rows is cut.
    """
    size = _sample_count(x)

    def cut(leaf: object) -> object:
        if not isinstance(leaf, Tensor) or leaf.ndim == 0 or len(leaf) != size:
            return leaf
        kept = leaf[:rows] if rows > 0 else leaf[rows:]
        return kept.clone()  # a model may change its input

    return tree_map(cut, x)
