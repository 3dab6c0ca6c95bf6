"""Does a model or a loss draw random numbers in evaluation mode?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from papertrial.checks.compare_outputs import largest_difference, rounding_tolerance
from papertrial.data.streams import drawing_from, generator_states
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.diagnose.lent_model import model_kept
from papertrial.diagnose.trace import Trace, label_of, run, run_traced
from papertrial.tasks.loss_requirements import Loss

_ONE_DRAW = "every evaluation repeats the same draws, so its metrics describe a single draw"
_AVERAGE = "draw only if self.training is true, or return the mean of several draws"


def check_stochastic(model: nn.Module, x: Any) -> list[Diagnosis]:
    """Run a batch in evaluation mode with two random streams, and warn if the outputs differ.

    The batch is first run twice with the same stream. A difference then is rounding, or comes from
    a source other than the generators of torch, numpy and Python that an evaluation seeds. A model
    is reported as stochastic only if it draws from one of these generators.

    The model and the generators are left as they were.

    Args:
        model: called as model(x).
        x: one batch [B, ...], or tuples, lists and dicts of tensors.
    """
    device = _device_of_draws(model, x)
    with model_kept(model, device):
        model.eval()
        with drawing_from(device, 0):
            before = generator_states(device)
            output = run(model, _copy_of_batch(x))[1]
            draws = generator_states(device) != before
        again, other = (run_with_stream(stream, model, _copy_of_batch(x))[1] for stream in (0, 1))
        if not isinstance(output, Tensor) or not output.is_floating_point():
            return []
        scale = float(output.abs().amax()) if output.numel() else 0.0
        noise, moved = largest_difference(output, again), largest_difference(output, other)
        if noise > rounding_tolerance(output) * scale:
            moves = f"outputs change by {noise:.3g} (they are up to {scale:.3g})"
            return [_unrepeatable("model", moves)]
        # Rounding differs between runs if sums are computed in another order; a draw is much more.
        if not draws or moved <= 10 * noise:
            return []
        with drawing_from(device, 0):
            trace = _Draws(model, device)
            run_traced(trace, model, _copy_of_batch(x))
        return [trace.diagnosis(moved, scale)]


def check_stochastic_loss(loss: Loss, output: Tensor, target: Tensor) -> list[Diagnosis]:
    """Compute a loss with two random streams, and warn if its value differs.

    Args:
        loss: called as loss(output, target).
        output: outputs for one batch, [B, ...].
        target: targets in the form that the loss takes.
    """
    values = []
    for stream in (0, 0, 1):
        with torch.no_grad(), drawing_from(output.device, stream):
            values.append(float(loss(output.clone(), target.clone())))
    first, again, other = values
    if abs(first - again) > rounding_tolerance(output) * abs(first):
        return [
            _unrepeatable(
                "loss", f"the loss is {first:.6g} the first time and {again:.6g} the second time"
            )
        ]
    if first != again or first == other:
        return []
    message = (
        f"the loss is stochastic in evaluation: for the same outputs it is {first:.6g} with one "
        f"draw and {other:.6g} with another; {_ONE_DRAW}"
    )
    fix = "draw in the model instead, only if self.training is true"
    return [Diagnosis("warning", "loss", message, fix)]


def run_with_stream(
    stream: int, model: nn.Module, x: Any, *, keep_ends: bool = False
) -> tuple[Trace, Any]:
    """Run a model as `trace.run` does, with random numbers from the given stream."""
    with drawing_from(_device_of_draws(model, x), stream):
        return run(model, x, keep_ends=keep_ends)


def _copy_of_batch(x: Any) -> Any:
    """Return a copy of a batch for a run with a random stream, because a model may change it."""
    return tree_map(lambda leaf: leaf.clone() if isinstance(leaf, Tensor) else leaf, x)


def _device_of_draws(model: nn.Module, x: Any) -> torch.device:
    """Return the device whose random generator a model draws from.

    It is that of the first parameter, or else of the input.
    """
    tensors = (t for t in (*model.parameters(), *tree_leaves(x)) if isinstance(t, Tensor))
    return next((tensor.device for tensor in tensors), torch.device("cpu"))


class _Draws(Trace):
    """A trace that finds the first call that draws random numbers.

    Args:
        model: the model that will run.
        device: the device that it draws on.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        super().__init__()
        self._device = device
        self._model = label_of("", model)
        self._states = generator_states(device)
        self._in_training_mode = False  # whether the module that draws is, despite model.eval()
        self._first: tuple[str, str, str] | None = None  # library, function, module

    def called(
        self, name: str, args: Sequence[object], kwargs: Mapping[str, object], output: object
    ) -> None:
        """Compare the random generators after a call of a function."""
        self._compare(name)
        super().called(name, args, kwargs, output)

    def entered(self, name: str, module: nn.Module, inputs: tuple[object, ...]) -> None:
        """Compare the random generators before a call of a module: its caller may have drawn."""
        self._compare("")
        super().entered(name, module, inputs)

    def left(self, output: object) -> None:
        """Compare the random generators after a call of a module."""
        self._compare("")
        super().left(output)

    def diagnosis(self, moved: float, scale: float) -> Diagnosis:
        """Return the warning for a stochastic model: outputs, up to `scale`, change by `moved`."""
        library, function, module = self._first or ("torch", "", self._model)
        what = f"{function} in {module}" if function else module
        message = (
            f"the model is stochastic in evaluation: {what} draws from {library}'s generator, and "
            f"outputs change by {moved:.3g} (they are up to {scale:.3g}); {_ONE_DRAW}"
        )
        return Diagnosis("warning", "model", message, self._fix(function, module))

    def _fix(self, function: str, module: str) -> str:
        """Return how to keep a function from drawing random numbers in evaluation mode."""
        if self._in_training_mode:
            return f"{module} is in training mode in evaluation: model.eval() must reach it"
        if "dropout" in function:
            return f"pass training=self.training to F.{function}, or evaluation uses it too"
        if "attention" in function:
            return f"pass dropout_p=0.0 to {function} unless self.training is true"
        return _AVERAGE

    def _compare(self, function: str) -> None:
        """Remember the function and module that changed a random generator for the first time."""
        if self._first is not None:
            return
        states = generator_states(self._device)
        library = next(
            (name for name, state in states.items() if state != self._states[name]), None
        )
        if library is None:
            return
        name, module, _ = self.running[-1] if self.running else ("", None, ())
        label = self._model if module is None else label_of(name, module)
        self._in_training_mode = module is not None and module.training
        self._first = (library, function if library == "torch" else "", label)


def _unrepeatable(where: str, difference: str) -> Diagnosis:
    """Return the warning for results that differ although the random streams are the same."""
    rule = "in evaluation, the same batch with the same seed must give the same result"
    fix = (
        "draw from the global generators of torch, numpy or random, which an evaluation seeds, "
        f"not from a generator inside the {where}, and keep no state from one batch to the next"
    )
    return Diagnosis("warning", where, f"{rule}, but {difference}", fix)
