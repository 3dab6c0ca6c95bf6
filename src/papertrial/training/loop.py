"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from papertrial.data.batches import Batch, Batches
from papertrial.data.streams import derive, seed_all
from papertrial.errors import DivergedError
from papertrial.training.checkpoint_times import CheckpointTimes
from papertrial.training.objective import BatchResult, Objective
from papertrial.training.optim import Stepper, learning_rate
from papertrial.training.state import TrainState


@dataclass(frozen=True)
class Progress:
    """The state of the training after a step that is logged."""

    epoch: int  # counted from 1
    step: int  # optimizer steps done
    end_of_epoch: bool
    loss: float  # mean over the steps since the last event
    lr: float
    samples_per_second: float  # since the last event, without evaluation
    epoch_seconds: float  # of this epoch so far, without evaluation
    output: Tensor  # of the last batch, to compute a score during the training
    y: Any  # its targets as stored


@dataclass(frozen=True)
class Pause:
    """The training is between two steps, neither of which is logged."""

    step: int  # optimizer steps done


def fit(
    state: TrainState,
    batches: Batches,
    objective: Objective,
    *,
    seed: int,
    steps: int,
    clip_norm: float | None = None,
    every: Sequence[int] = (100,),
    pauses: CheckpointTimes | None = None,
    epoch_seconds: float = 0.0,
) -> Iterator[Progress | Pause]:
    """Run the training loop until `steps` optimizer steps are done, starting at `state.step`.

    Yields after each step that is a multiple of one of `every`, after each epoch and after the last
    step, and only then reads the loss from the device, which waits for it; after each other step
    at which `pauses` are due, a `Pause`. `epoch_seconds` were spent in this epoch before.

    Raises:
        DivergedError: the loss is not finite.
    """
    optimizer, schedule, parameters = state.optimizer, state.schedule, state.parameters
    stepper = Stepper(optimizer, state.scaling)
    state.model.train()

    def gradients(batch: Batch, stream: int) -> BatchResult:
        # This also seeds numpy and Python, which takes 10 us per step: importing scikit-learn draws
        # from them, so the first training in a process would otherwise get other numbers.
        seed_all(batches.device, stream)
        for parameter in parameters:  # as optimizer.zero_grad() does, without its overhead
            parameter.grad = None
        result = objective.backward(batch)
        if clip_norm is not None:
            stepper.unscale()
            torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
        return result

    while state.step < steps:
        clock = time.perf_counter()
        epoch, first = divmod(state.step, batches.steps)
        stop = min(steps - state.step + first, batches.steps)
        stop = min([stop, *((state.step // n + 1) * n - state.step + first for n in every)])
        stream = derive(seed, "model", epoch)
        for offset in range(first, stop):
            batch = batches.batch(seed, epoch, offset)
            result = stepper.step(partial(gradients, batch, stream + offset))
            state.losses.append(result.loss)
            lr = learning_rate(optimizer) if offset + 1 == stop else 0.0
            schedule.step(end_of_epoch=offset + 1 == batches.steps)
            state.step += 1
            if state.average is not None:
                state.average.update(state.step)
            if pauses is not None and offset + 1 < stop and pauses.due(state.step):
                yield Pause(state.step)
        loss = torch.stack(state.losses).cpu().double().mean().item()  # waits for the device
        state.losses.clear()
        seconds = time.perf_counter() - clock
        epoch_seconds = seconds if first == 0 else epoch_seconds + seconds
        if not math.isfinite(loss):
            raise DivergedError(
                f"the loss is {loss} at step {state.step} (epoch {epoch + 1}, seed {seed}): the "
                "training diverged; lower optimizer.lr, or set clip_norm"
            )
        yield Progress(
            epoch=epoch + 1,
            step=state.step,
            end_of_epoch=stop == batches.steps,
            loss=loss,
            lr=lr,
            samples_per_second=batches.samples(first, stop) / seconds,
            epoch_seconds=epoch_seconds,
            output=result.output.detach(),
            y=result.y,
        )
