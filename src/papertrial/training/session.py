"""A whole training: steps, evaluations in between, and the choice of the step to report."""

from __future__ import annotations

import copy
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from papertrial.data.batches import Batches
from papertrial.evaluate.evaluator import Evaluator, Outputs
from papertrial.training.events import Evaluated, Trained
from papertrial.training.loop import Progress, fit
from papertrial.training.mean_of_last import MeanOfLast
from papertrial.training.objective import Objective
from papertrial.training.selection import BestWeights, EarlyStopping
from papertrial.training.state import TrainState
from papertrial.vocabulary import SplitMetrics


@dataclass
class TrainingResult:
    """The result of a training.

    Attributes:
        step: the step that is reported, whose weights the model has at the end.
        last_step: the last step.
        metrics: metrics of the reported step, or means over the last evaluations, by split.
        outputs: outputs of the reported step, by split.
        last: metrics of the last step, by split; None if these are reported.
        state: state of the training after its last step.
        test_evaluations: number of evaluations of the test split before the end.
        epoch_seconds: training time by epoch, without evaluation.
        evaluate_seconds: time of all evaluations.
        skipped_steps: number of steps without a change of the weights, because gradients overflowed
            in fp16.
    """

    step: int = 0
    last_step: int = 0
    metrics: SplitMetrics = field(default_factory=dict)
    outputs: dict[str, Outputs] = field(default_factory=dict)
    last: SplitMetrics | None = None
    state: dict[str, Any] | None = None
    test_evaluations: int = 0
    epoch_seconds: dict[int, float] = field(default_factory=dict)
    evaluate_seconds: float = 0.0
    skipped_steps: int = 0


@dataclass(frozen=True)
class Evaluations:
    """The number of optimizer steps between two evaluations of a split; None for no evaluation."""

    validation: int | None = None
    test: int | None = None

    def count(self, split: str, steps: int) -> int:
        """Return how often a split is evaluated in a training of `steps`, with the end."""
        every = {"validation": self.validation, "test": self.test}[split]
        return 1 if every is None else (steps - 1) // every + 1

    def first_of_last(self, split: str, steps: int, count: int) -> int:
        """Return the step of the first of the last `count` evaluations in a training of `steps`."""
        every = {"validation": self.validation, "test": self.test}[split]
        return steps if every is None or count == 1 else every * ((steps - 1) // every - count + 2)

    def due(self, step: int) -> list[str]:
        """Return the splits that are evaluated after a step."""
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
    choice: BestWeights | None = None,
    stopping: EarlyStopping | None = None,
    mean: MeanOfLast | None = None,
) -> Generator[Trained | Evaluated, None, TrainingResult]:
    """Run a training session: train, evaluate in between and at the end, and yield events.

    Args:
        state: the model, its optimizer and its schedule.
        batches: the training data.
        objective: the loss and its gradients.
        evaluator: evaluates the same model.
        seed: the seed of the recipe.
        steps: total number of optimizer steps.
        clip_norm: largest norm of the gradients; None for no clipping.
        log_every: steps between two events.
        evaluations: which splits are evaluated during the training, and how often.
        choice: chooses the step to report; None reports the last step.
        stopping: may end the training early.
        mean: takes the mean of the metrics over the last evaluations, which is then reported.

    Raises:
        DivergedError: the loss or an output is not finite.
        ModelError: the training ended before any weights were averaged.
    """
    result = TrainingResult()
    scoring = _Scoring(result, evaluator, state, choice, mean)
    every = [n for n in (log_every, evaluations.validation, evaluations.test) if n is not None]
    for progress in fit(
        state, batches, objective, seed=seed, steps=steps, clip_norm=clip_norm, every=every
    ):
        result.epoch_seconds[progress.epoch] = progress.epoch_seconds
        yield _trained(progress, evaluator)
        stop, due = False, evaluations.due(progress.step) if progress.step < steps else []
        if due and state.average is not None:
            state.average.refresh(progress.step)
        for split in due:
            event = scoring.evaluate(split, progress.step)
            if split == "validation":
                state.schedule.evaluated(event.metrics)
                stop = stopping is not None and stopping.should_stop(event.metrics)
            yield event
        if stop:
            break
    result.step = result.last_step = state.step
    result.skipped_steps = 0 if state.scaling is None else state.scaling.skipped
    if state.average is not None:
        state.average.check_started(state.step)
        state.average.refresh(state.step)
    yield from scoring.evaluate_all(state.step)
    if mean is not None:
        result.last, result.metrics = result.metrics, {k: mean.mean(k) for k in result.metrics}
    result.state = state.state_dict()
    if choice is not None and choice.step not in (0, state.step):
        result.state = copy.deepcopy(result.state)  # before the weights of the choice replace it
        result.last, result.metrics, result.step = result.metrics, {}, choice.step
        choice.restore(state.evaluated)
        yield from scoring.evaluate_all(choice.step)
    return result


@dataclass(frozen=True)
class _Scoring:
    """Evaluates the model, and adds scores and time to the result of the training."""

    result: TrainingResult
    evaluator: Evaluator
    state: TrainState
    choice: BestWeights | None
    mean: MeanOfLast | None

    def evaluate(self, split: str, step: int, *, final: bool = False) -> Evaluated:
        """Evaluate a split, and offer the step to the choice if it depends on this split."""
        start = time.perf_counter()
        scored = self.evaluator.evaluate(split, step)
        self.result.evaluate_seconds += time.perf_counter() - start
        if final:
            self.result.metrics[split], self.result.outputs[split] = scored
        elif split == "test":
            self.result.test_evaluations += 1
        if self.mean is not None:
            self.mean.add(split, step, scored.metrics)
        choice, average = self.choice, self.state.average
        averaged = average is None or average.updates > 0  # else the weights are no average
        if choice is not None and choice.split == split and step > choice.step and averaged:
            choice.offer(step, scored.metrics, self.state.evaluated)
        return Evaluated(split, step, scored.metrics, final)

    def evaluate_all(self, step: int) -> Iterator[Evaluated]:
        """Evaluate every split of the evaluator for the result."""
        for split in self.evaluator.splits:
            yield self.evaluate(split, step, final=True)


def _trained(progress: Progress, evaluator: Evaluator) -> Trained:
    """Return the session's event for trained steps, with the headline metric on the last batch."""
    output = progress.output
    score = evaluator.task.batch_score(output, evaluator.task.target(progress.y, output))
    return Trained(progress, evaluator.task.headline, None if score is None else score.item())
