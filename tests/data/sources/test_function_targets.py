"""Labels and several numbers that a function returns."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

from papertrial.data.column import Dataset
from papertrial.data.kind import TargetKind
from papertrial.data.sources.python_source import dataset_of
from papertrial.errors import DataError

NAME = "./data.py:rows"
X = np.arange(8.0).reshape(4, 2)
BITS = [[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1]]


def _load(kind: TargetKind, y: Any, **others: Any) -> Dataset:
    return dataset_of(lambda: {"train": (X, y), **others}, NAME, kind)


@pytest.mark.parametrize(
    "y", [BITS, np.array(BITS) == 1, torch.tensor(BITS), np.array(BITS, float)]
)
def test_labels_are_stored_as_0_and_1(y: Any) -> None:
    dataset = _load("labels", y, classes=["cat", "dog", "owl"])
    assert dataset.train.y.dtype == torch.uint8
    assert dataset.train.y.tolist() == BITS
    assert (dataset.classes, dataset.targets) == ((), ("cat", "dog", "owl"))
    assert _load("labels", y).targets == ("0", "1", "2")


def test_several_numbers_have_names() -> None:
    y = [[1, 2.5], [3, 4], [5, 6], [7, 8]]
    dataset = _load("numbers", y, targets=["lat", "lon"])
    assert dataset.train.y.dtype == torch.float32
    assert dataset.train.y.tolist() == y
    assert dataset.targets == ("lat", "lon")
    assert _load("numbers", y, target="place").targets == ("place_0", "place_1")
    assert _load("numbers", [[1], [2], [3], [4]]).targets == ()


BAD: dict[str, tuple[TargetKind, Any, dict[str, Any], str]] = {
    "tensors for classes": ("classes", np.zeros((4, 2, 2), dtype=int), {}, "set task: prediction"),
    "one class a sample": ("labels", [0, 1, 0, 1], {}, "y must be [N, K], 0 or 1 for each label"),
    "two": ("labels", [[0, 2]] * 4, {}, "y[0, 1] must be 0 or 1, got 2"),
    "half": ("labels", [[0, 0.5]] * 4, {}, "y[0, 1] must be 0 or 1, got 0.5"),
    "text": ("labels", [["a", "b"]] * 4, {}, "y must be 0 or 1 for each label, got 'a'"),
    "too few labels": ("labels", BITS, {"classes": ["a", "b"]}, "must name the 3 columns of y"),
    "targets of labels": ("labels", BITS, {"targets": list("abc")}, 'labels in "classes"'),
    "too few names": ("numbers", X, {"targets": ["a"]}, '"targets" must name the 2 columns of y'),
    "names of one": ("numbers", [1, 2, 3, 4], {"targets": ["a"]}, "but y is [N]"),
    "a matrix each": ("numbers", np.zeros((4, 2, 2)), {}, "set task: prediction"),
    "other columns": (
        "numbers",
        X,
        {"test": (X, X[:, :1])},
        '"test": y must have as many columns as in "train"',
    ),
    "whole floats": ("classes", [0.0, 1.0, 1.0, 0.0], {}, "return y.astype(int), or for a tensor"),
    "a column of classes": ("classes", [[0], [1], [1], [0]], {}, "got [4, 1]; return y[:, 0]"),
    "labels for classes": ("classes", BITS, {}, "set task: multilabel-classification"),
}


@pytest.mark.parametrize("case", BAD)
def test_other_targets_are_refused(case: str) -> None:
    targets, y, others, message = BAD[case]
    with pytest.raises(DataError, match=f"^{re.escape(NAME)}.*{re.escape(message)}"):
        _load(targets, y, **others)
