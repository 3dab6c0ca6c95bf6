"""Class imbalance: what a set's accuracy is worth, and classes that no one has seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from papertrial.data.column import Dataset
from papertrial.diagnose.finding import Finding

# From ten to one on, always answering the frequent one of two classes is right 10 times in 11:
# accuracy then says little. What papers call mild imbalance (up to a few to one) stays untold.
_RATIO = 10
_PARTS = {"train": "training", "validation": "validation", "test": "test"}
_SHOWN = 5


def imbalance(dataset: Dataset) -> tuple[list[Finding], dict[str, Any]]:
    """Return warnings on the class counts of a classification set, and the counts.

    - the rarest class of the training part has less than a tenth of the most frequent one's rows;
    - a class has no sample in the training part, or none in another.

    Returns:
        Findings, and facts: {"class_counts": {split: {class: rows}}, "majority_accuracy": that of
        always answering the most frequent class of the training part, on the test part (or the
        training part where there is none)}. Both are empty for a set without classes.
    """
    classes = dataset.classes
    if not classes or dataset.train.y.is_floating_point():
        return [], {}
    counts = {name: count(split.y, len(classes)) for name, split in dataset.splits.items()}
    train = counts["train"]
    most, least = int(train.argmax()), int(train.argmin())
    judged = counts.get("test", train)
    accuracy = float(judged[most]) / max(1, int(judged.sum()))
    found = [finding for name in counts if (finding := _absent(name, counts[name], classes))]
    if 0 < train[least] * _RATIO < train[most]:
        message = (
            f"the classes are imbalanced: {train[most]:,} training samples of {classes[most]!r}, "
            f"{train[least]:,} of {classes[least]!r}; always answering {classes[most]!r} has an "
            f"accuracy of {accuracy:.1%}"
        )
        fix = "judge by recall and f1 too (metrics), and consider class weights in the loss"
        found.append(Finding("warning", "data.source", message, fix))
    named = {
        name: dict(zip(classes, values.tolist(), strict=True)) for name, values in counts.items()
    }
    return found, {"class_counts": named, "majority_accuracy": accuracy}


def count(y: Tensor, classes: int) -> Tensor:
    """Return how many of the class indices y [N] there are of each class, [K]."""
    inside = y[(y >= 0) & (y < classes)].cpu().long()
    return torch.bincount(inside, minlength=classes)


def _absent(part: str, counts: Tensor, classes: Sequence[str]) -> Finding | None:
    absent = [name for name, rows in zip(classes, counts.tolist(), strict=True) if rows == 0]
    if not absent:
        return None
    more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
    named = ", ".join(map(repr, absent[:_SHOWN])) + more
    message = (
        f"every class must be in every part, but the {_PARTS[part]} part has no sample of {named}"
    )
    fix = "add samples, leave the class out, or cut the parts with data.splits.stratify: true"
    where = "data.splits.validation" if part == "validation" else "data.source"
    return Finding("warning", where, message, fix)
