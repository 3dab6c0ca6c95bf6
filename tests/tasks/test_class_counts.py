"""Class counts, and weights that balance a loss, beside scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from papertrial.errors import ModelError
from papertrial.tasks.class_counts import ClassCounts

NAMES = ("a", "b", "c")


def counts(*y: int, names: tuple[str, ...] = NAMES) -> ClassCounts:
    found = ClassCounts.of(names, torch.tensor(y))
    assert found is not None
    return found


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    y = [0, 0, 0, 0, 1, 2, 2]
    expected = compute_class_weight("balanced", classes=np.arange(3), y=np.array(y))
    assert counts(*y).balanced() == pytest.approx(expected.tolist(), rel=1e-12)


def test_the_weight_of_positives_is_negatives_by_positives() -> None:
    assert counts(0, 1, 0, 0, names=("no", "yes")).positive() == [3.0]
    labels = ClassCounts.of(NAMES, torch.tensor([[1, 0, 1], [1, 1, 0], [1, 0, 0], [0, 0, 1]]))
    assert labels is not None
    assert labels.positive() == pytest.approx([1 / 3, 3.0, 1.0])


def test_weights_by_name_get_the_order_of_the_classes() -> None:
    assert counts(0, 1, 2).by_name({"c": 3, "a": 1, "b": 2}) == [1, 2, 3]


def test_what_does_not_fit_the_classes_is_told() -> None:
    with pytest.raises(ModelError, match="no class 'd'; the classes are a, b, c"):
        counts(0).by_name({"a": 1, "b": 2, "d": 3})
    with pytest.raises(ModelError, match="'c' has no weight"):
        counts(0).by_name({"a": 1, "b": 2})
    with pytest.raises(ModelError, match="none of 'b'"):
        counts(0, 2).balanced()
    with pytest.raises(ModelError, match="none of 'yes'"):
        counts(0, 0, names=("no", "yes")).positive()
    with pytest.raises(ModelError, match="two classes, got 3"):
        counts(0, 1, 2).positive()


def test_targets_that_are_not_classes_have_no_counts() -> None:
    assert ClassCounts.of((), torch.zeros(3)) is None
    assert ClassCounts.of(NAMES, {"a": torch.zeros(3)}) is None
