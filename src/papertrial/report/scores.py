"""The scores of finished runs: the spread of each metric, the confusion matrix, each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from papertrial.evaluate.metrics import scalars
from papertrial.report.run_results import judged_split, read_predictions, task_of
from papertrial.runs.run import Run
from papertrial.store.fold_row import FoldRow
from papertrial.store.report_record import ClassScores, ConfusionMatrix, Spread
from papertrial.tasks.classification import Classification
from papertrial.tasks.multilabel import MultilabelClassification

_MOST_CLASSES = 200  # whose confusion matrix is stored: more cannot be read


def spreads(runs: Sequence[Run]) -> dict[str, dict[str, Spread]]:
    """Return the spread of each score in a report on S finished runs, by split and metric.

    A score is a metric that is a single number. The spread of one run is its value; that of more is
    the mean, the SD with S - 1 in the denominator, the smallest and the largest value. A metric
    that a run lacks is omitted.
    """
    result: dict[str, dict[str, Spread]] = {}
    for split, metrics in runs[0].metrics.items():
        result[split] = {}
        for name in scalars(metrics):
            values = [scalars(run.metrics.get(split, {})).get(name) for run in runs]
            numbers = [float(value) for value in values if value is not None]
            if len(numbers) == len(runs):
                result[split][name] = _spread(numbers)
    return result


def _spread(numbers: Sequence[float]) -> Spread:
    if len(numbers) == 1:
        return Spread(value=numbers[0])
    return Spread(
        mean=float(np.mean(numbers)),
        sd=float(np.std(numbers, ddof=1)),
        low=min(numbers),
        high=max(numbers),
    )


def fold_rows(runs: Sequence[Run]) -> tuple[FoldRow, ...]:
    """Return the test scores of each fold for a report on S runs, means over the runs."""
    of_runs = [run.summary.folds for run in runs]
    rows = []
    for same in zip(*of_runs, strict=True):
        names = [n for n in same[0].metrics["test"] if all(n in o.metrics["test"] for o in same)]
        rows.append(
            FoldRow(
                repeat=same[0].repeat,
                fold=same[0].fold,
                rows=float(np.mean([one.rows["test"] for one in same])),
                scores={
                    name: float(np.mean([one.metrics["test"][name] for one in same]))
                    for name in names
                },
            )
        )
    return tuple(rows)


@dataclass(frozen=True)
class ByClass:
    """The results by class.

    Attributes:
        confusion: the mean confusion matrix; None for a regression, for more than 200 classes, and
            if a sample may have several labels.
        per_class: the scores of each class; empty for a regression.
    """

    confusion: ConfusionMatrix | None
    per_class: tuple[ClassScores, ...]


def scores_of_classes(runs: Sequence[Run]) -> ByClass:
    """Return the scores of each class, and the confusion matrix [K, K], for a report on S runs.

    The scores are precision, recall, F1 and support. All are means over the runs, computed by
    scikit-learn from the stored predictions of the split that the runs are judged by, whatever
    metrics the recipe asked for. A row of the matrix is a true class, a column a predicted one; a
    class that is never predicted has precision 0. A regression has neither.
    """
    from sklearn.metrics import (  # noqa: PLC0415  (slow to import)
        confusion_matrix,
        precision_recall_fscore_support,
    )

    task, split = task_of(runs[0]), judged_split(runs[0])
    if not isinstance(task, Classification | MultilabelClassification):
        return ByClass(None, ())
    matrices, scores = [], []
    labels = list(range(len(task.class_names)))
    for run in runs:
        kept = read_predictions(run, split)
        truth, answer = kept.target.numpy(), _answers(task, kept.output).numpy()
        if isinstance(task, Classification):
            matrices.append(confusion_matrix(truth, answer, labels=labels))
        scores.append(
            precision_recall_fscore_support(truth, answer, labels=labels, zero_division=0)
        )
    confusion = None
    if matrices and len(labels) <= _MOST_CLASSES:
        confusion = ConfusionMatrix(
            split=split,
            classes=task.class_names,
            matrix=tuple(map(tuple, np.mean(matrices, axis=0).tolist())),
            seeds=len(runs),
        )
    means = np.mean(np.array(scores, dtype=float), axis=0).T.tolist()  # [K, 4]
    names = ("precision", "recall", "f1", "support")
    return ByClass(
        confusion,
        tuple(
            ClassScores.model_validate({"class": label, **dict(zip(names, row, strict=True))})
            for label, row in zip(task.class_names, means, strict=True)
        ),
    )


def _answers(task: Classification | MultilabelClassification, output: Tensor) -> Tensor:
    """Return the predicted class of each row [N], or 0 and 1 for each label [N, K]."""
    if isinstance(task, Classification):
        return task.logits(output).argmax(1)
    return task.answers(output)
