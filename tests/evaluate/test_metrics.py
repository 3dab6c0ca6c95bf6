"""Metrics against scikit-learn's on the same stored predictions."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
import torch
from torch import Tensor, nn

from papertrial.errors import DataError
from papertrial.evaluate.metrics import (
    FAMILIES,
    best,
    check_metrics,
    compute,
    scalars,
)
from papertrial.tasks.image_classification import ImageClassification
from papertrial.tasks.regression import Regression
from papertrial.vocabulary import Metric

REGRESS = Regression(["a"], "y")
LOSS = nn.CrossEntropyLoss()


def _classes(count: int) -> ImageClassification:
    return ImageClassification([f"class {k}" for k in range(count)])


def _draw(count: int, rows: int, seed: int, case: str) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    y = torch.randint(count, (rows,), generator=draw)
    output = torch.randn(rows, count, generator=draw) + 1.5 * nn.functional.one_hot(y, count)
    if case == "a class never predicted":
        output[:, 1] -= 100
    if case == "a class absent from the targets":
        y[y == 1] = 0
    if case == "a class absent from both":
        y[y == 1] = 0
        output[:, 1] -= 100
    return output, y


CASES = ["all", "a class never predicted", "a class absent from the targets"]


@pytest.mark.parametrize("case", [*CASES, "a class absent from both"])
@pytest.mark.parametrize(("count", "rows", "seed"), [(2, 31, 0), (7, 501, 1), (10, 1000, 2)])
def test_classification_metrics_are_those_of_scikit_learn(
    count: int, rows: int, seed: int, case: str
) -> None:
    task = _classes(count)
    output, y = _draw(count, rows, seed, case)
    names = ["accuracy", "confusion_matrix", "precision", "recall", "f1"]
    averages = ("micro", "weighted", "per_class")
    names += [f"{name}_{how}" for name in ("precision", "recall", "f1") for how in averages]
    got: dict[str, Any] = compute(names, task, output, y, LOSS)
    true, guess = y.numpy(), output.argmax(1).numpy()
    labels = list(range(count))
    assert got["accuracy"] == sk.accuracy_score(true, guess)
    assert got["confusion_matrix"] == sk.confusion_matrix(true, guess, labels=labels).tolist()
    for name, score in [
        ("precision", sk.precision_score),
        ("recall", sk.recall_score),
        ("f1", sk.f1_score),
    ]:
        macro = score(true, guess, average="macro", zero_division=0)
        assert got[name] == pytest.approx(macro, abs=1e-6)
        for how in ("micro", "weighted"):
            average = score(true, guess, average=how, zero_division=0)
            assert got[f"{name}_{how}"] == pytest.approx(average, abs=1e-6)
        each = score(true, guess, average=None, labels=labels, zero_division=0)
        assert list(got[f"{name}_per_class"]) == list(task.classes)
        assert list(got[f"{name}_per_class"].values()) == pytest.approx(each, abs=1e-6)


@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_top_k_accuracy_is_that_of_scikit_learn(k: int) -> None:
    output, y = _draw(10, 777, 3, "all")
    got = compute([f"top{k}_accuracy"], _classes(10), output, y, LOSS)[f"top{k}_accuracy"]
    assert got == sk.top_k_accuracy_score(y.numpy(), output.numpy(), k=k, labels=range(10))


@pytest.mark.parametrize("rows", [1, 3, 7, 10_000, 60_000])
def test_accuracy_is_a_ratio_of_whole_numbers(rows: int) -> None:
    output, y = _draw(3, rows, 4, "all")
    right = int((output.argmax(1) == y).sum())
    assert compute(["accuracy"], _classes(3), output, y, LOSS)["accuracy"] == right / rows


@pytest.mark.parametrize("count", [2, 3, 10])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_auroc_is_that_of_scikit_learn(count: int, scale: float) -> None:
    output, y = _draw(count, 400, 5, "all")
    output = output * scale
    task = _classes(count)
    shares = task.link(output).numpy()
    each = [sk.roc_auc_score(y.numpy() == k, shares[:, k]) for k in range(count)]
    expected = sum(each) / count
    if count > 2:
        whole = sk.roc_auc_score(y.numpy(), shares, multi_class="ovr", average="macro")
        assert expected == pytest.approx(whole)
    assert compute(["auroc"], task, output, y, LOSS)["auroc"] == pytest.approx(expected, abs=1e-6)


def test_auroc_is_none_where_a_class_is_absent() -> None:
    output, y = _draw(4, 50, 6, "a class absent from the targets")
    assert compute(["auroc"], _classes(4), output, y, LOSS) == {"auroc": None}


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e5])
@pytest.mark.parametrize("error", [0.5, 1e-3, 3.0])
def test_regression_metrics_are_those_of_scikit_learn(
    shape: tuple[int, ...], scale: float, error: float
) -> None:
    draw = torch.Generator().manual_seed(7)
    y = torch.randn(60, generator=draw) * scale
    output = (y + error * scale * torch.randn(60, generator=draw)).view(shape)
    got: dict[str, Any] = compute(["mse", "rmse", "mae", "r2"], REGRESS, output, y, nn.MSELoss())
    true, guess = y.double().numpy(), output.double().flatten().numpy()
    expected = {
        "mse": sk.mean_squared_error(true, guess),
        "rmse": sk.root_mean_squared_error(true, guess),
        "mae": sk.mean_absolute_error(true, guess),
        "r2": sk.r2_score(true, guess),
    }
    assert got == pytest.approx(expected, rel=1e-9, abs=0)


def test_r2_of_one_row_is_none_and_the_others_are_numbers() -> None:
    got = compute(
        ["r2", "mse", "mae"], REGRESS, torch.tensor([[1.0]]), torch.tensor([3.0]), nn.MSELoss()
    )
    assert got == {"r2": None, "mse": 4.0, "mae": 2.0}


@pytest.mark.parametrize(
    "loss", [nn.CrossEntropyLoss(), nn.CrossEntropyLoss(reduction="sum", label_smoothing=0.1)]
)
def test_the_loss_is_the_recipes_own_on_the_whole_split(loss: nn.Module) -> None:
    output, y = _draw(3, 50, 8, "all")
    got = compute(["loss"], _classes(3), output.requires_grad_(), y, loss)
    assert got == {"loss": loss(output, y).item()}


def test_values_come_in_the_order_asked_and_are_plain() -> None:
    output, y = _draw(6, 40, 9, "all")
    names = [name for name in FAMILIES["classification"] if name != "confusion_matrix"][::-1]
    got = compute(names, _classes(6), output, y, LOSS)
    assert list(got) == names
    assert all(type(value) in (float, dict) for value in got.values())


def test_scalars_keeps_numbers_alone() -> None:
    metrics = {"a": 0.5, "b": None, "c": {"x": 1.0}, "d": [[1]], "e": 3}
    assert scalars(metrics) == {"a": 0.5, "e": 3}


@pytest.mark.parametrize("name", [*FAMILIES["classification"], "top1_accuracy", "top9_accuracy"])
def test_metrics_of_classification_are_accepted_for_it(name: str) -> None:
    check_metrics([name], _classes(10))


@pytest.mark.parametrize("name", FAMILIES["regression"])
def test_metrics_of_regression_are_accepted_for_it(name: str) -> None:
    check_metrics([name], REGRESS)


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        (
            "accurracy",
            _classes(10),
            "metrics: 'accurracy' is not a metric of classification; did you mean \"accuracy\"?",
        ),
        (
            "brier",
            REGRESS,
            "metrics: 'brier' is not a metric of regression; valid: loss, mae, mse, r2, rmse",
        ),
        (
            "rmsee",
            REGRESS,
            "metrics: 'rmsee' is not a metric of regression; did you mean \"rmse\"?",
        ),
        (
            "accuracy",
            REGRESS,
            "metrics: 'accuracy' is not a metric of regression; valid: loss, mae,",
        ),
        (
            "top2_accuracy",
            REGRESS,
            "metrics: 'top2_accuracy' is not a metric of regression; valid:",
        ),
        ("r2", _classes(10), "metrics: 'r2' is not a metric of classification"),
        (
            "top5_accuracy",
            _classes(5),
            "metrics: top5_accuracy of 5 classes is always 1; choose k < 5",
        ),
        (
            "top0_accuracy",
            _classes(10),
            "metrics: 'top0_accuracy' is not a metric of classification; did you mean \"top5",
        ),
    ],
)
def test_a_metric_of_another_task_is_refused(name: str, task: Any, message: str) -> None:
    with pytest.raises(DataError) as error:
        check_metrics(["loss", name], task)
    assert str(error.value).startswith(message)


def test_metrics_of_log_probabilities_are_those_of_the_logits() -> None:
    output, y = _draw(5, 200, 10, "all")
    names = ["accuracy", "f1", "auroc", "confusion_matrix"]
    of_logits: dict[str, Any] = compute(names, _classes(5), output, y, LOSS)
    of_logs: dict[str, Any] = compute(names, _classes(5), output.log_softmax(1), y, LOSS)
    assert of_logs.pop("auroc") == pytest.approx(of_logits.pop("auroc"), abs=1e-6)
    assert of_logs == of_logits
    assert np.array(of_logits["confusion_matrix"]).sum() == 200


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_metrics_of_one_logit_are_those_of_two(shape: tuple[int, ...]) -> None:
    output, y = _draw(2, 301, 7, "all")
    z = (output[:, 1] - output[:, 0]).reshape(shape)
    names = ["accuracy", "precision", "recall_per_class", "f1", "confusion_matrix", "top1_accuracy"]
    two: dict[str, Any] = compute([*names, "auroc"], _classes(2), output, y, LOSS)
    bce = nn.BCEWithLogitsLoss()
    one: dict[str, Any] = compute([*names, "auroc", "loss"], _classes(2), z, y, bce)
    assert one.pop("auroc") == pytest.approx(two.pop("auroc"), abs=1e-6)
    assert one.pop("loss") == pytest.approx(LOSS(output, y).item(), abs=1e-6)
    assert one == two


def test_one_logit_of_0_is_the_first_class() -> None:
    got = compute(["confusion_matrix"], _classes(2), torch.zeros(3), torch.tensor([0, 1, 0]), LOSS)
    assert got == {"confusion_matrix": [[2, 0], [1, 0]]}


def test_many_classes_take_little_memory_in_a_deterministic_run() -> None:
    code = """
import resource, torch
from papertrial.evaluate.metrics import compute
from papertrial.tasks.image_classification import ImageClassification
from papertrial.training.device import numerics
task = ImageClassification([str(k) for k in range(100)])
output, y = torch.randn(50_000, 100), torch.randint(100, (50_000,))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with numerics(torch.device("cpu")):
    compute(["confusion_matrix", "f1"], task, output, y, torch.nn.CrossEntropyLoss())
    assert torch.are_deterministic_algorithms_enabled()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 400  # megabytes, where the other way of counting takes over 4,000


def test_the_best_of_a_curve_is_the_least_of_an_error_and_skips_what_is_undefined() -> None:
    assert best(Metric("accuracy"), [0.2, None, 0.7, 0.4]) == 0.7
    assert best(Metric("mae"), [0.2, None, 0.7, 0.4]) == 0.2
    assert best(Metric("auroc"), [None]) is None
