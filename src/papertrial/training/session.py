"""A whole training: steps, evaluations in between, and the choice of the step to report."""

from __future__ import annotations

import copy
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from papertrial.data.batches import Batches
from papertrial.evaluate.evaluator import Evaluator
from papertrial.training.checkpoint_times import CheckpointTimes
from papertrial.training.events import Evaluated, Rested, Trained
from papertrial.training.loop import Pause, Progress, fit
from papertrial.training.mean_of_last import MeanOfLast
from papertrial.training.objective import Objective
from papertrial.training.selection import BestWeights
from papertrial.training.session_state import SessionState, TrainingResult
from papertrial.training.state import TrainState


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
    whole: SessionState,
    batches: Batches,
    objective: Objective,
    evaluator: Evaluator,
    *,
    seed: int,
    steps: int,
    clip_norm: float | None = None,
    log_every: int = 100,
    evaluations: Evaluations,
    checkpoints: CheckpointTimes | None = None,
) -> Generator[Trained | Evaluated | Rested, None, TrainingResult]:
    """Run a training session: train, evaluate in between and at the end, and yield events.

    It goes on from the state that it is given, and yields `Rested` where that may be stored.

    Args:
        whole: the model, its optimizer and all else that the session changes.
        batches: the training data.
        objective: the loss and its gradients.
        evaluator: evaluates the same model.
        seed: the seed of the recipe.
        steps: total number of optimizer steps.
        clip_norm: largest norm of the gradients; None for no clipping.
        log_every: steps between two events.
        evaluations: which splits are evaluated during the training, and how often.
        checkpoints: when the state is due to be stored; None for never.

    Raises:
        DivergedError: the loss or an output is not finite.
        ModelError: the training ended before any weights were averaged.
    """
    state, choice, mean, result = whole.train, whole.choice, whole.mean, whole.result
    scoring = _Scoring(result, evaluator, state, choice, mean)
    spent = result.epoch_seconds.get(state.step // batches.steps + 1, 0.0)
    every = [n for n in (log_every, evaluations.validation, evaluations.test) if n is not None]
    for at in fit(
        state, batches, objective, seed=seed, steps=steps, clip_norm=clip_norm, every=every,
        pauses=checkpoints, epoch_seconds=spent,
    ):  # fmt: skip
        if isinstance(at, Pause):
            yield Rested(at.step)
            continue
        result.epoch_seconds[at.epoch] = at.epoch_seconds
        yield _trained(at, evaluator)
        stop, due = False, evaluations.due(at.step) if at.step < steps else []
        if due and state.average is not None:
            state.average.refresh(at.step)
        for split in due:
            event = scoring.evaluate(split, at.step)
            if split == "validation":
                state.schedule.evaluated(event.metrics)
                stop = whole.stopping is not None and whole.stopping.should_stop(event.metrics)
            yield event
        if stop:
            break
        if checkpoints is not None and checkpoints.due(at.step, end_of_epoch=at.end_of_epoch):
            yield Rested(at.step)
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
