"""Does the loss suit the outputs and the targets, and does it start near that of a guess?"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.diagnose.diagnosis import Diagnosis, Severity
from papertrial.diagnose.lent_model import model_kept
from papertrial.evaluate.precision import autocast
from papertrial.model_call import output_of

_CROSS_ENTROPY = "CrossEntropyLoss"
_LOGIT_LOSS = "BCEWithLogitsLoss"
_PROBABILITY_LOSS = "BCELoss"
_SUMS_TO_1 = 1e-4  # largest distance from 1 of a sum of probabilities
# Operations that only change the shape or the type, by the name of their backward function.
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


@dataclass(frozen=True)
class FirstLoss:
    """The loss of an untrained model on one batch.

    Attributes:
        value: the loss; None if it is not finite.
        expected: the loss of a uniform guess; None for losses for which it is not known.
    """

    value: float | None
    expected: float | None


def loss_name(loss: Any) -> str:
    """Return the name of a loss whose fit to outputs and targets is checked; "" for other losses.

    It is "CrossEntropyLoss" for that class or its function, and so on.
    """
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
) -> list[Diagnosis]:
    """Report a last function of a model that does not suit the loss or the range of the targets.

    A softmax or a sigmoid must not come before a loss that takes logits, and the outputs must be
    able to reach the targets. The last function is taken from the graph of a forward pass. A
    softmax is also recognised by outputs that sum to 1, on the batch and on random inputs. The
    model is left as it was.

    Args:
        model: called as model(x).
        loss: called as loss(output, target).
        x: one batch [B, ...].
        y: targets [N] or [N, T], if possible of the whole training split.
        precision: "bf16" if the model runs under autocast.
    """
    name = loss_name(loss)
    with model_kept(model):
        model.eval()
        output = _output_with_graph(model, x, precision)
        ending = last_function(output)
        probabilities = ending == "softmax" or all(
            _sums_to_1(_output_with_graph(model, one, precision)) for one in (x, _random_like(x))
        )
    inside = bool(((output >= 0) & (output <= 1)).all())
    if name in (_CROSS_ENTROPY, _LOGIT_LOSS) and probabilities:
        return [_needs_logits(name, "softmax", "error")]
    if name == _LOGIT_LOSS and ending == "sigmoid":
        return [_needs_logits(name, "sigmoid", "error")]
    if name == _CROSS_ENTROPY and ending == "sigmoid":
        return [_needs_logits(name, "sigmoid", "warning")]
    if name == _PROBABILITY_LOSS and not inside:
        got = f"outputs from {output.min().item():.3g} to {output.max().item():.3g}"
        message = f"BCELoss takes probabilities from 0 to 1, but the model gives {got}"
        fix = "use torch.nn.BCEWithLogitsLoss, which takes logits"
        return [Diagnosis("error", "loss", message, fix)]
    if not name and y.is_floating_point():
        return _check_range(ending, y)
    return []


def check_targets(loss: Any, output: Tensor, y: Tensor) -> list[Diagnosis]:
    """Report targets that are out of range for the loss or for the number of outputs.

    Args:
        loss: the loss of the recipe.
        output: outputs for one batch, [B, K], or [B] or [B, 1] for a single logit.
        y: all targets of a split, class indices or numbers, [N].
    """
    if not len(y):
        return []
    low, high = y.min().item(), y.max().item()
    if loss_name(loss) in (_LOGIT_LOSS, _PROBABILITY_LOSS) and (low < 0 or high > 1):
        count = int(((y < 0) | (y > 1)).sum())
        message = (
            f"{loss_name(loss)} takes targets from 0 to 1, but {count:,} of {len(y):,} targets "
            f"are out of range: they go from {low:g} to {high:g}"
        )
        fix = "use torch.nn.CrossEntropyLoss for classes, or torch.nn.MSELoss for numbers"
        return [Diagnosis("error", "loss", message, fix)]
    if y.is_floating_point() or output.ndim < 2 or output.shape[1] < 2:
        return []
    width = output.shape[1]
    if low < 0 or high >= width:
        count = int(((y < 0) | (y >= width)).sum())
        message = (
            f"a model with {width} outputs needs class indices from 0 to {width - 1}, but they go "
            f"from {low} to {high} ({count:,} of {len(y):,} are out of range)"
        )
        fix = f"give the model {high + 1} outputs, or number the classes from 0"
        return [Diagnosis("error", "model", message, fix)]
    return []


def check_first_loss(
    loss: Any, output: Tensor, target: Tensor
) -> tuple[list[Diagnosis], FirstLoss]:
    """Compare the loss of an untrained model with that of a uniform guess, -log(1/K).

    Args:
        loss: the loss of the recipe.
        output: outputs for one batch, [B, K], or [B] or [B, 1] for a single logit.
        target: targets in the form that the loss takes.

    Returns:
        An error if the loss is not finite, a warning if it is more than twice that of a guess; and
        the two losses.
    """
    with torch.no_grad():
        value = float(loss(output, target))
    expected = expected_first_loss(loss, output)
    first = FirstLoss(value if math.isfinite(value) else None, expected)
    fix = "normalise the inputs (data.transform), or reduce the scale of the initial weights"
    if not math.isfinite(value):
        message = f"the first loss must be a finite number, got {value}"
        return [Diagnosis("error", "loss", message, fix)], first
    if expected is not None and value > 2 * expected:
        message = (
            f"the loss of an untrained model should be about that of a guess, {expected:.3f}, but "
            f"the first loss is {value:.3f}"
        )
        return [Diagnosis("warning", "loss", message, fix)], first
    return [], first


def expected_first_loss(loss: Any, output: Tensor) -> float | None:
    """Return the loss of a uniform guess, which the first loss should be near, or None.

    It is -log(1/K) for K outputs, log(2) for a single logit, and None for other losses and with
    weights of positives. A loss that is a sum over samples has that value times their number.
    """
    name = loss_name(loss)
    keywords = loss.keywords if isinstance(loss, functools.partial) else {}
    if any(
        one is not None for one in (getattr(loss, "pos_weight", None), keywords.get("pos_weight"))
    ):
        return None
    if name == _CROSS_ENTROPY and output.ndim > 1:
        expected, count = math.log(output.shape[1]), output.numel() // output.shape[1]
    elif name in (_LOGIT_LOSS, _PROBABILITY_LOSS):
        expected, count = math.log(2), output.numel()
    else:
        return None
    summed = "sum" in (getattr(loss, "reduction", ""), keywords.get("reduction"))
    return expected * count if summed else expected


def last_function(output: Tensor) -> str:
    """Return the last activation function before a loss, such as "softmax"; "" if none is known.

    It is read from the graph of the output.
    """
    node: Any = output.grad_fn
    while node is not None and node.name().removeprefix("Unsafe").startswith(_PASSING):
        node = node.next_functions[0][0]
    name = "" if node is None else node.name().lstrip("_").partition("Backward")[0]
    return _ENDS.get(name, "")


def _output_with_graph(model: nn.Module, x: Any, precision: str) -> Tensor:
    """Return a model's output with its graph, which shows the function before the loss."""
    device = x.device if isinstance(x, Tensor) else next(model.parameters()).device
    with torch.enable_grad(), autocast(device, precision):
        return output_of(model, x)


