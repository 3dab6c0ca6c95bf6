"""Metrics of classes and labels, in float64: from counts, or by scikit-learn."""

from __future__ import annotations

import warnings
from functools import cached_property

import numpy as np
from torch import Tensor

from papertrial.tasks.classification import Classification
from papertrial.tasks.multilabel import MultilabelClassification
from papertrial.vocabulary import MetricValue, split_metric

_COUNTED = ("precision", "recall", "f1")
_AVERAGED = (*_COUNTED, "specificity", "average_precision", "auroc")


class ClassScores:
    """Scores of N samples with one of K classes each, or with any of K labels.

    Args:
        task: what the outputs mean.
        output: raw outputs [N, K], or [N] or [N, 1] for one logit.
        y: targets as stored: class indices [N], or 0 and 1 for each label [N, K].
    """

    def __init__(
        self, task: Classification | MultilabelClassification, output: Tensor, y: Tensor
    ) -> None:
        self.task = task
        self.output = output
        self.names = task.class_names
        self.truth = y.numpy()

    def score(self, name: str) -> MetricValue:
        """Return a metric by name; None if it is undefined.

        Precision, recall and F1 are 0 where they are undefined, as in scikit-learn with
        `zero_division=0`; their macro averages are over the classes that occur in the truth or in
        the answers. Average precision and AUROC compare a class with all others: they are None if
        the class has no sample or all samples, and specificity is if it has all.
        """
        base, part = split_metric(name)
        if part is not None:
            return self._of_one(base, self.names.index(part))
        base = next((one for one in _AVERAGED if name == one or name.startswith(f"{one}_")), name)
        how = name.removeprefix(base).lstrip("_") or "macro"
        if base in _COUNTED:
            if how == "per_class":
                return dict(zip(self.names, self._counted(base).tolist(), strict=True))
            return self._average(base, how)
        if base in _AVERAGED:
            known = [self._of_one(base, k) for k in range(len(self.names))]
            values = [value for value in known if value is not None]
            return sum(values) / len(values) if len(values) == len(known) else None
        return self._whole(name)

    def _whole(self, name: str) -> float | None:
        """Return a metric that is not an average of those of the classes."""
        if name == "hamming_loss":
            return int((self.truth != self._answer).sum()) / self.truth.size
        if name == "exact_match":
            return int((self.truth == self._answer).all(1).sum()) / len(self.truth)
        if name == "balanced_accuracy":
            return float(self._counted("recall")[self._actual > 0].mean())
        from sklearn import metrics as sk  # noqa: PLC0415  (slow to import)

        with warnings.catch_warnings():  # of a kappa that is 0/0
            warnings.simplefilter("ignore")
            if name == "mcc":
                value = float(sk.matthews_corrcoef(self.truth, self._answer))
            else:
                assert name == "cohen_kappa", name
                value = float(sk.cohen_kappa_score(self.truth, self._answer))
        return None if np.isnan(value) else value

    def _of_one(self, base: str, k: int) -> float | None:
        """Return a metric of one class or label against all others."""
        if base in _COUNTED:
            return float(self._counted(base)[k])
        total = len(self.truth)
        others = total - int(self._actual[k])
        if base == "specificity":
            wrong = int(self._answered[k] - self._right[k])
            return (others - wrong) / others if others else None
        if others in (0, total):
            return None
        from sklearn import metrics as sk  # noqa: PLC0415  (slow to import)

        function = sk.average_precision_score if base == "average_precision" else sk.roc_auc_score
        is_k = self.truth == k if self.truth.ndim == 1 else self.truth[:, k]
        return float(function(is_k, self._shares[:, k]))

    def _counted(self, base: str) -> np.ndarray:
        """Return precision, recall or F1 of each class, float64 [K]."""
        return _ratio(self._right, self._out_of(base))

    def _average(self, base: str, how: str) -> float:
        if how == "micro":
            return float(_ratio(self._right.sum(), self._out_of(base).sum()))
        values = self._counted(base)
        if how == "weighted":
            return float(_ratio((values * self._actual).sum(), self._actual.sum()))
        occurs = self._actual + self._answered > 0
        return float(values[occurs].mean()) if self.truth.ndim == 1 else float(values.mean())

    def _out_of(self, base: str) -> np.ndarray:
        """Return what the right answers for each class are divided by, [K]."""
        if base == "f1":
            half: np.ndarray = (self._actual + self._answered) / 2
            return half
        return self._answered if base == "precision" else self._actual

    @cached_property
    def _answer(self) -> np.ndarray:
        """The predicted class [N], or 0 and 1 for each label [N, K]."""
        if isinstance(self.task, Classification):
            answer: np.ndarray = self.task.logits(self.output).argmax(1).numpy()
        else:
            answer = self.task.answers(self.output).numpy()
        return answer

    @cached_property
    def _shares(self) -> np.ndarray:
        """The probabilities [N, K], float64."""
        shares: np.ndarray = self.task.link(self.output).numpy()
        return shares

    @cached_property
    def _actual(self) -> np.ndarray:
        """The samples of each class, [K]."""
        return self._count(self.truth)

    @cached_property
    def _answered(self) -> np.ndarray:
        """The samples for which each class is predicted, [K]."""
        return self._count(self._answer)

    @cached_property
    def _right(self) -> np.ndarray:
        """The samples for which each class is rightly predicted, [K]."""
        if self.truth.ndim == 2:
            return self._count(self.truth * self._answer)
        return self._count(self.truth[self.truth == self._answer])

    def _count(self, values: np.ndarray) -> np.ndarray:
        if values.ndim == 2:
            return np.asarray(values.sum(0, dtype=np.int64))
        return np.bincount(values, minlength=len(self.names))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return the quotients in float64, 0 where the denominator is 0."""
    above, below = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    return np.asarray(np.divide(above, below, out=np.zeros_like(above), where=below > 0))
