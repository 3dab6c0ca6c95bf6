"""Classification: K logits per sample, a class index as target, softmax as link.

For two classes, a model may also return one logit per sample, that of the second class, as
`BCEWithLogitsLoss` takes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import torch
from torch import Tensor

from papertrial.data.column import Dataset
from papertrial.data.kind import KINDS, Kind, TargetKind
from papertrial.errors import DataError, ModelError
from papertrial.tasks.task import ClassificationMeaning, Family, Meaning, Prediction, Task
from papertrial.vocabulary import usual_metrics


class Classification(Task):
    """One of K classes.

    The link is the softmax, which also turns the log-probabilities of a model that ends in
    LogSoftmax into probabilities; for one logit it is the sigmoid.
    """

    kinds: ClassVar[tuple[Kind, ...]] = KINDS
    family: ClassVar[Family] = "classification"
    targets: ClassVar[TargetKind] = "classes"
    metrics = usual_metrics("classification")
    headline = "accuracy"

    def __init__(self, classes: Sequence[str]) -> None:
        if len(classes) < 2:
            raise DataError(f"classification needs at least 2 classes, got {list(classes)}")
        self.classes = tuple(classes)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the K classes."""
        return self.classes

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Return the task for the classes of a set; DataError if it has none."""
        return cls(dataset.classes)

    @classmethod
    def from_meaning(cls, meaning: Meaning) -> Self:
        """Return the task that `meaning()` was called on."""
        assert isinstance(meaning, ClassificationMeaning), "the family of the task is checked first"
        return cls(meaning.classes)

    def meaning(self) -> Meaning:
        """Return the class names in the order of the outputs."""
        return ClassificationMeaning(classes=self.classes)

    def check_output(self, output: Tensor, targets: Tensor) -> None:
        """Raise ModelError unless `output` is [B, K], or for two classes [B] or [B, 1]."""
        rows, classes = len(targets), len(self.classes)
        one_logit = classes == 2 and list(output.shape) in ([rows], [rows, 1])
        if list(output.shape) != [rows, classes] and not one_logit:
            wanted = f"[{rows}, {classes}]" + (f" or [{rows}, 1]" if classes == 2 else "")
            raise ModelError(
                f"the model must return {wanted} for a batch of {rows} (a row for each sample, "
                f"a logit for each of the {classes} classes), got {list(output.shape)}"
            )

    def target(self, y: Tensor, output: Tensor) -> Tensor:
        """Return the class indices, [B] int64; for one logit 0 or 1, in the shape of the output."""
        return y.to(output.dtype).view(output.shape) if is_one_logit(output) else y

    def logits(self, output: Tensor) -> Tensor:
        """Return logits [B, K]; one logit z becomes (0, z): sigmoid(z) = softmax((0, z))[1]."""
        if not is_one_logit(output):
            return output
        z = output.reshape(len(output))
        return torch.stack([torch.zeros_like(z), z], 1)

    def link(self, output: Tensor) -> Tensor:
        """Return probabilities [B, K], float64 so that they sum to 1 as printed."""
        return self.logits(output).double().softmax(1)

    def decode(self, output: Tensor) -> list[Prediction]:
        """Return the most likely class of each row, with all probabilities in descending order."""
        answers = []
        for row in self.link(output):
            values, order = row.sort(descending=True, stable=True)
            named = {
                self.classes[k]: p for k, p in zip(order.tolist(), values.tolist(), strict=True)
            }
            answers.append(Prediction(next(iter(named)), named))
        return answers

    def batch_score(self, output: Tensor, targets: Tensor) -> Tensor:
        """Return the accuracy of a batch; `targets` are what `target` returned."""
        truth = targets.reshape(len(output)) if is_one_logit(output) else targets
        return (self.logits(output).argmax(1) == truth).to(torch.float32).mean()


def is_one_logit(output: Tensor) -> bool:
    """Return whether a classification output has one logit per sample, [B] or [B, 1]."""
    return output.ndim == 1 or output.shape[1] == 1
