"""Class counts that make an accuracy meaningless are reported."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from papertrial.checks.class_balance import imbalance
from papertrial.data.column import Dataset, DenseColumn, Split


def split(*counts: int) -> Split:
    y = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return Split(DenseColumn(torch.zeros(len(y), 2)), y, np.arange(len(y)))


def dataset(train: Split, test: Split | None = None, validation: Split | None = None) -> Dataset:
    return Dataset("mine", "image", train, validation, test, classes=("cat", "dog", "eel"))


def test_an_imbalance_is_reported_with_the_accuracy_of_always_the_same_answer() -> None:
    found, balance = imbalance(dataset(split(990, 300, 98), split(90, 5, 5)))
    assert [(f.severity, f.where) for f in found] == [("warning", "data.source")]
    assert "990 training samples of 'cat', 98 of 'eel'" in found[0].message
    assert balance is not None
    assert "always answering 'cat' has an accuracy of 90 %" in found[0].message
    assert balance.class_counts["train"] == {"cat": 990, "dog": 300, "eel": 98}
    assert balance.majority_accuracy == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("metrics", "is_weighted", "fix"),
    [
        (["accuracy"], False, "add recall and f1 .* consider weight: balanced .*sampler"),
        (["recall", "f1_macro"], False, "^consider weight: balanced"),
        (["loss", "f1[eel]"], True, "^add recall to metrics$"),
        (["recall_per_class", "f1"], True, "^judge by recall and f1"),
    ],
)
def test_the_advice_leaves_out_what_the_recipe_does(
    metrics: list[str], is_weighted: bool, fix: str
) -> None:
    uneven = dataset(split(990, 300, 98), split(90, 5, 5))
    found, _ = imbalance(uneven, metrics=metrics, is_weighted=is_weighted)
    assert re.search(fix, found[0].fix)
    y = torch.zeros(100, 2, dtype=torch.uint8)
    y[:9, 0], y[:50, 1] = 1, 1
    labels = Split(DenseColumn(torch.zeros(100, 2)), y, np.arange(100))
    of_labels = Dataset("mine", "table", labels, targets=("cat", "dog"))
    found, _ = imbalance(of_labels, metrics=metrics, is_weighted=is_weighted)
    assert ("pos_weight" in found[0].fix) is not is_weighted
    assert "average_precision" in found[0].fix


@pytest.mark.parametrize("counts", [(10, 10, 10), (1000, 300, 100)])
def test_up_to_ten_to_one_is_not_reported(counts: tuple[int, int, int]) -> None:
    assert imbalance(dataset(split(*counts), split(5, 5, 5)))[0] == []


def test_a_class_without_samples_is_reported() -> None:
    found, _ = imbalance(dataset(split(10, 0, 10), split(5, 5, 0), split(1, 1, 0)))
    assert [(f.severity, f.where) for f in found] == [
        ("warning", "data.source"),
        ("warning", "data.splits.validation"),
        ("warning", "data.source"),
    ]
    assert "the training split has no sample of 'dog'" in found[0].message
    assert "the validation split has no sample of 'eel'" in found[1].message
    assert "the test split has no sample of 'eel'" in found[2].message


def test_numbers_have_no_classes() -> None:
    y = torch.tensor([1.0, 2.0])
    numbers = Split(DenseColumn(torch.zeros(2, 2)), y, np.arange(2))
    assert imbalance(Dataset("mine", "table", numbers)) == ([], None)


def test_rare_labels_and_labels_without_samples_are_reported() -> None:
    y = torch.zeros(100, 3, dtype=torch.uint8)
    y[:50, 0], y[:9, 1] = 1, 1
    train = Split(DenseColumn(torch.zeros(100, 2)), y, np.arange(100))
    found, balance = imbalance(
        Dataset(
            "mine", "image", train, targets=("cat", "dog", "eel"), test=train.rows(torch.arange(10))
        )
    )
    assert [(one.severity, one.where) for one in found] == [("warning", "data.source")] * 3
    assert "the training split has no sample of 'eel'" in found[0].message
    assert "the test split has no sample of 'eel'" in found[1].message
    assert "1 of 3 labels are imbalanced: 9 of 100 training samples have 'dog'" in found[2].message
    assert "91 %" in found[2].message
    assert balance is not None
    assert balance.class_counts["train"] == {"cat": 50, "dog": 9, "eel": 0}
    assert balance.majority_accuracy is None
