"""Prediction of tensors: outputs and targets whose meaning the loss and the metrics define."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from torch import Tensor

from papertrial.data.column import Dataset
from papertrial.data.kind import KINDS, Kind, TargetKind
from papertrial.data.nested import row_count
from papertrial.errors import ModelError
from papertrial.tasks.task import Family, Meaning, Prediction, Task, TensorMeaning
from papertrial.vocabulary import usual_metrics


class TensorPrediction(Task):
    """Outputs [B, ...] and targets of any shape: sequences, masks, images, several numbers.

    Targets are a tensor [B, ...], or several by name; the loss takes them as they are.
    """

    kinds: ClassVar[tuple[Kind, ...]] = KINDS
    family: ClassVar[Family] = "prediction"
    targets: ClassVar[TargetKind] = "tensors"
    metrics = usual_metrics("prediction")
    headline = "loss"

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Return the task, which takes any set."""
        return cls()

    @classmethod
    def from_meaning(cls, meaning: Meaning) -> Self:
        """Return the task that `meaning()` was called on."""
        assert isinstance(meaning, TensorMeaning), "the family of the task is checked first"
        return cls()

    def meaning(self) -> Meaning:
        """Return that outputs have no meaning that papertrial knows."""
        return TensorMeaning()

    def check_output(self, output: Tensor, targets: Any) -> None:
        """Raise ModelError unless `output` has a row for each of the targets."""
        rows = row_count(targets)
        if output.ndim == 0 or len(output) != rows:
            raise ModelError(
                f"the model must return [{rows}, ...] for a batch of {rows} (a row for each "
                f"sample), got {list(output.shape)}"
            )

    def target(self, y: Any, output: Tensor) -> Any:
        """Return the targets as they are."""
        return y

    def link(self, output: Tensor) -> Tensor:
        """Return the outputs themselves."""
        return output

    def decode(self, output: Tensor) -> list[Prediction]:
        """Return the output for each row, as a number or as nested lists of numbers."""
        return [Prediction(row.tolist() if row.numel() != 1 else row.item()) for row in output]

    def batch_score(self, output: Tensor, targets: Any) -> None:
        """Return None: of a batch, only the loss is known, which is shown anyway."""
