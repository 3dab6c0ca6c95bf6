"""Metrics of the outputs and targets of a split."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from papertrial.data.nested import mapped
from papertrial.data.streams import derive, drawing_from
from papertrial.errors import DataError, DivergedError, did_you_mean
from papertrial.evaluate.class_scores import ClassScores
from papertrial.evaluate.metric_function import MetricFunction
from papertrial.tasks.classification import Classification, is_one_logit
from papertrial.tasks.loss_requirements import Loss
from papertrial.tasks.multilabel import MultilabelClassification
from papertrial.tasks.regression import Regression
from papertrial.tasks.task import Task
from papertrial.vocabulary import (
    Metric,
    Metrics,
    MetricValue,
    metrics_of,
    own_metric_form,
    split_metric,
    suggest_metric,
)

# A number; a number for each class, by name; a confusion matrix [K, K] with a row for each true
# class; or None if undefined.
_TOP = re.compile(r"top([1-9][0-9]*)_accuracy")
FAMILIES = {
    "classification": metrics_of("classification"),
    "multilabel": metrics_of("multilabel-classification"),
    "regression": metrics_of("regression"),
    "prediction": metrics_of("prediction"),
}
_CPU = torch.device("cpu")
_NO_METRICS: Mapping[str, MetricFunction] = MappingProxyType({})


def check_metrics(names: Sequence[str], task: Task, own: Collection[str] = ()) -> None:
    """Check that each metric exists and fits the task.

    Raises:
        DataError: a metric is unknown, is for another kind of task, or needs more classes.
    """
    valid = FAMILIES[task.family]
    classes = len(task.class_names)
    for name in names:
        top, (base, part) = _TOP.fullmatch(name), split_metric(name)
        if name in own:
            continue
        if part is not None and base in valid:
            _check_part(name, part, task)
        elif top and task.family == "classification":
            if int(top[1]) >= classes:
                raise DataError(
                    f"metrics: {name} of {classes} classes is always 1; choose k < {classes}"
                )
        elif name not in valid:
            rule = f"metrics: {name!r} is not a metric of {task.family}"
            near = suggest_metric(name, [*valid, *own])
            if task.family == "prediction" and "did you mean" not in near:
                near += f"; {own_metric_form(name)}"
            raise DataError(f"{rule}{near}")


def _check_part(name: str, part: str, task: Task) -> None:
    """Raise DataError unless a metric of one class or target names one that the task has."""
    known = task.target_names if isinstance(task, Regression) else task.class_names
    if part not in known:
        what = "target" if isinstance(task, Regression) else "class"
        near = did_you_mean(part, known)
        raise DataError(f"metrics: {name}: there is no {what} {part!r}{near}")


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
        names: the metrics. Precision, recall, F1, specificity, average precision and AUROC are
            macro averages over the classes; `f1_micro` counts all classes together, `f1_weighted`
            weights each by its rows, `f1[a]` is that of the class a. Of several targets, errors are
            over all numbers, and R2 is the mean of those of the targets; `rmse[a]` is that of one.
            If the targets are transformed, the loss is on transformed ones, and others are not.
        task: what the outputs mean.
        output: outputs in the unit of the targets, [N, K], [N] or [N, T].
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
    raw = task.in_training_unit(output)
    target = mapped(torch.clone, task.target(y, raw))
    scores = None
    if isinstance(task, Classification | MultilabelClassification):
        scores = ClassScores(task, output, y)
    for name in names:
        if name == "loss" and losses is not None:
            values[name] = float((losses[:, 0] * losses[:, 1]).sum() / losses[:, 1].sum())
        elif name == "loss":
            with torch.no_grad(), drawing_from(device, derive(stream, "loss")):
                values[name] = loss(raw.to(device), _moved(target, device)).item()
        elif name in own:
            values[name] = own[name](*own_arguments(task, output, y))
        elif scores is not None:
            values[name] = _of_classes(name, scores, output, y)
        else:
            values[name] = _regression(name, task, output, y)
    return values


def own_arguments(task: Task, output: Tensor, y: Any) -> tuple[Tensor, Any]:
    """Return what a metric of the user's is called with, as copies on the CPU.

    A classification has logits [N, K], or [N] for one logit or probability, and class indices [N].
    A regression has outputs and targets of the same shape, both in the original unit, a multi-label
    one logits and 0 and 1 as int64 [N, K]. Other tasks have both as they are.
    """
    output = output.detach().cpu().clone()
    if isinstance(task, Classification):
        return (output.reshape(len(output)) if is_one_logit(output) else output), y.cpu().clone()
    if isinstance(task, MultilabelClassification):
        return output, y.cpu().long()
    if isinstance(task, Regression):
        return output.to(y.dtype), y.cpu().clone().view(output.shape)
    return output, mapped(lambda one: one.cpu().clone(), task.target(y, output))


def _moved(value: Any, device: torch.device) -> Any:
    return mapped(lambda one: one.to(device), value)


def _regression(name: str, task: Task, output: Tensor, y: Tensor) -> float | None:
    assert isinstance(task, Regression), "the metrics are checked first"
    base, part = split_metric(name)
    output, target = (one.double().reshape(len(one), -1) for one in (output, y))
    if part is not None:
        column = task.target_names.index(part)
        output, target = output[:, column], target[:, column]
    if base == "r2":
        if len(target) < 2:
            return None
        from sklearn.metrics import r2_score  # noqa: PLC0415  (slow to import)

        return float(r2_score(target.numpy(), output.numpy()))  # of several targets, their mean
    if base == "mae":
        return float((output - target).abs().mean())
    squared = (output - target).square().mean()
    return float(squared if base == "mse" else squared.sqrt())


def _of_classes(name: str, scores: ClassScores, output: Tensor, y: Tensor) -> MetricValue:
    task, top = scores.task, _TOP.fullmatch(name)
    if isinstance(task, Classification):
        logits, count = task.logits(output), len(task.classes)
        if name == "accuracy" or top:
            k = int(top[1]) if top else 1
            return int(_among_likeliest(logits, y, k).sum()) / len(y)
        if name == "confusion_matrix":
            cells = torch.bincount(y * count + logits.argmax(1), minlength=count**2)
            matrix: list[list[int]] = cells.reshape(count, count).tolist()
            return matrix
    return scores.score(name)


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
            f"({', '.join(bad) or 'its outputs are nan'}): the training diverged, or a metric of "
            "your own is infinite for finite outputs; lower optimizer.lr, or set clip_norm"
        )


def best(metric: Metric, values: Iterable[object]) -> float | None:
    """Return the best of the values of a metric that are numbers; None if none is."""
    known = [value for value in values if isinstance(value, int | float)]
    return (min if metric.lower_is_better else max)(known, default=None)


def scalars(metrics: Mapping[str, MetricValue]) -> dict[str, float]:
    """Return the metrics that are a single number."""
    return {name: value for name, value in metrics.items() if isinstance(value, int | float)}
