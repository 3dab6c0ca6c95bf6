"""Regression: one number per sample, or T numbers, with the identity as link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from torch import Tensor

from papertrial.data.column import Dataset
from papertrial.data.kind import KINDS, Kind, TargetKind
from papertrial.errors import DataError, ModelError
from papertrial.tasks.target_transform import TargetTransform, fit_targets
from papertrial.tasks.task import Family, Meaning, Prediction, RegressionMeaning, Task
from papertrial.vocabulary import TargetTransformName, usual_metrics


class Regression(Task):
    """A number for each sample, or T numbers with names.

    Targets get the shape of the output, [B] or [B, 1], so that a loss does not broadcast the two to
    [B, B].

    Args:
        features: the names of the feature columns.
        target: the name of the target.
        targets: the names of several targets.
        transform: transforms targets for the loss, so that raw outputs are in its unit.
    """

    kinds: ClassVar[tuple[Kind, ...]] = KINDS
    targets: ClassVar[TargetKind] = "numbers"
    family: ClassVar[Family] = "regression"
    metrics = usual_metrics("regression")
    headline = "rmse"

    def __init__(
        self,
        features: Sequence[str],
        target: str,
        targets: Sequence[str] = (),
        transform: TargetTransform | None = None,
    ) -> None:
        self.features = tuple(features)
        self.target_name = target
        self.several = tuple(targets)
        self.transform = transform

    @property
    def target_names(self) -> tuple[str, ...]:
        """The names of the T targets."""
        return self.several or (self.target_name,)

    @property
    def notes(self) -> tuple[str, ...]:
        """With a transform, the unit of the loss and that of other metrics."""
        if self.transform is None:
            return ()
        formulas = [self.transform.words(i, name) for i, name in enumerate(self.target_names)]
        return (
            f"target_transform: the loss is on {', '.join(formulas)}; all other metrics and the "
            f"predictions are in the unit of {', '.join(self.target_names)}",
        )

    def fitted(self, transform: TargetTransformName, dataset: Dataset) -> Self:
        """Return the task with a transform of the targets that is fitted on the training part.

        Raises:
            DataError: a target of the set has no transformed value.
        """
        fit = fit_targets(transform, dataset)
        return type(self)(self.features, self.target_name, self.several, fit)

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Return the task for the columns of a set; DataError if its targets are not numbers."""
        if not dataset.train.y.is_floating_point():
            fix = "; give the numbers in a table, with source: image-table"
            raise DataError(
                f"regression needs numbers as targets; {dataset.name} has classes"
                f"{fix if dataset.kind == 'image' else ''}"
            )
        width, names = dataset.train.y[:1].numel(), dataset.targets
        if width > 1 and not names:
            names = tuple(f"{dataset.target}_{i}" for i in range(width))
        return cls(dataset.features, dataset.target, names)

    @classmethod
    def from_meaning(cls, meaning: Meaning) -> Self:
        """Return the task that `meaning()` was called on."""
        assert isinstance(meaning, RegressionMeaning), "the family of the task is checked first"
        return cls(meaning.features, meaning.target, meaning.targets, meaning.transform)

    def meaning(self) -> Meaning:
        """Return the names of the feature columns, in the model's order, and of the targets."""
        return RegressionMeaning(
            features=self.features,
            target=self.target_name,
            targets=self.several,
            transform=self.transform,
        )

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

    def in_original_unit(self, output: Tensor) -> Tensor:
        """Return raw outputs in the unit of the targets; with a transform as float64."""
        return output if self.transform is None else self.transform.invert(output)

    def in_training_unit(self, output: Tensor) -> Tensor:
        """Return numbers in the unit of the targets as the loss sees them, float32."""
        return output if self.transform is None else self.transform.apply(output).float()

    def target(self, y: Tensor, output: Tensor) -> Tensor:
        """Return y in the shape of the output, transformed if there is a transform."""
        if self.transform is not None:
            y = self.in_training_unit(y)
        return y.view(output.shape)

    def link(self, output: Tensor) -> Tensor:
        """Return the numbers in the original unit."""
        return self.in_original_unit(output)

    def decode(self, output: Tensor) -> list[Prediction]:
        """Return the number predicted for each row, or the numbers by the names of the targets."""
        rows = self.link(output).reshape(len(output), -1).tolist()
        if not self.several:
            return [Prediction(row[0]) for row in rows]
        return [Prediction(dict(zip(self.several, row, strict=True))) for row in rows]

    def batch_score(self, output: Tensor, targets: Tensor) -> Tensor:
        """Return the root mean squared error of a batch, in the original unit."""
        output, targets = self.in_original_unit(output), self.in_original_unit(targets)
        return (output - targets).square().mean().sqrt()