def _sums_to_1(output: Tensor) -> bool:
    """Return whether the outputs of each sample are like probabilities of two or more classes."""
    if output.ndim < 2 or output.shape[1] < 2:
        return False
    sums = output.detach().double().sum(1)
    close = torch.allclose(sums, torch.ones_like(sums), rtol=0, atol=_SUMS_TO_1)
    return close and bool((output >= 0).all())


def _random_like(x: Any) -> Any:
    """Return random inputs like x, to see whether a model gives probabilities instead of logits.

    Token numbers stay, because only some integers are valid.
    """
    if isinstance(x, Tensor) and x.is_floating_point():
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
        return noise.to(x.device, x.dtype)
    return x


def _needs_logits(name: str, ending: str, severity: Severity) -> Diagnosis:
    """Return the diagnosis for a model whose last function spoils a loss that takes logits."""
    message = (
        f"{name} takes logits, but the model ends in a {ending}, which limits their range and "
        "slows or stops learning"
    )
    return Diagnosis(severity, "loss", message, f"remove the {ending}: {name} takes logits")


def _check_range(ending: str, y: Tensor) -> list[Diagnosis]:
    """Report targets outside the range of the model's last function."""
    low, high = _RANGES.get(ending, (-math.inf, math.inf))
    outside = int(((y < low) | (y > high)).sum())
    if not outside:
        return []
    message = (
        f"the model ends in a {ending}, which gives {_range_text(low, high)}, but {outside:,} of "
        f"{len(y):,} targets are out of range: they go from {y.min():g} to {y.max():g}"
    )
    return [Diagnosis("warning", "model", message, f"remove the {ending}, or scale the targets")]


def _range_text(low: float, high: float) -> str:
    """Return the range of a model's last function in words, for a message on its targets."""
    return f"{low:g} or more" if high == math.inf else f"{low:g} to {high:g}"
