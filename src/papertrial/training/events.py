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

    def record(self) -> dict[str, Any]:
        """Return what metrics.jsonl keeps of it."""
        return {
            "kind": "step",
            "epoch": self.progress.epoch,
            "step": self.progress.step,
            "loss": self.progress.loss,
            self.headline: self.score,
            "lr": self.progress.lr,
            "samples_per_second": self.progress.samples_per_second,
        }


@dataclass(frozen=True)
class Evaluated:
    """A split was evaluated after `step` steps; `final` where the training is over."""

    split: str
    step: int
    metrics: dict[str, Any]
    final: bool = False

    def record(self) -> dict[str, Any]:
        """Return what metrics.jsonl keeps of it."""
        kept = {"split": self.split, "step": self.step, "metrics": self.metrics}
        return {"kind": "evaluation", **kept}


Event = Step | Started | Trained | Evaluated
