"""Multi-label classification: any number of K labels for a sample, a logit for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import torch
from torch import Tensor

from papertrial.data.column import Dataset
from papertrial.data.kind import KINDS, Kind, TargetKind
from papertrial.errors import DataError, ModelError
from papertrial.tasks.task import Family, Meaning, MultilabelMeaning, Prediction, Task
from papertrial.vocabulary import usual_metrics


class MultilabelClassification(Task):
    """Which of K labels a sample has; the link is the sigmoid of each logit.

    Targets are 0 and 1, [B, K]. A label is predicted if its probability is above 0.5.

    Args:
        labels: the names of the K labels.
        probabilities: whether outputs are probabilities instead of logits.
    """

    kinds: ClassVar[tuple[Kind, ...]] = KINDS
    family: ClassVar[Family] = "multilabel"
    targets: ClassVar[TargetKind] = "labels"
    metrics = usual_metrics("multilabel-classification")
    headline = "f1_micro"

    def __init__(self, labels: Sequence[str], *, probabilities: bool = False) -> None:
        if len(labels) < 2:
            raise DataError(
                f"multi-label classification needs at least 2 labels, got {list(labels)}; for one, "
                "use a classification of two classes"
            )
        self.labels = tuple(labels)
        self.probabilities = probabilities

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the K labels."""
        return self.labels

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Return the task for the labels of a set; DataError if its targets are not labels."""
        if dataset.classes or dataset.train.y.ndim != 2:
            has = "one class for each sample" if dataset.classes else "one target for each sample"
            raise DataError(
                f"multi-label classification needs 0 or 1 for each label, y [N, K], but "
                f"{dataset.name} has {has}"
            )
        return cls(dataset.targets)

    @classmethod
    def from_meaning(cls, meaning: Meaning) -> Self:
        """Return the task that `meaning()` was called on."""
        assert isinstance(meaning, MultilabelMeaning), "the family of the task is checked first"
        return cls(meaning.labels, probabilities=meaning.probabilities)

    def for_probabilities(self) -> Self:
        """Return the task for a loss that takes probabilities."""
        return type(self)(self.labels, probabilities=True)

    def meaning(self) -> Meaning:
        """Return the names of the labels in the order of the outputs."""
        return MultilabelMeaning(labels=self.labels, probabilities=self.probabilities)

    def check_output(self, output: Tensor, targets: Tensor) -> None:
        """Raise ModelError unless `output` is [B, K]."""
        wanted = [len(targets), len(self.labels)]
        if list(output.shape) != wanted:
            raise ModelError(
                f"the model must return {wanted} for a batch of {len(targets)} (a row for each "
                f"sample, a logit for each of the {len(self.labels)} labels), got "
                f"{list(output.shape)}"
            )

    def target(self, y: Tensor, output: Tensor) -> Tensor:
        """Return 0 and 1 for each label, [B, K], in the dtype of the output."""
        return y.to(output.dtype)

    def link(self, output: Tensor) -> Tensor:
        """Return the probability of each label [B, K], float64."""
        return output.double() if self.probabilities else output.double().sigmoid()

    def answers(self, output: Tensor) -> Tensor:
        """Return 1 for each label that is predicted, 0 for others, uint8 [B, K]."""
        return (self.link(output) > 0.5).to(torch.uint8)

    def decode(self, output: Tensor) -> list[Prediction]:
        """Return the labels of each row, the most likely first, and all probabilities."""
        found = []
        for row in self.link(output):
            values, order = row.sort(descending=True, stable=True)
            named = {
                self.labels[k]: p for k, p in zip(order.tolist(), values.tolist(), strict=True)
            }
            found.append(Prediction([name for name, p in named.items() if p > 0.5], named))
        return found

    def batch_score(self, output: Tensor, targets: Tensor) -> Tensor:
        """Return F1 over all samples and labels of a batch together."""
        answer = (output > (0.5 if self.probabilities else 0.0)).to(targets.dtype)
        right, both = (answer * targets).sum(), answer.sum() + targets.sum()
        return 2 * right / both.clamp(min=1)
