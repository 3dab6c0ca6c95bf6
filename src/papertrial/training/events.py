"""Events that a training yields to its caller."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from papertrial.progress import Step
from papertrial.training.loop import Progress
from papertrial.vocabulary import Metrics


@dataclass(frozen=True)
class Started:
    """The training is about to take its first step."""

    run: Path
    device: str
    parameters: int
    rows: dict[str, int]
    epochs: int
    steps: int
    notes: tuple[str, ...] = ()  # remarks on the data
    fold: int = 0  # which of the `folds` of a run, from 0
    folds: int = 0  # 0 for a single training


@dataclass(frozen=True)
class Trained:
    """Steps were taken; `score` is the metric named `headline` on the last training batch.

    It is None if that metric is the loss.
    """

    progress: Progress
    headline: str
    score: float | None


@dataclass(frozen=True)
class Evaluated:
    """A split was evaluated after `step` steps; `final` if the training is over."""

    split: str
    step: int
    metrics: Metrics
    final: bool = False


@dataclass(frozen=True)
class Rested:
    """The training is between two steps, and its state is due to be stored."""

    step: int


Event = Step | Started | Trained | Evaluated
