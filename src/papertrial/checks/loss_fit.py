"""Does the loss fit the outputs and the targets, and does it begin where a guess would?"""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.diagnose.finding import Finding
from papertrial.diagnose.lent_model import model_kept
from papertrial.evaluate.precision import autocast

_CROSS_ENTROPY = "CrossEntropyLoss"
_LOGIT_LOSS = "BCEWithLogitsLoss"
_PROBABILITY_LOSS = "BCELoss"
_SUMS_TO_1 = 1e-4
# What only changes the shape or the type, by the name of its backward function.
_PASSING = (
    "View",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
    "Clone",
    "ToCopy",
    "Alias",
    "Select",
    "Slice",
)
_ENDS = {"Softmax": "softmax", "Sigmoid": "sigmoid", "Relu": "ReLU", "Tanh": "tanh"}
_ENDS |= {"Softplus": "softplus", "Hardtanh": "hardtanh"}
_RANGES = {
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "ReLU": (0.0, math.inf),
    "softplus": (0.0, math.inf),
    "tanh": (-1.0, 1.0),
}


def loss_name(loss: Any) -> str:
    """Return the class name of a torch loss, of its function too ("CrossEntropyLoss"), else ""."""
    while isinstance(loss, functools.partial):
        loss = loss.func
    for function, name in (
        (F.cross_entropy, _CROSS_ENTROPY),
        (F.binary_cross_entropy_with_logits, _LOGIT_LOSS),
        (F.binary_cross_entropy, _PROBABILITY_LOSS),
    ):
        if loss is function:
            return name
    for cls in (nn.CrossEntropyLoss, nn.BCEWithLogitsLoss, nn.BCELoss):
        if isinstance(loss, cls):
            return cls.__name__
    return ""


def check_ending(
    model: nn.Module, loss: Any, x: Any, y: Tensor, *, precision: str = "fp32"
) -> list[Finding]:
    """Tell of a softmax or sigmoid before a loss that takes logits, and of outputs that cannot
    reach the targets.

    The last function is read off the graph of a forward pass; a softmax is found by its numbers
    too, on the batch and on random inputs. The model is left as it was.

    Args:
        model: called on x.
        loss: the recipe's, called as loss(output, target).
        x: one batch [B, ...].
        y: targets, best of the whole training part, [N] or [N, T].
        precision: "bf16" for a model that runs under autocast.
    """
    name = loss_name(loss)
    with model_kept(model):
        model.eval()
        output = _forward(model, x, precision)
        ending = last_function(output)
        probabilities = ending == "softmax" or all(
            _sums_to_1(_forward(model, one, precision)) for one in (x, _random_like(x))
        )
    inside = bool(((output >= 0) & (output <= 1)).all())
    if name in (_CROSS_ENTROPY, _LOGIT_LOSS) and probabilities:
        return [_logits(name, "softmax", "error")]
    if name == _LOGIT_LOSS and ending == "sigmoid":
        return [_logits(name, "sigmoid", "error")]
    if name == _CROSS_ENTROPY and ending == "sigmoid":
        return [_logits(name, "sigmoid", "warning")]
    if name == _PROBABILITY_LOSS and not inside:
        got = f"outputs from {output.min().item():.3g} to {output.max().item():.3g}"
        message = f"BCELoss takes probabilities from 0 to 1, but the model gives {got}"
        fix = "use torch.nn.BCEWithLogitsLoss, which takes logits"
        return [Finding("error", "loss", message, fix)]
    if not name and y.is_floating_point():
        return _check_range(ending, y)
    return []


def check_targets(loss: Any, output: Tensor, y: Tensor) -> list[Finding]:
    """Tell of targets that the loss or the number of outputs has no room for.

    Args:
        loss: the recipe's.
        output: of one batch, [B, K], or [B] or [B, 1] for a single logit.
        y: every target of a split, [N] class indices or numbers.
    """
    if not len(y):
        return []
    low, high = y.min().item(), y.max().item()
    if loss_name(loss) in (_LOGIT_LOSS, _PROBABILITY_LOSS) and (low < 0 or high > 1):
        count = int(((y < 0) | (y > 1)).sum())
        message = (
            f"{loss_name(loss)} takes targets from 0 to 1, but {count:,} of {len(y):,} lie "
            f"outside: they run from {low:g} to {high:g}"
        )
        fix = "use torch.nn.CrossEntropyLoss for classes, torch.nn.MSELoss for numbers"
        return [Finding("error", "loss", message, fix)]
    if y.is_floating_point() or output.ndim < 2 or output.shape[1] < 2:
        return []
    width = output.shape[1]
    if low < 0 or high >= width:
        count = int(((y < 0) | (y >= width)).sum())
        message = (
            f"class indices must run from 0 to {width - 1}, the model giving {width} outputs, but "
            f"they run from {low} to {high} ({count:,} of {len(y):,} are out of range)"
        )
        fix = f"give the model {high + 1} outputs, or number the classes from 0"
        return [Finding("error", "model", message, fix)]
    return []


