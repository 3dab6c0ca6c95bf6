"""Tasks by name, made for a set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.kind import KINDS, Kind
from papertrial.data.sources.named_sets import loading
from papertrial.errors import DataError
from papertrial.evaluate.metrics import check_metrics
from papertrial.progress import finish
from papertrial.tasks.image_classification import ImageClassification
from papertrial.tasks.make_task import TASKS, make_task
from papertrial.tasks.regression import Regression


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return finish(loading("digits", Path()))


@pytest.fixture(scope="module")
def diabetes() -> Dataset:
    return finish(loading("diabetes", Path()))


def test_make_task_takes_classes_and_columns_from_the_set(
    digits: Dataset, diabetes: Dataset
) -> None:
    classification = make_task("image-classification", digits)
    assert isinstance(classification, ImageClassification)
    assert classification.classes == tuple("0123456789")
    regression = make_task("regression", diabetes)
    assert isinstance(regression, Regression)
    assert regression.features == ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
    assert regression.target_name == "progression"


def test_an_unknown_task_names_the_nearest(digits: Dataset) -> None:
    with pytest.raises(DataError, match="no task 'image-clasification'; did you mean \"image-cl"):
        make_task("image-clasification", digits)


def test_a_set_of_another_kind_is_refused_with_the_task_that_fits(
    digits: Dataset, diabetes: Dataset
) -> None:
    with pytest.raises(DataError, match="task table-classification is for tables") as error:
        make_task("table-classification", digits)
    fits = "use the task classification or image-classification, or another source"
    assert fits in str(error.value)
    assert " a image" not in str(error.value)
    with pytest.raises(DataError, match="task image-classification is for images") as error:
        make_task("image-classification", diabetes)
    assert "data.source diabetes has tables" in str(error.value)
    assert "use the task regression, or another source" in str(error.value)


@pytest.mark.parametrize(
    ("name", "kind", "fits"),
    [
        ("text-classification", "table", "classification or table-classification"),
        ("text-classification", "image", "classification or image-classification"),
        ("table-classification", "image", "classification or image-classification"),
        ("image-classification", "text", "classification or text-classification"),
        ("table-classification", "tensor", "classification"),
    ],
)
def test_every_kind_of_set_has_a_task(name: str, kind: Kind, fits: str) -> None:
    with pytest.raises(DataError, match=f"has {kind}s; use the task {fits}, or another source"):
        make_task(name, replace(_table(torch.tensor([0, 1, 1])), kind=kind))


def _table(y: torch.Tensor) -> Dataset:
    split = Split(DenseColumn(torch.zeros(3, 2)), y, torch.arange(3).numpy())
    return Dataset("mine", "table", split, features=("a", "b"))


def test_regression_refuses_targets_that_are_classes() -> None:
    with pytest.raises(DataError, match="regression needs numbers as targets; mine has classes"):
        make_task("regression", _table(torch.tensor([0, 1, 2])))


@pytest.mark.parametrize("classes", [(), ("one",)])
def test_classification_needs_two_classes(classes: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="at least 2 classes"):
        ImageClassification(classes)


def _set(name: str, kind: Kind) -> Dataset:
    if name == "multilabel-classification":
        y = torch.tensor([[0, 1], [1, 0], [1, 1]], dtype=torch.uint8)
        return replace(_table(y), kind=kind, targets=("a", "b"))
    y = torch.tensor([0.5, 1, 1]) if name == "regression" else torch.tensor([0, 1, 1])
    return replace(_table(y), kind=kind, classes=() if name == "regression" else ("no", "yes"))


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_is_restored_from_its_meaning_as_json(name: str) -> None:
    task = make_task(name, _set(name, TASKS[name].kinds[0]))
    meaning = task.meaning()
    again = type(task).from_meaning(type(meaning).model_validate_json(meaning.model_dump_json()))
    assert vars(again) == vars(task)
    assert type(again) is TASKS[name]


def test_classification_of_a_table_needs_classes(diabetes: Dataset) -> None:
    with pytest.raises(DataError, match=r"classification needs at least 2 classes, got \[\]"):
        make_task("table-classification", diabetes)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_knows_its_kinds_and_what_it_shows(name: str) -> None:
    cls, only = TASKS[name], name.removesuffix("-classification")
    assert cls.kinds == ((only,) if only in ("image", "text", "table") else KINDS)
    assert cls.headline in cls.metrics
    for kind in cls.kinds:
        task = make_task(name, _set(name, kind))
        assert type(task) is cls
        check_metrics(task.metrics, task)
