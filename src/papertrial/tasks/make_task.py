"""The tasks by name, and how one is made for a data set."""

from __future__ import annotations

from papertrial.data.column import Dataset
from papertrial.data.nested import first_of
from papertrial.errors import DataError, did_you_mean
from papertrial.tasks.classification import Classification
from papertrial.tasks.image_classification import ImageClassification
from papertrial.tasks.multilabel import MultilabelClassification
from papertrial.tasks.prediction import TensorPrediction
from papertrial.tasks.regression import Regression
from papertrial.tasks.table_classification import TableClassification
from papertrial.tasks.task import Task
from papertrial.tasks.text_classification import TextClassification
from papertrial.vocabulary import TargetTransformName

TASKS: dict[str, type[Task]] = {
    "classification": Classification,
    "image-classification": ImageClassification,
    "text-classification": TextClassification,
    "table-classification": TableClassification,
    "multilabel-classification": MultilabelClassification,
    "regression": Regression,
    "prediction": TensorPrediction,
}


def make_task(
    name: str, dataset: Dataset, target_transform: TargetTransformName | None = None
) -> Task:
    """Return the task with this name from `TASKS`, made for the classes or columns of a set.

    `target_transform` is fitted on the training targets of a regression.

    Raises:
        DataError: the name is unknown, the set is not of the kind that the task needs, or the
            transform does not suit a target.
    """
    if name not in TASKS:
        raise DataError(f"there is no task {name!r}{did_you_mean(name, TASKS)}")
    task = TASKS[name]
    if dataset.kind not in task.kinds:
        y = first_of(dataset.train.y)
        has = "numbers" if y.is_floating_point() else "labels" if dataset.targets else "classes"
        fits = [
            other
            for other, cls in TASKS.items()
            if dataset.kind in cls.kinds and cls.targets == has
        ]
        takes = " or ".join(f"{one}s" for one in task.kinds)
        raise DataError(
            f"task {name} is for {takes}, but data.source {dataset.name} has {dataset.kind}s; "
            f"use the task {' or '.join(fits)}, or another source"
        )
    made = task.of(dataset)
    if target_transform is None:
        return made
    assert isinstance(made, Regression), "the recipe is checked first"
    return made.fitted(target_transform, dataset)
