"""Estimate the time and memory of a whole run from a few real training steps."""

from __future__ import annotations

import copy
import math
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from papertrial.diagnose.lent_model import model_kept
from papertrial.runs.prepare import Parts
from papertrial.training.joint import JointOptimizer
from papertrial.training.objective import BatchResult
from papertrial.training.optim import Stepper

_MOST = 64  # steps that are timed: enough to average over batches of different lengths


@dataclass(frozen=True)
class Cost:
    """What a whole run takes.

    Attributes:
        seconds: time of the run.
        seconds_per_step: mean time of an optimizer step.
        bytes: peak memory. On CUDA it is measured. On the CPU it is the sum of parameters,
            buffers, gradients, optimizer state, the data, and the tensors that the backward pass
            needs for one batch.
        parameters: number of parameters.
        trainable_parameters: number of parameters that get a gradient.
    """

    seconds: float
    seconds_per_step: float
    bytes: int
    parameters: int
    trainable_parameters: int


def run_cost(seed: int, parts: Parts) -> Cost:
    """Estimate time and memory of the whole run with this seed from some of its steps."""
    batches, evaluator = parts.samples.batches, parts.evaluator
    stepper, parameters = (
        Stepper(parts.train.optimizer, parts.train.scaling),
        parts.train.parameters,
    )

    def step(number: int) -> None:
        batch = batches.batch(seed, 0, number % batches.steps)

        def gradients() -> BatchResult:
            for parameter in parameters:
                parameter.grad = None
            return parts.objective.backward(batch)

        stepper.step(gradients)

    splits, size = parts.samples.dataset.splits, evaluator.prepared.batch_size
    rows = torch.arange(min(size, len(splits["train"])))
    return estimate(
        step,
        model=parts.train.model,
        optimizer=parts.train.optimizer,
        steps=parts.steps,
        steps_per_epoch=batches.steps,
        evaluate=lambda: evaluator.outputs(splits["train"].rows(rows), "train"),
        evaluations=_evaluation_batches(parts),
        data_bytes=parts.samples.dataset.nbytes,
    )


