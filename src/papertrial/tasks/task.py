"""What every task answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

from torch import Tensor

from papertrial.data.column import Dataset
from papertrial.data.kind import Kind


@dataclass(frozen=True)
class Prediction:
    """One answer: a class name with all classes' probabilities, or a number with none."""

    prediction: str | float
    probabilities: dict[str, float] = field(default_factory=dict)


class Task(ABC):
    """The meaning of outputs and targets; B the batch, K the classes, T the numbers predicted."""

    kind: ClassVar[Kind]
    family: ClassVar[Literal["classification", "regression"]]
    metrics: ClassVar[tuple[str, ...]]  # reported where a recipe names none
    headline: ClassVar[str]  # the metric that progress shows

    @classmethod
    @abstractmethod
    def of(cls, dataset: Dataset) -> Self:
        """Make the task for a set's classes or columns."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Make the task again from what `state` returned."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return what prediction needs to know, as plain JSON."""

    @abstractmethod
    def check_output(self, output: Tensor, targets: Tensor) -> None:
        """Raise ModelError unless `output` [B, ...] has the shape that this task reads."""

    @abstractmethod
    def target(self, y: Tensor, output: Tensor) -> Tensor:
        """Return the targets y in the type and shape that a loss wants beside `output`."""

    @abstractmethod
    def link(self, output: Tensor) -> Tensor:
        """Map raw outputs [B, ...] to what is reported: probabilities or the numbers themselves."""

    @abstractmethod
    def decode(self, output: Tensor) -> list[Prediction]:
        """Return an answer a row of raw outputs [B, ...]."""

    @abstractmethod
    def batch_score(self, output: Tensor, targets: Tensor) -> Tensor:
        """Return the headline metric of one training batch, as a tensor of no dimensions."""
