"""Does a model or a loss draw random numbers in evaluation?"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from papertrial.data.streams import drawing_from, generators
from papertrial.diagnose.finding import Finding
from papertrial.diagnose.lent_model import model_kept
from papertrial.diagnose.trace import Trace, label_of, run, run_traced
from papertrial.tasks.losses import Loss

_ROUNDING = {torch.float64: 1e-6, torch.float32: 1e-3, torch.float16: 0.02, torch.bfloat16: 0.1}
_ONE_DRAW = "evaluations repeat the same draws, so the metrics are those of one draw"
_AVERAGE = "draw only if self.training is true, or return the mean over several draws"


def check_stochastic(model: nn.Module, x: Any) -> list[Finding]:
    """Run one batch in evaluation mode under two random streams, and warn where the output differs.

    The batch is first run twice under one stream: what differs then is rounding, or comes from
    elsewhere than the generators of torch, numpy and Python that an evaluation seeds. A model is
    told to be stochastic only where it takes numbers from one of these.

    The model and the generators are left as they were.

    Args:
        model: called on x.
        x: one batch [B, ...], or tuples, lists and dicts of tensors.
    """
    device = _device(model, x)
    with model_kept(model, device):
        model.eval()
        with drawing_from(device, 0):
            before = _states(device)
            output = run(model, _copy(x))[1]
            draws = _states(device) != before
        again, other = (run_with(stream, model, _copy(x))[1] for stream in (0, 1))
        if not isinstance(output, Tensor) or not output.is_floating_point():
            return []
        scale = float(output.abs().amax()) if output.numel() else 0.0
        noise, moved = apart(output, again), apart(output, other)
        if noise > rounding(output) * scale:
            moves = f"outputs move by {noise:.3g} where they reach {scale:.3g}"
            return [_unrepeatable("model", moves)]
        # Sums in another order at each run give other roundings: ten times theirs is a draw.
        if not draws or moved <= 10 * noise:
            return []
        with drawing_from(device, 0):
            trace = _Draws(model, device)
            run_traced(trace, model, _copy(x))
        return [trace.finding(moved, scale)]


def check_stochastic_loss(loss: Loss, output: Tensor, target: Tensor) -> list[Finding]:
    """Compute a loss under two random streams, and warn where its value differs.

    Args:
        loss: the recipe's.
        output: of one batch, [B, ...].
        target: as the loss takes them.
    """
    values = []
    for stream in (0, 0, 1):
        with torch.no_grad(), drawing_from(output.device, stream):
            values.append(float(loss(output.clone(), target.clone())))
    first, again, other = values
    if abs(first - again) > rounding(output) * abs(first):
        return [_unrepeatable("loss", f"a loss is {first:.6g} once and {again:.6g} the next time")]
    if first != again or first == other:
        return []
    message = (
        f"the loss is stochastic in evaluation: the same outputs have a loss of {first:.6g} with "
        f"one draw and {other:.6g} with another; {_ONE_DRAW}"
    )
    fix = "draw in the model, only if self.training is true: a loss is also computed in evaluation"
    return [Finding("warning", "loss", message, fix)]


def run_with(
    stream: int, model: nn.Module, x: Any, *, keep_ends: bool = False
) -> tuple[Trace, Any]:
    """Do what `trace.run` does, drawing from the stream given."""
    with drawing_from(_device(model, x), stream):
        return run(model, x, keep_ends=keep_ends)


def rounding(values: Tensor) -> float:
    """Return how far values of this type may lie apart by rounding, as a share of the largest."""
    return _ROUNDING.get(values.dtype, 0.0)


def apart(one: Tensor, other: Any) -> float:
    """Return the largest absolute difference; infinity where the two cannot be compared."""
    if not isinstance(other, Tensor) or one.shape != other.shape:
        return math.inf
    return float((one.double() - other.double()).abs().amax()) if one.numel() else 0.0


def _copy(x: Any) -> Any:
    """Return the input in memory of its own: a model may change it."""
    return tree_map(lambda leaf: leaf.clone() if isinstance(leaf, Tensor) else leaf, x)


def _device(model: nn.Module, x: Any) -> torch.device:
    """Return where a model draws: where its first parameter lies, else its input."""
    tensors = (t for t in (*model.parameters(), *tree_leaves(x)) if isinstance(t, Tensor))
    return next((tensor.device for tensor in tensors), torch.device("cpu"))


def _states(device: torch.device) -> dict[str, Any]:
    """Return the state of every generator that an evaluation seeds, by whose it is."""
    with torch._C.DisableTorchFunction():  # not calls of the model's
        torchs = [generator.get_state().numpy().tobytes() for generator in generators(device)]
    numpys: Any = np.random.get_state()
    return {
        "torch": torchs,
        "numpy": (numpys[1].tobytes(), *numpys[2:]),
        "Python": random.getstate(),
    }


class _Draws(Trace):
    """A trace that finds the first call that draws random numbers.

    Args:
        model: the one that will run.
        device: where it draws.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        super().__init__()
        self._device = device
        self._model = label_of("", model)
        self._states = _states(device)
        self._in_training_mode = False  # the module that draws, which model.eval() did not reach
        self._first: tuple[str, str, str] | None = None  # whose generator, function, module

    def called(self, name: str, args: Sequence[Any], kwargs: dict[str, Any], output: Any) -> None:
        """Look at the generators after a function's call."""
        self._look(name)
        super().called(name, args, kwargs, output)

    def entered(self, name: str, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Look at the generators before a module's call: what calls it may have drawn."""
        self._look("")
        super().entered(name, module, inputs)

    def left(self, output: Any) -> None:
        """Look at the generators after a module's call."""
        self._look("")
        super().left(output)

    def finding(self, moved: float, scale: float) -> Finding:
        """Return what to say of a model whose outputs, up to `scale`, move by `moved`."""
        whose, function, module = self._first or ("torch", "", self._model)
        what = f"{function} in {module}" if function else module
        message = (
            f"the model is stochastic in evaluation: {what} draws from {whose}'s generator, and "
            f"outputs move by {moved:.3g} where they reach {scale:.3g}; {_ONE_DRAW}"
        )
        return Finding("warning", "model", message, self._fix(function, module))

    def _fix(self, function: str, module: str) -> str:
        if self._in_training_mode:
            return f"{module} is in training mode in evaluation: let model.eval() reach it"
        if "dropout" in function:
            return f"F.{function} without training=self.training drops at evaluation too: pass it"
        if "attention" in function:
            return f"give {function} dropout_p=0.0 unless self.training is true"
        return _AVERAGE

    def _look(self, function: str) -> None:
        if self._first is not None:
            return
        states = _states(self._device)
        whose = next((name for name, state in states.items() if state != self._states[name]), None)
        if whose is None:
            return
        name, module, _ = self.running[-1] if self.running else ("", None, ())
        label = self._model if module is None else label_of(name, module)
        self._in_training_mode = module is not None and module.training
        self._first = (whose, function if whose == "torch" else "", label)


def _unrepeatable(where: str, but: str) -> Finding:
    rule = "in evaluation the same batch must give the same result twice, with the same draws"
    fix = (
        "draw from the global generators of torch, numpy or random, which an evaluation seeds, "
        f"not from a generator of the {where}'s, and keep nothing from one batch for the next"
    )
    return Finding("warning", where, f"{rule}, but {but}", fix)
