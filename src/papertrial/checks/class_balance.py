"""Class imbalance: how much an accuracy means, and classes that are missing from a split."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from papertrial.data.column import Dataset
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.numbers import percent
from papertrial.vocabulary import split_metric

# At ten to one, always answering the more frequent of two classes is right 10 times out of 11, so
# accuracy says little. Ratios of a few to one, which papers call mild, are not reported.
_RATIO = 10
_PARTS = {"train": "training", "validation": "validation", "test": "test"}
_SHOWN = 5


@dataclass(frozen=True)
class ClassBalance:
    """Class counts of a classification dataset.

    Attributes:
        class_counts: number of samples by split and class or label.
        majority_accuracy: accuracy of always answering the most frequent class of the training
            split, on the test split (on the training split if there is no test split). None if
            samples have several labels.
    """

    class_counts: dict[str, dict[str, int]]
    majority_accuracy: float | None


def imbalance(
    dataset: Dataset, *, metrics: Collection[str] = (), is_weighted: bool = False
) -> tuple[list[Diagnosis], ClassBalance | None]:
    """Return warnings about the class counts of a dataset, and the counts.

    There is a warning if

    - the rarest class has less than a tenth of the samples of the most frequent one, both counted
      in the training split; of labels, if at most a tenth as many samples have one as do not, or
      the reverse;
    - a split has no sample of a class or label.

    Without classes or labels, as for regression, the result is ([], None).

    Args:
        dataset: the dataset.
        metrics: the metrics that are computed; no warning advises to add one of them.
        is_weighted: whether the loss or the sampler weights the classes, so that no warning advises
            to do so.
    """
    if dataset.targets and not dataset.train.y.is_floating_point():
        return _imbalance_of_labels(dataset, metrics, is_weighted=is_weighted)
    classes = dataset.classes
    if not classes or dataset.train.y.is_floating_point():
        return [], None
    counts = {name: count_classes(split.y, len(classes)) for name, split in dataset.splits.items()}
    train = counts["train"]
    most, least = int(train.argmax()), int(train.argmin())
    judged = counts.get("test", train)
    accuracy = float(judged[most]) / max(1, int(judged.sum()))
    found = [absent for name in counts if (absent := _absent(name, counts[name], classes))]
    if 0 < train[least] * _RATIO < train[most]:
        message = (
            f"the classes are imbalanced: {train[most]:,} training samples of {classes[most]!r}, "
            f"{train[least]:,} of {classes[least]!r}; always answering {classes[most]!r} has an "
            f"accuracy of {percent(accuracy)}"
        )
        weights = "weight: balanced in the loss, or data.sampler: balanced"
        fix = _fix(("recall", "f1"), metrics, "" if is_weighted else weights)
        found.append(Diagnosis("warning", "data.source", message, fix))
    named = {
        name: dict(zip(classes, values.tolist(), strict=True)) for name, values in counts.items()
    }
    return found, ClassBalance(named, accuracy)


def _imbalance_of_labels(
    dataset: Dataset, metrics: Collection[str], *, is_weighted: bool
) -> tuple[list[Diagnosis], ClassBalance]:
    counts = {name: split.y.cpu().long().sum(0) for name, split in dataset.splits.items()}
    labels, have = dataset.targets, counts["train"].tolist()
    found = [absent for name in counts if (absent := _absent(name, counts[name], labels))]
    total = len(dataset.train)
    rare = {k: min(n, total - n) for k, n in enumerate(have) if n}
    uneven = [k for k, least in rare.items() if least * _RATIO < total - least]
    if uneven:
        worst = min(uneven, key=lambda k: rare[k])
        message = (
            f"{len(uneven)} of {len(labels)} labels are imbalanced: {have[worst]:,} of {total:,} "
            f"training samples have {labels[worst]!r}; always giving the more frequent answer is "
            f"right for {percent(1 - rare[worst] / total)} of them"
        )
        weights = "" if is_weighted else "pos_weight in the loss"
        fix = _fix(("average_precision", "f1"), metrics, weights)
        found.append(Diagnosis("warning", "data.source", message, fix))
    named = {
        name: dict(zip(labels, values.tolist(), strict=True)) for name, values in counts.items()
    }
    return found, ClassBalance(named, None)


def _fix(telling: Sequence[str], metrics: Collection[str], weights: str) -> str:
    """Return what to do about an imbalance that the recipe does not do yet.

    Args:
        telling: metrics that tell more than an accuracy.
        metrics: those that are computed.
        weights: how the classes may be weighted; "" if they are.
    """
    computed = [split_metric(name)[0] for name in metrics]  # f1[fraud], recall_per_class
    absent = [one for one in telling if not any(name.startswith(one) for name in computed)]
    parts = [f"add {' and '.join(absent)} to metrics"] if absent else []
    parts += [f"consider {weights}"] if weights else []
    return ", and ".join(parts) or f"judge by {' and '.join(telling)}, not by the accuracy"


def count_classes(y: Tensor, classes: int) -> Tensor:
    """Count the samples of each class in a split, [K], from its class indices y [N]."""
    inside = y[(y >= 0) & (y < classes)].cpu().long()
    return torch.bincount(inside, minlength=classes)


def _absent(part: str, counts: Tensor, classes: Sequence[str]) -> Diagnosis | None:
    """Return a warning if a split has no sample of a class."""
    absent = [name for name, rows in zip(classes, counts.tolist(), strict=True) if rows == 0]
    if not absent:
        return None
    more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
    named = ", ".join(map(repr, absent[:_SHOWN])) + more
    message = (
        f"every class must be in every split, but the {_PARTS[part]} split has no sample of {named}"
    )
    fix = "add samples, remove the class, or set data.splits.stratify: true"
    where = "data.splits.validation" if part == "validation" else "data.source"
    return Diagnosis("warning", where, message, fix)