def check_first_loss(
    loss: Any, output: Tensor, target: Tensor
) -> tuple[list[Finding], dict[str, float | None]]:
    """Hold an untrained model's loss against that of a uniform guess, -log(1/K).

    Args:
        loss: the recipe's.
        output: of one batch, [B, K], or [B] or [B, 1] for a single logit.
        target: as the loss takes them.

    Returns:
        Findings, and the facts first_loss and expected_first_loss (None for other losses).
    """
    with torch.no_grad():
        value = float(loss(output, target))
    expected = expected_first_loss(loss, output)
    facts = {"first_loss": value if math.isfinite(value) else None, "expected_first_loss": expected}
    fix = "normalise the inputs (data.transform), or lower the scale of the first weights"
    if not math.isfinite(value):
        message = f"the first loss must be a finite number, got {value}"
        return [Finding("error", "loss", message, fix)], facts
    if expected is not None and value > 2 * expected:
        guess = f"an untrained model should guess, with a loss of about {expected:.3f}"
        return [Finding("warning", "loss", f"{guess}, but it begins at {value:.3f}", fix)], facts
    return [], facts


def expected_first_loss(loss: Any, output: Tensor) -> float | None:
    """Return -log(1/K) for K outputs a sample, log(2) for one; None for losses unknown here.

    A loss that is a sum has that much for each sample.
    """
    name = loss_name(loss)
    if name == _CROSS_ENTROPY and output.ndim > 1:
        expected, count = math.log(output.shape[1]), output.numel() // output.shape[1]
    elif name in (_LOGIT_LOSS, _PROBABILITY_LOSS):
        expected, count = math.log(2), output.numel()
    else:
        return None
    keywords = loss.keywords if isinstance(loss, functools.partial) else {}
    summed = "sum" in (getattr(loss, "reduction", ""), keywords.get("reduction"))
    return expected * count if summed else expected


def last_function(output: Tensor) -> str:
    """Return what made an output with a graph: "softmax", "sigmoid", "ReLU"...; "" for others."""
    node: Any = output.grad_fn
    while node is not None and node.name().removeprefix("Unsafe").startswith(_PASSING):
        node = node.next_functions[0][0]
    name = "" if node is None else node.name().lstrip("_").partition("Backward")[0]
    return _ENDS.get(name, "")


def _forward(model: nn.Module, x: Any, precision: str) -> Tensor:
    device = x.device if isinstance(x, Tensor) else next(model.parameters()).device
    with torch.enable_grad(), autocast(device, precision):
        output: Tensor = model(x)
    return output


def _sums_to_1(output: Tensor) -> bool:
    if output.ndim < 2 or output.shape[1] < 2:
        return False
    sums = output.detach().double().sum(1)
    close = torch.allclose(sums, torch.ones_like(sums), rtol=0, atol=_SUMS_TO_1)
    return close and bool((output >= 0).all())


def _random_like(x: Any) -> Any:
    """Noise in place of numbers; tokens stay, since not every number is one."""
    if isinstance(x, Tensor) and x.is_floating_point():
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
        return noise.to(x.device, x.dtype)
    return x


def _logits(name: str, ending: str, severity: Any) -> Finding:
    rule = f"{name} takes logits, but the model ends in a {ending}"
    harm = "which squeezes them and slows learning or stops it"
    return Finding(severity, "loss", f"{rule}, {harm}", f"remove the {ending}: {name} takes logits")


def _check_range(ending: str, y: Tensor) -> list[Finding]:
    low, high = _RANGES.get(ending, (-math.inf, math.inf))
    outside = int(((y < low) | (y > high)).sum())
    if not outside:
        return []
    got = f"{outside:,} of {len(y):,} targets lie outside: they run from {y.min():g} to {y.max():g}"
    message = f"the model ends in a {ending}, which gives {_span(low, high)}, but {got}"
    return [Finding("warning", "model", message, f"remove the {ending}, or scale the targets")]


def _span(low: float, high: float) -> str:
    return f"{low:g} or more" if high == math.inf else f"{low:g} to {high:g}"
