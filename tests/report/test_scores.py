"""Spreads and scores by class, checked with scikit-learn."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import classification_report, confusion_matrix

import papertrial as pt
from papertrial.report.run_parts import RunParts

Answers = Callable[[pt.Run], tuple[np.ndarray, np.ndarray]]


def test_the_spread_over_seeds_is_that_of_their_metrics(
    seeds: list[pt.Run], parts: RunParts
) -> None:
    ours = [run.metrics["test"]["accuracy"] for run in seeds]
    assert ours[0] != ours[1]
    spread = parts.metrics["test"]["accuracy"]
    assert spread.value is None
    assert spread.mean == pytest.approx(statistics.mean(ours))
    assert spread.sd == pytest.approx(statistics.stdev(ours))
    assert (spread.low, spread.high) == (min(ours), max(ours))
    assert list(parts.metrics) == ["train", "validation", "test"]
    assert list(parts.metrics["train"]) == ["loss", "accuracy"]


def test_confusion_and_classes_are_means_of_what_scikit_learn_says(
    seeds: list[pt.Run], parts: RunParts, answers: Answers
) -> None:
    pairs = [answers(run) for run in seeds]
    matrices = [confusion_matrix(*pair) for pair in pairs]
    confusion = parts.confusion
    assert confusion is not None
    assert (confusion.split, confusion.seeds) == ("test", 2)
    assert confusion.classes == tuple(str(digit) for digit in range(10))
    np.testing.assert_allclose(confusion.matrix, np.mean(matrices, axis=0))
    theirs = [classification_report(*p, output_dict=True, zero_division=0) for p in pairs]
    for row in parts.per_class:
        each = [one[row.class_] for one in theirs]
        assert row.f1 == pytest.approx(statistics.mean(one["f1-score"] for one in each))
        for key in ("precision", "recall", "support"):
            assert getattr(row, key) == pytest.approx(statistics.mean(one[key] for one in each))
    assert len(parts.per_class) == 10