def _evaluation_batches(parts: Parts) -> int:
    """Return how many evaluation batches the cost of the whole run includes.

    Some are evaluated during the training, the others at its end.
    """
    splits = parts.samples.dataset.splits
    batches = {
        name: math.ceil(len(split) / parts.evaluator.prepared.batch_size)
        for name, split in splits.items()
    }
    total = sum(batches.values()) + batches["train"] * _passes_of_average(parts)
    evaluations = parts.evaluations
    for name, every in (("validation", evaluations.validation), ("test", evaluations.test)):
        total += batches[name] * (parts.steps // every) if every else 0
    return total


def _passes_of_average(parts: Parts) -> int:
    """Return how often `average` computes the statistics of batch norm again, a pass over train.

    It does so before each evaluation from its first update on, and at the end.
    """
    average, steps = parts.train.average, parts.steps
    if average is None or not average.takes_passes:
        return 0
    due = [every for every in (parts.evaluations.validation, parts.evaluations.test) if every]
    at = {step for every in due for step in range(every, steps, every)}
    return 1 + sum(average.rule.updates(step) > 0 for step in at)


def estimate(
    step: Callable[[int], object],
    *,
    model: nn.Module,
    optimizer: Optimizer | JointOptimizer,
    steps: int,
    steps_per_epoch: int,
    evaluate: Callable[[], object] | None = None,
    evaluations: float = 0.0,
    data_bytes: int = 0,
    budget: float = 1.5,
) -> Cost:
    """Estimate the cost of a training from some real steps, which are undone afterwards.

    After a first step, which is not counted, steps spread over the epoch are timed until the budget
    is spent. Their mean is used, not their median, because batches can differ in length and the run
    takes all of them.

    Args:
        step: takes the training step with the given number in the first epoch (batch, forward,
            backward, optimizer), but not the scheduler's step, which would not be undone.
        model: the model that is trained.
        optimizer: its optimizer.
        steps: optimizer steps of the whole run.
        steps_per_epoch: batches per epoch.
        evaluate: evaluates one batch.
        evaluations: number of batches that the whole run evaluates.
        data_bytes: size of the data that stay in memory.
        budget: seconds for the timed steps; the first step and the evaluation are extra.
    """
    parameters = list(model.parameters())
    device = parameters[0].device if parameters else torch.device("cpu")
    weights = [p.detach().clone() for p in parameters]
    state = copy.deepcopy(optimizer.state_dict())
    saved = _SavedBytes({p.untyped_storage().data_ptr() for p in parameters})
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    try:
        with model_kept(model, device):
            model.train()
            with torch.autograd.graph.saved_tensors_hooks(saved.pack, saved.unpack):
                first = _timed(device, lambda: step(0))
            seconds = _mean_step(device, step, first, min(steps, steps_per_epoch), budget)
            held = _memory_bytes(model, optimizer) + saved.peak + data_bytes
            if device.type == "cuda":
                held = torch.cuda.max_memory_allocated(device)
            each = 0.0
            if evaluate is not None and evaluations:
                model.eval()
                each = _timed(device, evaluate)
    finally:
        with torch.no_grad():
            for parameter, weight in zip(parameters, weights, strict=True):
                parameter.copy_(weight)
        optimizer.load_state_dict(state)
    return Cost(
        seconds=seconds * steps + each * evaluations,
        seconds_per_step=seconds,
        bytes=held,
        parameters=sum(p.numel() for p in parameters),
        trainable_parameters=sum(p.numel() for p in parameters if p.requires_grad),
    )


class _SavedBytes:
    """Counts the bytes that autograd saves for the backward pass, now and at the peak."""

    def __init__(self, known: set[int]) -> None:
        self.peak = 0
        self._known = known  # storages that are counted elsewhere
        self._holders: dict[int, int] = {}
        self._now = 0

    def pack(self, tensor: Tensor) -> _Holder:
        """Count the bytes of a saved tensor until it is freed; tensors may share a storage."""
        storage = tensor.untyped_storage()
        place, size = storage.data_ptr(), storage.nbytes()
        holder = _Holder(tensor)
        if place not in self._known:
            if self._holders.setdefault(place, 0) == 0:
                self._now += size
                self.peak = max(self.peak, self._now)
            self._holders[place] += 1
            weakref.finalize(holder, self._free, place, size).atexit = False
        return holder

    def unpack(self, holder: _Holder) -> Tensor:
        """Return the saved tensor to the graph."""
        return holder.tensor

    def _free(self, place: int, size: int) -> None:
        self._holders[place] -= 1
        self._now -= size if self._holders[place] == 0 else 0


class _Holder:
    """Holds a saved tensor, and can have a finalizer, which tells when the graph frees it."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def _mean_step(
    device: torch.device, step: Callable[[int], object], first: float, count: int, budget: float
) -> float:
    """Return the mean time of some of `count` training steps, in seconds."""
    if first > budget:  # for a step that slow, the overhead of the first one hardly matters
        return first
    timed: list[float] = []
    while sum(timed) < budget and len(timed) < _MOST:
        # Multiples of the golden ratio are spread evenly for any number of steps.
        place = int(len(timed) * 0.618034 % 1 * count)
        timed.append(_timed(device, lambda place=place: step(place)))  # type: ignore[misc]
    return sum(timed) / len(timed)


def _timed(device: torch.device, run: Callable[[], object]) -> float:
    """Return the time in seconds of a step or an evaluation, including its work on the GPU."""
    start = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def _memory_bytes(model: nn.Module, optimizer: Optimizer | JointOptimizer) -> int:
    """Return the memory that parameters, gradients, buffers and optimizer state take, in bytes."""
    parameters = sum(p.nbytes + (p.nbytes if p.requires_grad else 0) for p in model.parameters())
    buffers = sum(b.nbytes for b in model.buffers())
    state = sum(
        value.nbytes
        for own in optimizer.state.values()
        for value in own.values()
        if isinstance(value, Tensor)
    )
    return parameters + buffers + state
