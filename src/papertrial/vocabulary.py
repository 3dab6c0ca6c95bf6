"""The names that a recipe may use (tasks, sources, splits, metrics), and the types of metrics."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal, get_args

TaskName = Literal[
    "image-classification",
    "text-classification",
    "table-classification",
    "regression",
    "prediction",
]
NamedSet = Literal[
    "digits", "diabetes", "fashion-mnist", "mnist", "kmnist", "cifar10", "cifar100", "imdb"
]
OwnData = Literal["image-folder", "text-folder", "table", "text-table"]
SplitName = Literal["train", "validation", "test"]
ClaimSplit = Literal["train", "validation", "test", "none"]  # the score of a program has none
Better = Literal["higher", "lower"]
MetricUnit = Literal["fraction", "none"]  # at most 1, so that "93 %" fits it; or a unit of its own
# One number, one number per class, or a matrix of counts [K, K], rows the true classes; None where
# a metric is undefined.
MetricValue = float | dict[str, float] | list[list[int]] | None
Metrics = dict[str, MetricValue]  # by name
SplitMetrics = dict[str, Metrics]  # by split
# Precision, recall and F1 without more are macro averages over the classes.
_CLASSIFICATION = (
    "accuracy", "top5_accuracy", "precision", "recall", "f1",
    "precision_micro", "recall_micro", "f1_micro",
    "precision_weighted", "recall_weighted", "f1_weighted",
    "precision_per_class", "recall_per_class", "f1_per_class", "confusion_matrix", "auroc",
)  # fmt: skip
_REGRESSION = ("mse", "rmse", "mae", "r2")
METRICS = ("loss", *_CLASSIFICATION, *_REGRESSION)
COUNTS = ("parameters", "samples")  # what a claim can say without a training
_TOP = "top[1-9][0-9]*_accuracy"
METRIC_PATTERN = "^(" + "|".join((_TOP, *METRICS)) + ")$"
CLAIMABLE_PATTERN = "^(" + "|".join((_TOP, *METRICS, *COUNTS)) + ")$"
_ACCURACY = re.compile(f"accuracy|{_TOP}")
_ERRORS = ("loss", "mse", "rmse", "mae")
_IN_OWN_UNIT = (*_ERRORS, *COUNTS)
_MAY_BE_NEGATIVE = ("loss", "r2")

TASKS: tuple[str, ...] = get_args(TaskName)
SOURCES: tuple[str, ...] = get_args(NamedSet)
OWN_DATA: tuple[str, ...] = get_args(OwnData)


def metrics_of(task: str) -> tuple[str, ...]:
    """Return the names of the metrics that a recipe of a task may use.

    papertrial.evaluate.metrics computes them.
    """
    if task == "prediction":
        return ("loss",)
    return ("loss", *(_REGRESSION if task == "regression" else _CLASSIFICATION))


def has_metric(task: str, metric: str) -> bool:
    """Tell whether a recipe of a task may name a metric; a classification has all of the top k."""
    return metric in metrics_of(task) or ("classification" in task and is_accuracy(metric))


def is_metric(name: object, *, claimable: bool = False) -> bool:
    """Tell whether this is the name of a metric or, with `claimable`, that of a count."""
    pattern = CLAIMABLE_PATTERN if claimable else METRIC_PATTERN
    return isinstance(name, str) and re.fullmatch(pattern, name) is not None


def is_one_number(metric: str) -> bool:
    """Tell by its name whether a metric is one number, not one for each class."""
    return not (metric.endswith("_per_class") or "matrix" in metric)


def is_fraction(metric: str) -> bool:
    """Tell by its name whether a metric is at most 1, so that a percent sign and points fit it."""
    return is_one_number(metric) and metric not in _IN_OWN_UNIT


def lower_is_better(metric: str) -> bool:
    """Tell whether smaller values of a metric are better."""
    return metric in _ERRORS


def moves_in_steps(metric: str) -> bool:
    """Tell whether a metric is a share of the samples, so that on N samples it moves by 1/N.

    Micro averages and the weighted recall are the accuracy, as each sample has one class.
    """
    return is_accuracy(metric) or metric.endswith("_micro") or metric == "recall_weighted"


def is_accuracy(metric: str) -> bool:
    """Tell by its name whether a metric is an accuracy; papers call 1 - metric the error."""
    return _ACCURACY.fullmatch(metric) is not None


def score_name(split: str | None, metric: str) -> str:
    """Return the name of a score in messages: "test accuracy"; the metric alone without a split."""
    return metric if split in (None, "none") else f"{split} {metric}"


@dataclass(frozen=True)
class Metric:
    """What a verdict must know of a metric. What is not given follows from a known name.

    Attributes:
        name: of one of papertrial's metrics, or of a score of any program.
        better: which values are better; None if it follows from the name, or is not known.
        unit: whether it is a fraction; None if it follows from the name. Other metrics than
            papertrial's own are not fractions unless this says so.
    """

    name: str
    better: Better | None = None
    unit: MetricUnit | None = None

    @property
    def is_known(self) -> bool:
        """Whether it is one of papertrial's metrics or counts, whose direction is known."""
        return is_metric(self.name, claimable=True)

    @property
    def is_fraction(self) -> bool:
        """Whether it is at most 1, so that a percent sign and points fit it."""
        if self.unit is not None:
            return self.unit == "fraction"
        return self.is_known and is_fraction(self.name)

    @property
    def direction(self) -> Better | None:
        """Which values are better; None if it is not known."""
        if self.better is not None or not self.is_known:
            return self.better
        return "lower" if lower_is_better(self.name) else "higher"

    @property
    def lower_is_better(self) -> bool:
        """Whether smaller values are better; false if the direction is not known."""
        return self.direction == "lower"

    @property
    def is_accuracy(self) -> bool:
        """Whether it is an accuracy; papers call 1 - metric the error."""
        return is_accuracy(self.name) and self.is_fraction and not self.lower_is_better

    @property
    def may_be_negative(self) -> bool:
        """Whether a value below 0 is possible."""
        return self.name in _MAY_BE_NEGATIVE or not (self.is_known or self.is_fraction)

    @property
    def worst_value(self) -> float:
        """The worst value; infinite if it is unbounded, and NaN if the direction is not known."""
        if self.direction is None:
            return math.nan
        if self.lower_is_better:
            return 1.0 if self.is_fraction else math.inf
        return 0.0 if self.is_fraction and self.name != "r2" else -math.inf
