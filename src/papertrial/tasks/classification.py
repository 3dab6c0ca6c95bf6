"""Classification: K logits a sample, one class index as target, softmax as link.

Two classes may also have one logit, as `BCEWithLogitsLoss` takes it: that of the second class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor

from papertrial.data.column import Dataset
from papertrial.errors import DataError, ModelError
from papertrial.tasks.task import Prediction, Task


class Classification(Task):
    """One of K classes.

    The link is the softmax, which also leaves log-probabilities (a model that ends in LogSoftmax)
    what they are; for one logit it is the sigmoid.
    """

    family: ClassVar[Literal["classification", "regression"]] = "classification"
    metrics = ("loss", "accuracy", "precision", "recall", "f1")
    headline = "accuracy"

    def __init__(self, classes: Sequence[str]) -> None:
        if len(classes) < 2:
            raise DataError(f"classification needs at least 2 classes, got {list(classes)}")
        self.classes = tuple(classes)

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Make the task for a set's classes; DataError where it has none."""
        return cls(dataset.classes)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Make the task again from {"classes": [...]}."""
        return cls(state["classes"])

    def state(self) -> dict[str, Any]:
        """Return the class names in the order of the outputs."""
        return {"classes": list(self.classes)}

    def check_output(self, output: Tensor, targets: Tensor) -> None:
        """Raise ModelError unless `output` is [B, K], or for two classes [B] or [B, 1]."""
        rows, classes = len(targets), len(self.classes)
        one_logit = classes == 2 and list(output.shape) in ([rows], [rows, 1])
        if list(output.shape) != [rows, classes] and not one_logit:
            wanted = f"[{rows}, {classes}]" + (f" or [{rows}, 1]" if classes == 2 else "")
            raise ModelError(
                f"the model must return {wanted} for a batch of {rows} (a row a sample, "
                f"a logit for each of the {classes} classes), got {list(output.shape)}"
            )

    def target(self, y: Tensor, output: Tensor) -> Tensor:
        """Return the class indices [B] int64; for one logit 0 and 1 in the output's shape."""
        return y.to(output.dtype).view(output.shape) if is_one_logit(output) else y

    def logits(self, output: Tensor) -> Tensor:
        """Return [B, K]; one logit z becomes (0, z), for sigmoid(z) = softmax((0, z))[1]."""
        if not is_one_logit(output):
            return output
        z = output.reshape(len(output))
        return torch.stack([torch.zeros_like(z), z], 1)

    def link(self, output: Tensor) -> Tensor:
        """Return probabilities [B, K] float64, so that they sum to 1 as printed."""
        return self.logits(output).double().softmax(1)

    def decode(self, output: Tensor) -> list[Prediction]:
        """Return the likeliest class of each row, with all probabilities, the largest first."""
        answers = []
        for row in self.link(output):
            values, order = row.sort(descending=True, stable=True)
            named = {
                self.classes[k]: p for k, p in zip(order.tolist(), values.tolist(), strict=True)
            }
            answers.append(Prediction(next(iter(named)), named))
        return answers

    def batch_score(self, output: Tensor, targets: Tensor) -> Tensor:
        """Return the batch's accuracy; `targets` as `target` gave them."""
        truth = targets.reshape(len(output)) if is_one_logit(output) else targets
        return (self.logits(output).argmax(1) == truth).to(torch.float32).mean()


def is_one_logit(output: Tensor) -> bool:
    """Tell whether an output has one number a sample, [B] or [B, 1]."""
    return output.ndim == 1 or output.shape[1] == 1
