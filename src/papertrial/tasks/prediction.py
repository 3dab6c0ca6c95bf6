"""Prediction of tensors: outputs and targets whose meaning the loss and the metrics define."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from torch import Tensor, nn

from papertrial.data.column import Dataset
from papertrial.data.kind import KINDS, Kind, TargetKind
from papertrial.data.nested import row_count
from papertrial.errors import ModelError
from papertrial.tasks.task import Family, Meaning, Prediction, Task, TensorMeaning
from papertrial.vocabulary import usual_metrics


class TensorPrediction(Task):
    """Outputs [B, ...] and targets of any shape: sequences, masks, images, several numbers.

    Targets are a tensor [B, ...], or several by name; the loss takes them as they are.

    Args:
        classes: the names of the K classes of each position, if the data name them.
        class_axis: the axis of the outputs that has K entries; None until outputs are known.
    """

    kinds: ClassVar[tuple[Kind, ...]] = KINDS
    family: ClassVar[Family] = "prediction"
    targets: ClassVar[TargetKind] = "tensors"
    metrics = usual_metrics("prediction")
    headline = "loss"

    def __init__(self, classes: tuple[str, ...] = (), class_axis: int | None = None) -> None:
        self.classes = classes
        self.class_axis = class_axis

    @property
    def position_classes(self) -> tuple[str, ...]:
        """The names of the K classes of each position, if outputs have an axis of them."""
        return () if self.class_axis is None else self.classes

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Return the task, which takes any set."""
        return cls(dataset.position_classes)

    @classmethod
    def from_meaning(cls, meaning: Meaning) -> Self:
        """Return the task that `meaning()` was called on."""
        assert isinstance(meaning, TensorMeaning), "the family of the task is checked first"
        return cls(meaning.classes, meaning.class_axis)

    def meaning(self) -> Meaning:
        """Return the classes of the positions; outputs have no other meaning that is known."""
        return TensorMeaning(classes=self.position_classes, class_axis=self.class_axis)

    def for_outputs(self, output: Tensor, loss: object) -> Self:
        """Return the task with the axis of the classes in outputs [B, ...].

        Torch's losses for classes take axis 1. Of other losses this is not known: the classes are
        then on the last axis if it has as many entries, or else on axis 1.

        Raises:
            ModelError: the outputs do not have the classes that the data name.
        """
        count, axes = len(self.classes), (-1, 1)
        if not count:
            return self
        if isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss):
            axes = (1, 1)
        fits = [axis for axis in axes if output.ndim > 1 and output.shape[axis] == count]
        if not fits:
            raise ModelError(
                f'the data name {count} classes of each position, in "classes", but outputs '
                f"{list(output.shape)} have no axis of {count}; return an output for each class, "
                'or remove "classes"'
            )
        return type(self)(self.classes, fits[0])

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
        """Return the output for each row: the classes of its positions if the data name them.

        Otherwise these are numbers, one or nested lists.
        """
        if self.class_axis is None:
            numbers = [row.tolist() if row.numel() != 1 else row.item() for row in output]
            return [Prediction(n, output=row) for n, row in zip(numbers, output, strict=True)]
        names = np.array(self.classes, dtype=object)[output.argmax(self.class_axis).numpy()]
        named = zip(names.tolist(), output, strict=True)
        return [Prediction(one, output=row) for one, row in named]

    def batch_score(self, output: Tensor, targets: Any) -> None:
        """Return None: of a batch, only the loss is known, which is shown anyway."""
