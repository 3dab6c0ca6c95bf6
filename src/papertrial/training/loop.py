"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from papertrial.data.batches import Batch, Batches
from papertrial.data.streams import derive
from papertrial.errors import DivergedError
from papertrial.training.device import seed_draws
from papertrial.training.objective import Objective, Result
from papertrial.training.optim import Stepper, learning_rate
from papertrial.training.state import TrainState


@dataclass(frozen=True)
class Progress:
    """Where the training stands, after a step that is due to be told of."""

    epoch: int  # from 1, the one that the step belongs to
    step: int  # optimizer steps done
    end_of_epoch: bool
    loss: float  # mean over the steps since the last record
    lr: float
    samples_per_second: float  # since the last record, training alone
    epoch_seconds: float  # of this epoch so far, training alone
    output: Tensor  # of the last batch, for a score while it trains
    target: Tensor


def fit(
    state: TrainState,
    batches: Batches,
    objective: Objective,
    *,
    seed: int,
    steps: int,
    clip_norm: float | None = None,
    every: Sequence[int] = (100,),
) -> Iterator[Progress]:
    """Train until `steps` optimizer steps are done, from wherever `state` stands.

    Yields after each step that one of `every` divides, after each epoch and after the last step.
    The loss is read from the device only then.

    Raises:
        DivergedError: the loss is no longer finite.
    """
    model, optimizer, schedule = state.model.train(), state.optimizer, state.schedule
    stepper = Stepper(optimizer)
    total, counted, samples = torch.zeros((), device=batches.device), 0, 0
    epoch_seconds, since, clock = 0.0, 0.0, time.perf_counter()

    def gradients(batch: Batch, stream: int) -> Result:
        seed_draws(batches.device, stream)
        optimizer.zero_grad()
        result = objective.backward(batch)
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        return result

    while state.step < steps:
        epoch, offset = divmod(state.step, batches.steps)
        batch = batches.batch(seed, epoch, offset)
        stream = derive(seed, "model", epoch, offset)
        result = stepper.step(partial(gradients, batch, stream))
        state.step += 1
        total, counted, samples = total + result.loss, counted + 1, samples + len(batch.y)
        last = offset + 1 == batches.steps
        due = last or state.step == steps or any(state.step % n == 0 for n in every)
        lr = learning_rate(optimizer) if due else 0.0
        schedule.step(end_of_epoch=last)
        if not due:
            continue
        loss = total.item() / counted  # waits for the device
        now = time.perf_counter()
        since, epoch_seconds = now - clock, epoch_seconds + now - clock
        if not math.isfinite(loss):
            raise DivergedError(
                f"the loss is {loss} at step {state.step} (epoch {epoch + 1}, seed {seed}): the "
                "training diverged; lower optimizer.lr, or set clip_norm"
            )
        yield Progress(
            epoch + 1, state.step, last, loss, lr, samples / since, epoch_seconds, *result[1:]
        )
        total, counted, samples = torch.zeros_like(total), 0, 0
        epoch_seconds, clock = 0.0 if last else epoch_seconds, time.perf_counter()
