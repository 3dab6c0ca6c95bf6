"""What a whole run will cost: its time, from a few real steps, and its memory."""

from __future__ import annotations

import copy
import time
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from papertrial.diagnose.lent_model import model_kept

_MOST = 64  # steps timed: enough for batches of differing lengths


def estimate(
    step: Callable[[int], object],
    *,
    model: nn.Module,
    optimizer: Optimizer,
    steps: int,
    steps_per_epoch: int,
    evaluate: Callable[[], object] | None = None,
    evaluations: float = 0.0,
    data_bytes: int = 0,
    budget: float = 1.5,
) -> dict[str, float | int]:
    """Return what the training will take, judged by some real steps; then undo them.

    Steps are timed after one that is not, spread over the epoch, until the budget is spent. Their
    mean counts, not their median: batches may differ in length, and the run takes all of them.

    Args:
        step: does the training step of that number of the first epoch: batch, forward, backward,
            optimizer. No schedule, whose state would not be put back.
        model: what is trained.
        optimizer: what trains it.
        steps: optimizer steps of the whole run.
        steps_per_epoch: batches of an epoch.
        evaluate: evaluates one batch.
        evaluations: how many such batches the whole run evaluates.
        data_bytes: of the data that stay in memory.
        budget: seconds that the steps may take, the first one and an evaluation apart.

    Returns:
        seconds of the run; seconds_per_step; bytes at its peak, estimated on the CPU as parameters,
        buffers, gradients, optimizer state, what the backward pass needs of one batch, and the
        data, measured on CUDA; parameters and trainable_parameters, counts.
    """
    parameters = list(model.parameters())
    device = parameters[0].device if parameters else torch.device("cpu")
    weights = [p.detach().clone() for p in parameters]
    state = copy.deepcopy(optimizer.state_dict())
    saved = _Saved({p.untyped_storage().data_ptr() for p in parameters})
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    try:
        with model_kept(model, device):
            model.train()
            with torch.autograd.graph.saved_tensors_hooks(saved.pack, saved.unpack):
                first = _timed(device, lambda: step(0))
            seconds = _mean_step(device, step, first, min(steps, steps_per_epoch), budget)
            held = _bytes(model, optimizer) + saved.peak + data_bytes
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
    return {
        "seconds": seconds * steps + each * evaluations,
        "seconds_per_step": seconds,
        "bytes": held,
        "parameters": sum(p.numel() for p in parameters),
        "trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
    }


class _Saved:
    """Counts the bytes that the graph keeps for the backward pass, and the most at one time."""

    def __init__(self, known: set[int]) -> None:
        self.peak = 0
        self._known = known  # storages that are counted elsewhere
        self._holders: dict[int, int] = {}
        self._now = 0

    def pack(self, tensor: Tensor) -> Any:
        """Take note of a saved tensor until the graph lets go of it; many may share a storage."""
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

    def unpack(self, holder: Any) -> Tensor:
        """Give the tensor back to the graph."""
        tensor: Tensor = holder.tensor
        return tensor

    def _free(self, place: int, size: int) -> None:
        self._holders[place] -= 1
        self._now -= size if self._holders[place] == 0 else 0


class _Holder:
    """A saved tensor that can be watched."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def _mean_step(
    device: torch.device, step: Callable[[int], object], first: float, count: int, budget: float
) -> float:
    if first > budget:  # one that heavy costs little more when it is the first
        return first
    timed: list[float] = []
    while sum(timed) < budget and len(timed) < _MOST:
        place = int(len(timed) * 0.618034 % 1 * count)  # evenly spread, whenever it stops
        timed.append(_timed(device, lambda place=place: step(place)))  # type: ignore[misc]
    return sum(timed) / len(timed)


def _timed(device: torch.device, run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def _bytes(model: nn.Module, optimizer: Optimizer) -> int:
    """Parameters, their gradients, buffers and the optimizer's state."""
    parameters = sum(p.nbytes + (p.nbytes if p.requires_grad else 0) for p in model.parameters())
    buffers = sum(b.nbytes for b in model.buffers())
    state = sum(
        value.nbytes
        for own in optimizer.state.values()
        for value in own.values()
        if isinstance(value, Tensor)
    )
    return parameters + buffers + state
