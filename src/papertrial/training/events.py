"""What a training tells as it goes: yielded outward, to be shown or left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    headline: str


@dataclass(frozen=True)
class Trained:
    """Some steps were taken; `score` is the headline metric on the last training batch."""

    progress: Progress
    score: float


@dataclass(frozen=True)
class Evaluated:
    """A split was evaluated after `step` steps."""

    split: str
    step: int
    metrics: dict[str, Any]


Event = Started | Trained | Evaluated
