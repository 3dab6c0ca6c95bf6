"""The names that a recipe may use (tasks, sources, splits, metrics), and the types of metrics."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from papertrial.errors import did_you_mean, nearest

TaskName = Literal[
    "classification",
    "image-classification",
    "text-classification",
    "table-classification",
    "multilabel-classification",
    "regression",
    "prediction",
]
NamedSet = Literal[
    "digits", "diabetes", "breast-cancer", "fashion-mnist", "mnist", "kmnist", "cifar10",
    "cifar100", "imdb", "rt-polarity", "tiny-shakespeare", "etth1", "cora",
]  # fmt: skip
OwnData = Literal[
    "image-folder", "image-table", "text-folder", "table", "text-table", "dataset-folder",
]  # fmt: skip
SplitName = Literal["train", "validation", "test"]
TargetTransformName = Literal["standardize", "minmax", "log", "log1p"]
ClaimSplit = Literal["train", "validation", "test", "none"]  # the score of a program has none
Better = Literal["higher", "lower"]
MetricUnit = Literal["fraction", "none"]  # at most 1, so that "93 %" fits it; or a unit of its own
# One number, one number per class, or a matrix of counts [K, K], rows the true classes; None where
# a metric is undefined.
MetricValue = float | dict[str, float] | list[list[int]] | None
Metrics = dict[str, MetricValue]  # by name
SplitMetrics = dict[str, Metrics]  # by split
# Without more, these are macro averages over the classes, which `_macro` says too.
_AVERAGED = tuple(
    base + how
    for how in ("", "_macro", "_micro", "_weighted", "_per_class")
    for base in ("precision", "recall", "f1")
)
_CLASSIFICATION = (
    "accuracy", "top5_accuracy", *_AVERAGED, "balanced_accuracy", "specificity",
    "average_precision", "auroc", "mcc", "cohen_kappa", "confusion_matrix",
)  # fmt: skip
_MULTILABEL = (
    "exact_match", "hamming_loss", *_AVERAGED, "specificity", "average_precision", "auroc",
)  # fmt: skip
_REGRESSION = ("mse", "rmse", "mae", "r2")
METRICS = (
    "loss", *dict.fromkeys((*_CLASSIFICATION, *_MULTILABEL)), *_REGRESSION,
)  # fmt: skip
COUNTS = ("parameters", "samples")  # what a claim can say without a training
# Metrics of one class or label, `f1[fraud]`, and of one of several targets, `rmse[lat]`.
OF_CLASS = ("precision", "recall", "f1", "specificity", "average_precision", "auroc")
OF_TARGET = _REGRESSION
# Those whose macro average over two classes is often confused with the value of one class.
TWO_READINGS = ("precision", "recall", "f1", "specificity", "average_precision")
_TOP = "top[1-9][0-9]*_accuracy"
_PART = r"(?P<base>[a-z0-9_]+)\[(?P<part>.*\S.*)\]"
PART_PATTERN = f"({'|'.join((*OF_CLASS, *OF_TARGET))})\\[.*\\S.*\\]"
METRIC_PATTERN = "^(" + "|".join((_TOP, *METRICS, PART_PATTERN)) + ")$"
CLAIMABLE_PATTERN = "^(" + "|".join((_TOP, *METRICS, *COUNTS, PART_PATTERN)) + ")$"
_ACCURACY = re.compile(f"accuracy|{_TOP}")
_ERRORS = ("loss", "mse", "rmse", "mae", "hamming_loss")
_IN_OWN_UNIT = ("loss", "mse", "rmse", "mae", *COUNTS)
_LEAST = {"loss": -math.inf, "r2": -math.inf, "mcc": -1.0, "cohen_kappa": -1.0}  # of others 0
# Other names of metrics, for suggestions.
_ALIASES = {
    "accuracy": ("acc", "top1", "top1_acc", "top_1_accuracy"),
    "top5_accuracy": ("top5", "top5_acc", "top_5_accuracy"),
    "average_precision": (
        "map", "ap", "mean_average_precision", "average_precision_score", "auprc", "pr_auc",
        "auc_pr", "average_precision_macro",
    ),
    "mcc": ("matthews_corrcoef", "matthews", "phi", "phi_coefficient"),
    "cohen_kappa": ("kappa", "cohens_kappa", "cohen_kappa_score"),
    "balanced_accuracy": ("balanced_accuracy_score", "bacc", "bal_acc", "uar", "mean_recall"),
    "auroc": ("roc_auc", "auc", "roc_auc_score", "auc_roc", "rocauc"),
    "recall": ("sensitivity", "tpr", "true_positive_rate", "recall_score", "hit_rate"),
    "specificity": ("tnr", "true_negative_rate", "selectivity"),
    "precision": ("ppv", "positive_predictive_value", "precision_score"),
    "f1": ("f1_score", "f_score", "f_measure", "dice"),
    "f1_macro": ("macro_f1",),
    "f1_micro": ("micro_f1",),
    "f1_weighted": ("weighted_f1",),
    "exact_match": ("subset_accuracy", "exact_match_ratio"),
    "hamming_loss": ("hamming", "hamming_distance"),
    "confusion_matrix": ("confusion",),
    "mse": ("mean_squared_error",),
    "rmse": ("root_mean_squared_error",),
    "mae": ("mean_absolute_error",),
    "r2": ("r2_score", "r_squared", "coefficient_of_determination"),
}  # fmt: skip

TASKS: tuple[str, ...] = get_args(TaskName)
SOURCES: tuple[str, ...] = get_args(NamedSet)
OWN_DATA: tuple[str, ...] = get_args(OwnData)
SERIES: tuple[str, ...] = ("tiny-shakespeare", "etth1")  # whose samples are windows of a series
# Only for the task prediction; all come with a validation part.
OF_TENSORS: tuple[str, ...] = (*SERIES, "cora")


def metrics_of(task: str) -> tuple[str, ...]:
    """Return the names of the metrics that a recipe of a task may use.

    papertrial.evaluate.metrics computes them.
    """
    if task == "prediction":
        return ("loss",)
    if task == "multilabel-classification":
        return ("loss", *_MULTILABEL)
    return ("loss", *(_REGRESSION if task == "regression" else _CLASSIFICATION))


def usual_metrics(task: str) -> tuple[str, ...]:
    """Return the metrics that a recipe of a task computes if it lists none."""
    if task == "prediction":
        return ("loss",)
    if task == "multilabel-classification":
        return ("loss", "average_precision", "f1", "f1_micro", "exact_match", "hamming_loss")
    if task == "regression":
        return ("loss", *_REGRESSION)
    return ("loss", "accuracy", "precision", "recall", "f1")


def has_metric(task: str, metric: str) -> bool:
    """Tell whether a recipe of a task may name a metric; a classification has all of the top k."""
    known, (base, part) = metrics_of(task), split_metric(metric)
    if part is not None:
        return base in known
    return metric in known or ("accuracy" in known and is_accuracy(metric))


def metric_of_part(base: str, part: str) -> str:
    """Return the name of a metric of one class, label or target: `f1[fraud]`, `rmse[lat]`."""
    return f"{base}[{part}]"


def split_metric(metric: str) -> tuple[str, str | None]:
    """Return the name of a metric, and that of its class, label or target; None if it has none."""
    found = re.fullmatch(_PART, metric)
    if found is None or found["base"] not in (*OF_CLASS, *OF_TARGET):
        return metric, None
    return found["base"], found["part"]


def is_metric(name: object, *, claimable: bool = False) -> bool:
    """Tell whether this is the name of a metric or, with `claimable`, that of a count."""
    pattern = CLAIMABLE_PATTERN if claimable else METRIC_PATTERN
    return isinstance(name, str) and re.fullmatch(pattern, name) is not None


def suggest_metric(got: object, known: Iterable[str] = METRICS) -> str:
    """Return the end of an error message on an unknown metric: the name that was probably meant.

    Args:
        got: the unknown name; `map`, `roc_auc`, `sensitivity` and other common names are
            understood.
        known: the names of the metrics that can be used there.
    """
    names = list(known)
    word = re.sub(r"[^a-z0-9]+", "_", str(got).lower()).strip("_")
    meant = [name for name, others in _ALIASES.items() if word in (name, *others)]
    if meant and meant[0] in names:
        return f'; did you mean "{meant[0]}"?'
    for key, bases in (("class", OF_CLASS), ("target", OF_TARGET)):  # f1_binary, rmse.lat
        base = next((one for one in bases if word.startswith(f"{one}_") and one in names), None)
        if base is not None and word not in names and "_at_" not in word:
            return f"; for one {key}, write {{{base}: {{{key}: NAME}}}}{nearest(got, names)}"
    return did_you_mean(got, names)


def own_metric_form(name: object) -> str:
    """Return for messages how `metrics` lists a metric that papertrial does not have."""
    called = re.sub(r"\W+", "_", str(name)).strip("_") or "score"
    better = "lower" if lower_is_better(called) else "higher"
    called = f"own_{called}" if is_metric(called, claimable=True) else called
    return (
        f"a function is {{use: ./m.py:{called}, better: {better}}}, or use names a class of "
        "torchmetrics"
    )


def is_one_number(metric: str) -> bool:
    """Tell by its name whether a metric is one number, not one for each class."""
    if split_metric(metric)[1] is not None:
        return True
    return not (metric.endswith("_per_class") or "matrix" in metric)


def is_fraction(metric: str) -> bool:
    """Tell by its name whether a metric is at most 1, so that a percent sign and points fit it."""
    return is_one_number(metric) and split_metric(metric)[0] not in _IN_OWN_UNIT


def lower_is_better(metric: str) -> bool:
    """Tell whether smaller values of a metric are better."""
    return split_metric(metric)[0] in _ERRORS


def least_value(metric: str) -> float:
    """Return by its name the smallest value that a metric can have: 0, -1 or minus infinity."""
    return _LEAST.get(split_metric(metric)[0], 0.0)


def why_undefined(metric: str) -> str:
    """Return for a message when a metric has no value on a part of the data."""
    base = split_metric(metric)[0]
    if base.startswith(("auroc", "average_precision")):
        return f"{base} of a class needs samples of it and of others"
    if base.startswith("specificity"):
        return "specificity of a class needs samples of others"
    if base == "r2":
        return "r2 needs two samples"
    if base == "cohen_kappa":
        return "cohen_kappa needs more than one class in the samples or the answers"
    return f"{base} returned NaN"


def moves_in_steps(metric: str) -> bool:
    """Tell whether a metric is a share of the samples, so that on N samples it moves by 1/N.

    Micro averages and the weighted recall are the accuracy, as each sample has one class. If
    samples have several labels, a micro average moves by about 1/L for L labels that samples have
    or get, which is less than 1/N if samples have more than one label, and more if they have less.
    """
    return (
        is_accuracy(metric)
        or metric.endswith("_micro")
        or metric in ("recall_weighted", "exact_match")
    )


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
        return least_value(self.name) < 0 or not (self.is_known or self.is_fraction)

    @property
    def worst_value(self) -> float:
        """The worst value; infinite if it is unbounded, and NaN if the direction is not known."""
        if self.direction is None:
            return math.nan
        if self.lower_is_better:
            return 1.0 if self.is_fraction else math.inf
        return least_value(self.name) if self.is_fraction else -math.inf
