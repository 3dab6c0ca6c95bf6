"""A whole training: steps, the evaluations in between, and which of them is reported."""

from __future__ import annotations

import copy
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from papertrial.data.batches import Batches
from papertrial.evaluate.evaluator import Evaluator
from papertrial.evaluate.metrics import Value
from papertrial.training.events import Evaluated, Trained
from papertrial.training.loop import Progress, fit
from papertrial.training.objective import Objective
from papertrial.training.selection import Choice, EarlyStopping
from papertrial.training.state import TrainState

Metrics = dict[str, dict[str, Value]]  # by split, by name


@dataclass
class TrainingResult:
    """What a training came to.

    `step` is the one reported, whose weights the model has; `metrics` and `outputs` are its, by
    split. `last` has the metrics after the last step where that is another one.
    """

    step: int = 0
    last_step: int = 0
    metrics: Metrics = field(default_factory=dict)
    outputs: dict[str, Tensor] = field(default_factory=dict)
    last: Metrics | None = None
    state: dict[str, Any] | None = None  # of the training after its last step
    test_evaluations: int = 0  # before the end
    epoch_seconds: dict[int, float] = field(default_factory=dict)  # training alone, by epoch
    evaluate_seconds: float = 0.0


@dataclass(frozen=True)
class Evaluations:
    """When a training is evaluated, in optimizer steps; None for never."""

    validation: int | None = None
    test: int | None = None

    def due(self, step: int) -> list[str]:
        """Return the splits that are due after a step."""
        pairs = (("validation", self.validation), ("test", self.test))
        return [split for split, every in pairs if every is not None and step % every == 0]


def session(
    state: TrainState,
    batches: Batches,
    objective: Objective,
    evaluator: Evaluator,
    *,
    seed: int,
    steps: int,
    clip_norm: float | None = None,
    log_every: int = 100,
    evaluations: Evaluations,
    choice: Choice | None = None,
    stopping: EarlyStopping | None = None,
) -> Generator[Trained | Evaluated, None, TrainingResult]:
    """Train and evaluate, yielding what happens; every split is evaluated at the end.

    Args:
        state: the model, its optimizer, its schedule, and where they stand.
        batches: what is learnt from.
        objective: the loss and its gradients.
        evaluator: of the same model.
        seed: the recipe's.
        steps: optimizer steps in all.
        clip_norm: largest gradient norm.
        log_every: steps between two records.
        evaluations: which splits are evaluated in between, and how often.
        choice: what chooses the step to report; None for the last.
        stopping: what may end the training earlier.

    Raises:
        DivergedError: loss or outputs are no longer finite.
    """
    outcome = TrainingResult()

    def evaluate(split: str, step: int, final: bool) -> Evaluated:
        start = time.perf_counter()
        scored = evaluator.evaluate(split, step)
        outcome.evaluate_seconds += time.perf_counter() - start
        if final:
            outcome.metrics[split], outcome.outputs[split] = scored
        elif split == "test":
            outcome.test_evaluations += 1
        if choice is not None and choice.split == split and step > choice.step:
            choice.offer(step, scored.metrics, state.model)
        return Evaluated(split, step, scored.metrics, final)

    every = [n for n in (log_every, evaluations.validation, evaluations.test) if n is not None]
    for progress in fit(
        state, batches, objective, seed=seed, steps=steps, clip_norm=clip_norm, every=every
    ):
        outcome.epoch_seconds[progress.epoch] = progress.epoch_seconds
        yield _trained(progress, evaluator)
        stop = False
        for split in evaluations.due(progress.step) if progress.step < steps else ():
            event = evaluate(split, progress.step, final=False)
            if split == "validation":
                state.schedule.evaluated(event.metrics)
                stop = stopping is not None and stopping.should_stop(event.metrics)
            yield event
        if stop:
            break
    outcome.step = outcome.last_step = state.step
    for split in evaluator.dataset.splits:
        yield evaluate(split, state.step, final=True)
    outcome.state = state.state_dict()
    if choice is not None and choice.step not in (0, state.step):
        outcome.state = copy.deepcopy(outcome.state)
        outcome.last, outcome.metrics, outcome.step = outcome.metrics, {}, choice.step
        choice.restore(state.model)
        for split in evaluator.dataset.splits:
            yield evaluate(split, choice.step, final=True)
    return outcome


def _trained(progress: Progress, evaluator: Evaluator) -> Trained:
    score = evaluator.task.batch_score(progress.output, progress.target).item()
    return Trained(progress, evaluator.task.headline, score)
