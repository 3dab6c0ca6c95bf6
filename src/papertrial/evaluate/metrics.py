"""Metrics of outputs and targets, most of them computed by torchmetrics."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from papertrial.data.nested import mapped
from papertrial.data.streams import derive, drawing_from
from papertrial.errors import DataError, DivergedError, did_you_mean
from papertrial.evaluate.metric_function import MetricFunction
from papertrial.tasks.classification import Classification, is_one_logit
from papertrial.tasks.loss_requirements import Loss
from papertrial.tasks.task import Task
from papertrial.vocabulary import Metric, Metrics, MetricValue

# A number; a number for each class, by name; a confusion matrix [K, K] with a row for each true
# class; or None if undefined.
_TOP = re.compile(r"top([1-9][0-9]*)_accuracy")
_AVERAGED = {  # functions of torchmetrics, which is imported when needed because it is slow to
    "precision": "multiclass_precision",
    "recall": "multiclass_recall",
    "f1": "multiclass_f1_score",
}


_REGRESSION = ("mse", "rmse", "mae", "r2")
_AVERAGES = {"": "macro", "_micro": "micro", "_weighted": "weighted", "_per_class": "none"}
_CLASSIFICATION = (
    "accuracy", "top5_accuracy", *(name + how for how in _AVERAGES for name in _AVERAGED),
    "confusion_matrix", "auroc",
)  # fmt: skip
FAMILIES = {
    "classification": ("loss", *_CLASSIFICATION),
    "regression": ("loss", *_REGRESSION),
    "prediction": ("loss",),
}

_CPU = torch.device("cpu")
_NO_METRICS: Mapping[str, MetricFunction] = MappingProxyType({})


def check_metrics(names: Sequence[str], task: Task, own: Container[str] = ()) -> None:
    """Check that each metric exists and fits the task.

    Raises:
        DataError: a metric is unknown, is for another kind of task, or needs more classes.
    """
    valid = FAMILIES[task.family]
    classes = len(task.class_names)
    for name in names:
        top = _TOP.fullmatch(name)
        if name in own:
            continue
        if top and task.family == "classification":
            if int(top[1]) >= classes:
                raise DataError(
                    f"metrics: {name} of {classes} classes is always 1; choose k < {classes}"
                )
        elif name not in valid:
            rule = f"metrics: {name!r} is not a metric of {task.family}"
            raise DataError(f"{rule}{did_you_mean(name, valid)}")


def compute(
    names: Sequence[str],
    task: Task,
    output: Tensor,
    y: Any,
    loss: Loss,
    device: torch.device = _CPU,
    *,
    stream: int = 0,
    own: Mapping[str, MetricFunction] = _NO_METRICS,
    losses: Tensor | None = None,
) -> Metrics:
    """Compute the metrics of a split from its outputs and targets.

    Args:
        names: the metrics. Precision, recall, F1 and AUROC are macro averages over the classes;
            `f1_micro` counts all classes together, `f1_weighted` weights each by its rows.
        task: what the outputs mean.
        output: raw outputs, [N, K], [N] or [N, T].
        y: targets as stored, [N] or [N, T].
        loss: called once, on the whole split, with its own reduction.
        device: where the loss is computed; metrics are computed on the CPU, those of regression in
            float64.
        stream: a loss that draws random numbers draws from its stream ("loss",).
        own: metrics of the user's, by name; see `own_arguments`.
        losses: the loss of each batch and its samples [M, 2], where `output` is only what was kept
            of the outputs.

    Returns:
        The values by name; None if undefined, such as AUROC if a class is absent.
    """
    values: Metrics = {}
    output = output.detach().cpu()
    y = mapped(lambda one: one.cpu(), y)
    target = mapped(torch.clone, task.target(y, output))
    for name in names:
        if name == "loss" and losses is not None:
            values[name] = float((losses[:, 0] * losses[:, 1]).sum() / losses[:, 1].sum())
        elif name == "loss":
            with torch.no_grad(), drawing_from(device, derive(stream, "loss")):
                values[name] = loss(output.to(device), _moved(target, device)).item()
        elif name in own:
            values[name] = own[name](*own_arguments(task, output, y))
        elif task.family == "regression":
            defined = name != "r2" or len(y) >= 2
            values[name] = _regression(name, output.double(), target.double()) if defined else None
        else:
            with _counting_by_histogram():
                values[name] = _classification(name, task, output, y)
    return values


def own_arguments(task: Task, output: Tensor, y: Any) -> tuple[Tensor, Any]:
    """Return what a metric of the user's is called with, as copies on the CPU.

    A classification has logits [N, K], or [N] for one logit or probability, and class indices [N].
    A regression has outputs and targets of the same shape. Other tasks have both as they are.
    """
    output = output.detach().cpu().clone()
    if isinstance(task, Classification):
        return (output.reshape(len(output)) if is_one_logit(output) else output), y.cpu().clone()
    return output, mapped(lambda one: one.cpu().clone(), task.target(y, output))


def _moved(value: Any, device: torch.device) -> Any:
    return mapped(lambda one: one.to(device), value)


@contextlib.contextmanager
def _counting_by_histogram() -> Iterator[None]:
    """Let torchmetrics count with torch.bincount, which is exact on the CPU.

    With torch.use_deterministic_algorithms it compares every row with every cell of the confusion
    matrix instead, which takes 4 GB for 50,000 rows and 100 classes.
    """
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def _regression(name: str, output: Tensor, target: Tensor) -> float:
    if name == "r2":  # torchmetrics treats sums of squares below 1e-4 as 0, whatever the unit
        from sklearn.metrics import r2_score  # noqa: PLC0415  (slow to import)

        return float(r2_score(target.flatten().numpy(), output.flatten().numpy()))
    from torchmetrics.functional import regression as tmr  # noqa: PLC0415  (slow to import)

    if name == "mae":
        return float(tmr.mean_absolute_error(output, target))
    return float(tmr.mean_squared_error(output, target, squared=name == "mse"))


def _classification(name: str, task: Task, output: Tensor, target: Tensor) -> MetricValue:
    assert isinstance(task, Classification), "the family is checked first"
    classes, output = task.classes, task.logits(output)
    count = len(classes)
    top = _TOP.fullmatch(name)
    if name == "accuracy" or top:
        # torchmetrics holds several int64 tensors [N, K] for top-k, and divides in float32.
        return int(_among_likeliest(output, target, int(top[1]) if top else 1).sum()) / len(target)
    from torchmetrics.functional import classification as tmc  # noqa: PLC0415  (slow to import)

    if name == "confusion_matrix":
        matrix: list[list[int]] = tmc.multiclass_confusion_matrix(output, target, count).tolist()
        return matrix
    if name == "auroc":
        if len(torch.unique(target)) < count:
            return None
        return float(tmc.multiclass_auroc(task.link(output), target, count))
    base, _, how = name.partition("_")
    metric: Callable[..., Tensor] = getattr(tmc, _AVERAGED[base])
    average = _AVERAGES[f"_{how}" if how else ""]
    value = metric(output, target, count, average=average)
    return dict(zip(classes, value.tolist(), strict=True)) if average == "none" else float(value)


def correct(name: str, task: Task, output: Tensor, target: Tensor) -> Tensor:
    """Return whether each sample is right [N], whose mean is the accuracy.

    Args:
        name: `accuracy` or `topN_accuracy`.
        task: a classification.
        output: raw outputs, [N, K] or [N].
        target: targets as stored, [N].
    """
    assert isinstance(task, Classification), "only a classification has accuracies"
    top = _TOP.fullmatch(name)
    return _among_likeliest(task.logits(output), target, int(top[1]) if top else 1)


def _among_likeliest(logits: Tensor, target: Tensor, k: int) -> Tensor:
    likeliest = logits.topk(k, 1).indices if k > 1 else logits.argmax(1, keepdim=True)
    return (likeliest == target[:, None]).any(1)


def check_finite(metrics: Metrics, output: Tensor, split: str, step: int) -> None:
    """Check that the computed metrics of a split are finite, and that its outputs are numbers.

    Raises:
        DivergedError: a metric is infinite or nan, or an output is nan.
    """
    bad = [n for n, v in metrics.items() if isinstance(v, float) and not math.isfinite(v)]
    if bad or output.isnan().any():
        raise DivergedError(
            f"after step {step} the outputs or metrics on {split} are not finite "
            f"({', '.join(bad) or 'its outputs are nan'}): the training diverged; "
            "lower optimizer.lr, or set clip_norm"
        )


def best(metric: Metric, values: Iterable[object]) -> float | None:
    """Return the best of the values of a metric that are numbers; None if none is."""
    known = [value for value in values if isinstance(value, int | float)]
    return (min if metric.lower_is_better else max)(known, default=None)


def scalars(metrics: Mapping[str, MetricValue]) -> dict[str, float]:
    """Return the metrics that are a single number."""
    return {name: value for name, value in metrics.items() if isinstance(value, int | float)}
