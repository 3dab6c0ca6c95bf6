"""Metrics of classes and labels against scikit-learn's, to 1e-12."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
import torch
from torch import Tensor, nn

from papertrial.errors import DataError
from papertrial.evaluate.class_scores import ClassScores
from papertrial.evaluate.metrics import FAMILIES, check_metrics, compute
from papertrial.tasks.classification import Classification
from papertrial.tasks.multilabel import MultilabelClassification
from papertrial.tasks.regression import Regression

LOSS = nn.CrossEntropyLoss()
NEAR = 1e-12


def _classes(count: int, rows: int, seed: int) -> tuple[Classification, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    y = torch.randint(count, (rows,), generator=draw)
    output = torch.randn(rows, count, generator=draw) + 0.7 * nn.functional.one_hot(y, count)
    return Classification([f"class {k}" for k in range(count)]), output, y


def _labels(count: int, rows: int, seed: int) -> tuple[MultilabelClassification, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    y = (torch.rand(rows, count, generator=draw) < 0.3).to(torch.uint8)
    output = 1.5 * y - 0.8 + torch.randn(rows, count, generator=draw)
    return MultilabelClassification([f"label {k}" for k in range(count)]), output, y


def _specificity(true: np.ndarray, guess: np.ndarray, k: int) -> float:
    return sk.recall_score(true != k, guess != k)


@pytest.mark.parametrize(("count", "rows", "seed"), [(2, 83, 0), (3, 500, 1), (9, 2000, 2)])
def test_metrics_of_classes_are_those_of_scikit_learn(count: int, rows: int, seed: int) -> None:
    task, output, y = _classes(count, rows, seed)
    true, guess, shares = y.numpy(), output.argmax(1).numpy(), task.link(output).numpy()
    expected = {
        "balanced_accuracy": sk.balanced_accuracy_score(true, guess),
        "mcc": sk.matthews_corrcoef(true, guess),
        "cohen_kappa": sk.cohen_kappa_score(true, guess),
        "specificity": np.mean([_specificity(true, guess, k) for k in range(count)]),
        "average_precision": np.mean(
            [sk.average_precision_score(true == k, shares[:, k]) for k in range(count)]
        ),
        "auroc": np.mean([sk.roc_auc_score(true == k, shares[:, k]) for k in range(count)]),
    }
    functions = (("precision", sk.precision_score), ("recall", sk.recall_score))
    for base, score in (*functions, ("f1", sk.f1_score)):
        for how in ("macro", "micro", "weighted"):
            expected[f"{base}_{how}"] = score(true, guess, average=how)
    for k in range(count):
        of = f"[class {k}]"
        expected |= {
            f"precision{of}": sk.precision_score(true == k, guess == k),
            f"recall{of}": sk.recall_score(true == k, guess == k),
            f"f1{of}": sk.f1_score(true == k, guess == k),
            f"specificity{of}": _specificity(true, guess, k),
            f"average_precision{of}": sk.average_precision_score(true == k, shares[:, k]),
            f"auroc{of}": sk.roc_auc_score(true == k, shares[:, k]),
        }
    check_metrics(list(expected), task)
    assert compute(list(expected), task, output, y, LOSS) == pytest.approx(expected, abs=NEAR)
    if count > 2:
        whole = sk.average_precision_score(true, shares)
        assert expected["average_precision"] == pytest.approx(whole, abs=NEAR)


@pytest.mark.parametrize(("count", "rows", "seed"), [(2, 60, 0), (5, 700, 1), (20, 400, 2)])
def test_metrics_of_labels_are_those_of_scikit_learn(count: int, rows: int, seed: int) -> None:
    task, output, y = _labels(count, rows, seed)
    true, guess = y.numpy(), (output > 0).long().numpy()
    shares = output.double().sigmoid().numpy()
    expected = {
        "exact_match": sk.accuracy_score(true, guess),
        "hamming_loss": sk.hamming_loss(true, guess),
        "average_precision": sk.average_precision_score(true, shares),
        "auroc": sk.roc_auc_score(true, shares),
        "f1[label 1]": sk.f1_score(true[:, 1], guess[:, 1]),
        "average_precision[label 1]": sk.average_precision_score(true[:, 1], shares[:, 1]),
    }
    functions = (("precision", sk.precision_score), ("recall", sk.recall_score))
    for base, score in (*functions, ("f1", sk.f1_score)):
        expected[base] = score(true, guess, average="macro")
        for how in ("micro", "weighted"):
            expected[f"{base}_{how}"] = score(true, guess, average=how)
    loss = nn.BCEWithLogitsLoss()
    got: dict[str, Any] = compute([*expected, "f1_per_class", "loss"], task, output, y, loss)
    each = got.pop("f1_per_class")
    assert list(each.values()) == pytest.approx(sk.f1_score(true, guess, average=None), abs=NEAR)
    assert list(each) == list(task.labels)
    assert got.pop("loss") == loss(output, y.float()).item()
    assert got == pytest.approx(expected, abs=NEAR)


@pytest.mark.parametrize("family", ["classification", "multilabel"])
def test_every_metric_of_a_task_is_computed(family: str) -> None:
    make: Callable[..., Any] = _classes if family == "classification" else _labels
    task, output, y = make(6, 80, 3)
    loss = LOSS if family == "classification" else nn.BCEWithLogitsLoss()
    got = compute(FAMILIES[family], task, output, y, loss)
    assert set(got) == set(FAMILIES[family])
    assert all(value is not None for value in got.values())


def test_values_by_hand_of_a_rare_class() -> None:
    """One of four frauds is found, and one of two alarms is right."""
    task = Classification(["fine", "fraud"])
    y = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
    alarm = torch.tensor([1.0, -1, -2, -3, -4, -5, 2, -1.5, -2.5, -3.5])  # one logit a sample
    names = [
        "f1[fraud]",
        "precision[fraud]",
        "recall[fraud]",
        "f1[fine]",
        "f1",
        "specificity[fine]",
    ]
    got = compute([*names, "specificity[fraud]"], task, alarm, y, nn.BCEWithLogitsLoss())
    expected = [1 / 3, 1 / 2, 1 / 4, 10 / 14, (1 / 3 + 10 / 14) / 2, 1 / 4, 5 / 6]
    assert list(got.values()) == pytest.approx(expected, abs=NEAR)


def test_what_is_undefined_is_none() -> None:
    task = Classification(["a", "b", "c"])
    output, y = torch.eye(3)[[0, 0, 0]], torch.tensor([0, 0, 0])
    names = ["cohen_kappa", "average_precision", "auroc", "specificity", "auroc[b]"]
    assert compute(names, task, output, y, LOSS) == dict.fromkeys(names)
    some = compute(["balanced_accuracy", "mcc", "f1", "recall[b]"], task, output, y, LOSS)
    assert some == {"balanced_accuracy": 1.0, "mcc": 0.0, "f1": 1.0, "recall[b]": 0.0}


def test_a_label_without_samples_counts_as_0_in_f1_and_has_no_average_precision() -> None:
    task, output, y = _labels(3, 50, 4)
    y[:, 1] = 0
    output[:, 1] = -5
    got = compute(["f1", "average_precision"], task, output, y, nn.BCEWithLogitsLoss())
    whole = sk.f1_score(y.numpy(), (output > 0).numpy(), average="macro", zero_division=0)
    assert got == {"f1": pytest.approx(whole, abs=NEAR), "average_precision": None}


@pytest.mark.parametrize(
    ("name", "task", "parts"),
    [
        ("f1[frod]", Classification(["fine", "fraud"]), ("no class 'frod'", '"fraud"')),
        ("f1[x]", Classification(["fine", "fraud"]), ("no class 'x'", "valid: fine, fraud")),
        ("rmse[lot]", Regression(["a"], "y", ["lat", "lon"]), ("no target 'lot'", '"lon"')),
        ("rmse[x]", Regression(["a"], "price"), ("no target 'x'", "price")),
        ("rmse[fine]", Classification(["fine", "fraud"]), ("not a metric of classification", "")),
        ("map", Classification(["fine", "fraud"]), ("'map'", 'did you mean "average_precision"')),
        ("accuracy", MultilabelClassification(["a", "b"]), ("not a metric of multilabel", "")),
    ],
)
def test_a_class_or_target_that_is_not_there_is_refused(
    name: str, task: Any, parts: tuple[str, ...]
) -> None:
    with pytest.raises(DataError) as error:
        check_metrics(["loss", name], task)
    assert all(part in str(error.value) for part in parts)


@pytest.mark.parametrize("part", ["a]b", "[x]", "f1[y]", "a b", "loss", "matrix"])
def test_class_names_may_be_anything(part: str) -> None:
    task = Classification([part, "other"])
    output, y = torch.eye(2)[[0, 1, 1]], torch.tensor([0, 1, 0])
    check_metrics([f"f1[{part}]"], task)
    assert ClassScores(task, output, y).score(f"f1[{part}]") == pytest.approx(2 / 3)


def test_metrics_of_several_targets() -> None:
    draw = torch.Generator().manual_seed(5)
    y = torch.randn(40, 3, generator=draw) * torch.tensor([1.0, 10, 100])
    output = y + torch.randn(40, 3, generator=draw)
    task = Regression(["a"], "p", ["p", "q", "r"])
    true, guess = y.double().numpy(), output.double().numpy()
    expected = {
        "mse": sk.mean_squared_error(true, guess),
        "mae": sk.mean_absolute_error(true, guess),
        "rmse": sk.mean_squared_error(true, guess) ** 0.5,
        "r2": sk.r2_score(true, guess),
    }
    for k, name in enumerate("pqr"):
        expected |= {
            f"rmse[{name}]": sk.root_mean_squared_error(true[:, k], guess[:, k]),
            f"mae[{name}]": sk.mean_absolute_error(true[:, k], guess[:, k]),
            f"r2[{name}]": sk.r2_score(true[:, k], guess[:, k]),
        }
    got = compute(list(expected), task, output, y, nn.MSELoss())
    assert got == pytest.approx(expected, rel=1e-12)
