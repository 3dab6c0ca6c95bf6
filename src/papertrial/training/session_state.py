"""Everything that a training session changes, which can be stored and restored between steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from papertrial.errors import RunError
from papertrial.evaluate.evaluator import Outputs
from papertrial.training.mean_of_last import MeanOfLast
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
class SessionState:
    """The state of a training session between two steps.

    Attributes:
        train: the model, its optimizer, its schedule, and how many steps are done.
        choice: chooses the step to report; None reports the last step.
        stopping: may end the training early.
        mean: takes the mean of the metrics over the last evaluations.
        result: what is known of the result so far.
    """

    train: TrainState
    choice: BestWeights | None = None
    stopping: EarlyStopping | None = None
    mean: MeanOfLast | None = None
    result: TrainingResult = field(default_factory=TrainingResult)

    def state_dict(self) -> dict[str, Any]:
        """Return the state as a dict of tensors and plain values."""
        return {
            "train": self.train.state_dict(),
            **{k: {} if one is None else one.state_dict() for k, one in self._parts().items()},
            "test_evaluations": self.result.test_evaluations,
            "epoch_seconds": dict(self.result.epoch_seconds),
            "evaluate_seconds": self.result.evaluate_seconds,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned.

        Raises:
            RunError: the state belongs to another training.
        """
        parts = self._parts()
        try:
            for name, part in parts.items():
                if bool(state[name]) != (part is not None):
                    had = "has" if state[name] else "lacks"
                    raise RunError(f"the training state {had} {name}, unlike this training")
            self.train.load_state_dict(state["train"])
            for name, part in parts.items():
                if part is not None:
                    part.load_state_dict(state[name])
            self.result.test_evaluations = state["test_evaluations"]
            self.result.epoch_seconds = dict(state["epoch_seconds"])
            self.result.evaluate_seconds = state["evaluate_seconds"]
        except (KeyError, TypeError, AttributeError) as error:
            raise RunError(f"the training state belongs to another training: {error}") from error

    def _parts(self) -> dict[str, BestWeights | EarlyStopping | MeanOfLast | None]:
        return {"choice": self.choice, "stopping": self.stopping, "mean": self.mean}
