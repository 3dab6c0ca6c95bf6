"""Regression: one number per sample, or T numbers, with the identity as link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from torch import Tensor

from papertrial.data.column import Dataset
from papertrial.data.kind import Kind, TargetKind
from papertrial.errors import DataError, ModelError
from papertrial.tasks.task import Family, Meaning, Prediction, RegressionMeaning, Task


class Regression(Task):
    """A number for each row of a table.

    Targets get the shape of the output, [B] or [B, 1], so that a loss does not broadcast the two to
    [B, B].
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("table",)
    targets: ClassVar[TargetKind] = "numbers"
    family: ClassVar[Family] = "regression"
    metrics = ("loss", "mse", "rmse", "mae", "r2")
    headline = "rmse"

    def __init__(self, features: Sequence[str], target: str) -> None:
        self.features = tuple(features)
        self.target_name = target

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Return the task for the columns of a set; DataError if its targets are not numbers."""
        if not dataset.train.y.is_floating_point():
            raise DataError(f"regression needs numbers as targets; {dataset.name} has classes")
        return cls(dataset.features, dataset.target)

    @classmethod
    def from_meaning(cls, meaning: Meaning) -> Self:
        """Return the task that `meaning()` was called on."""
        assert isinstance(meaning, RegressionMeaning), "the family of the task is checked first"
        return cls(meaning.features, meaning.target)

    def meaning(self) -> Meaning:
        """Return the names of the feature columns, in the model's order, and of the target."""
        return RegressionMeaning(features=self.features, target=self.target_name)

    def check_output(self, output: Tensor, targets: Tensor) -> None:
        """Raise ModelError unless `output` is [B] or [B, 1], or [B, T] for T targets."""
        rows = len(targets)
        fits = output.shape[:1] == targets.shape[:1] and output.numel() == targets.numel()
        if not fits or output.ndim > 2:
            wide = list(targets.shape) if targets.ndim > 1 else [rows, 1]
            raise ModelError(
                f"the model must return {wide}{'' if targets.ndim > 1 else f' or [{rows}]'} for a "
                f"batch of {rows} (a row for each sample), got {list(output.shape)}"
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
        """Return the root mean squared error of a batch."""
        return (output - targets).square().mean().sqrt()
