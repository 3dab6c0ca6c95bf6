"""Regression: a number a sample (or T of them), the identity as link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

from torch import Tensor

from papertrial.data.column import Dataset
from papertrial.data.kind import Kind
from papertrial.errors import DataError, ModelError
from papertrial.tasks.task import Prediction, Task


class Regression(Task):
    """A number for each row of a table.

    Targets take the output's shape, [B] or [B, 1], so that no loss broadcasts one against the
    other into [B, B].
    """

    kind: ClassVar[Kind] = "table"
    family: ClassVar[Literal["classification", "regression"]] = "regression"
    metrics = ("loss", "mse", "rmse", "mae", "r2")
    headline = "rmse"

    def __init__(self, features: Sequence[str], target: str) -> None:
        self.features = tuple(features)
        self.target_name = target

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Make the task for a set's columns; DataError where its targets are not numbers."""
        if not dataset.train.y.is_floating_point():
            raise DataError(f"regression needs numbers as targets; {dataset.name} has classes")
        return cls(dataset.features, dataset.target)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Make the task again from {"features": [...], "target": name}."""
        return cls(state["features"], state["target"])

    def state(self) -> dict[str, Any]:
        """Return the names of the feature columns, in the model's order, and of the target."""
        return {"features": list(self.features), "target": self.target_name}

    def check_output(self, output: Tensor, targets: Tensor) -> None:
        """Raise ModelError unless `output` is [B] or [B, 1], or [B, T] for T targets."""
        rows = len(targets)
        fits = output.shape[:1] == targets.shape[:1] and output.numel() == targets.numel()
        if not fits or output.ndim > 2:
            wide = list(targets.shape) if targets.ndim > 1 else [rows, 1]
            raise ModelError(
                f"the model must return {wide}{'' if targets.ndim > 1 else f' or [{rows}]'} for a "
                f"batch of {rows} (a row a sample), got {list(output.shape)}"
            )

    def target(self, y: Tensor, output: Tensor) -> Tensor:
        """Return y in the shape of the output."""
        return y.view(output.shape)

    def link(self, output: Tensor) -> Tensor:
        """Return the numbers themselves."""
        return output

    def decode(self, output: Tensor) -> list[Prediction]:
        """Return the number predicted for each row."""
        return [Prediction(float(value)) for value in output.reshape(len(output), -1)[:, 0]]

    def batch_score(self, output: Tensor, targets: Tensor) -> Tensor:
        """Return the batch's root mean squared error."""
        return (output - targets).square().mean().sqrt()
