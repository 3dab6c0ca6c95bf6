"""What a training tells as it goes: yielded outward, to be shown or left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from papertrial.progress import Step
from papertrial.training.loop import Progress


@dataclass(frozen=True)
class Started:
    """A training is about to take its first step."""

    run: Path
    device: str
    parameters: int
    rows: dict[str, int]
    epochs: int
    steps: int
    notes: tuple[str, ...] = ()  # what else one should know, in words


@dataclass(frozen=True)
class Trained:
    """Some steps were taken; `score` is the metric `headline` on the last training batch."""

    progress: Progress
    headline: str
    score: float


@dataclass(frozen=True)
class Evaluated:
    """A split was evaluated after `step` steps; `final` where the training is over."""

    split: str
    step: int
    metrics: dict[str, Any]
    final: bool = False


Event = Step | Started | Trained | Evaluated
