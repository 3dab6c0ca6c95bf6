"""Transforms of targets: the contract of every one, and their numbers from numpy."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.errors import DataError
from papertrial.tasks.regression import Regression
from papertrial.tasks.target_transform import TARGET_TRANSFORMS, check_targets, fit_targets
from papertrial.tasks.task import Prediction
from papertrial.vocabulary import TargetTransformName

NAMES: tuple[TargetTransformName, ...] = get_args(TargetTransformName)
PRICES = np.array([[150_000.0, 0.5], [900_000.0, 2.0], [320_000.0, 8.0], [510_000.0, 1.0]])
EXPECTED = {
    "standardize": (PRICES - PRICES.mean(0)) / PRICES.std(0),
    "minmax": (PRICES - PRICES.min(0)) / (PRICES.max(0) - PRICES.min(0)),
    "log": np.log(PRICES),
    "log1p": np.log(1 + PRICES),
}


def _set(y: np.ndarray | Tensor, test: list[float] | None = None) -> Dataset:
    def split(values: Tensor) -> Split:
        return Split(DenseColumn(torch.zeros(len(values), 1)), values, np.arange(len(values)))

    y = torch.as_tensor(y).float()
    names = ("price", "size") if y.ndim == 2 else ()
    dataset = Dataset("homes", "table", split(y), features=("a",), target="price", targets=names)
    return dataset if test is None else replace(dataset, test=split(torch.tensor(test)))


def test_there_is_a_transform_for_each_name() -> None:
    assert tuple(TARGET_TRANSFORMS) == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 2)])
def test_each_transforms_by_column_and_back(
    name: TargetTransformName, shape: tuple[int, ...]
) -> None:
    y = torch.as_tensor(PRICES).float() if shape[-1] == 2 else torch.as_tensor(PRICES[:, 0]).float()
    width = y.ndim
    task = Regression.of(_set(y)).fitted(name, _set(y))
    again = Regression.from_meaning(task.meaning().model_validate_json(_json(task)))
    for one in (task, again):  # as trained, and as read from a run
        target = one.target(y, torch.zeros(shape))
        assert (target.shape, target.dtype) == (shape, torch.float32)
        expected = EXPECTED[name][:, : shape[1] if width == 2 else 1].reshape(shape)
        np.testing.assert_allclose(target.numpy(), expected, rtol=1e-6, atol=1e-6)
        back = one.in_original_unit(target)
        assert (back.shape, back.dtype) == (shape, torch.float64)
        np.testing.assert_allclose(back.numpy(), y.reshape(shape).numpy(), rtol=1e-6)
        assert torch.equal(one.in_training_unit(back), target)  # the loss of stored outputs
    decoded = task.decode(target)[1]
    value = decoded.prediction if shape[-1] != 2 else decoded.prediction["price"]  # type: ignore[index, call-overload]
    assert value == pytest.approx(900_000, rel=1e-6)


def _json(task: Regression) -> str:
    return task.meaning().model_dump_json()


@pytest.mark.parametrize("name", ["standardize", "minmax"])
def test_a_constant_target_is_only_shifted(name: TargetTransformName) -> None:
    fitted = fit_targets(name, _set(np.array([3.0, 3.0, 3.0])))
    assert fitted.apply(torch.tensor([3.0, 5.0])).tolist() == [0.0, 2.0]


def test_statistics_are_those_of_float64() -> None:
    # The sum of a million float32 values of this size would be off in the third digit.
    y = np.float32(2**24) + 2 * (np.arange(400_000) % 7).astype(np.float32)
    fitted = fit_targets("standardize", _set(y))
    exact = y.astype(np.float64)
    assert fitted.shift == pytest.approx((exact.mean(),), rel=1e-14)  # type: ignore[union-attr]
    assert fitted.scale == pytest.approx((exact.std(),), rel=1e-9)  # type: ignore[union-attr]


def test_the_batch_score_is_in_the_original_unit() -> None:
    y = torch.as_tensor(PRICES[:, 0]).float()
    task = Regression.of(_set(y)).fitted("standardize", _set(y))
    output = torch.zeros(4, 1)  # the mean of the training part
    score = task.batch_score(output, task.target(y, output))
    assert float(score) == pytest.approx(PRICES[:, 0].std(), rel=1e-6)
    assert "(price - 470000) / 279016" in task.notes[0]
    assert task.decode(output)[0] == Prediction(pytest.approx(470_000, rel=1e-6))
    assert Regression(["a"], "price").notes == ()


@pytest.mark.parametrize(
    ("name", "train", "test", "words"),
    [
        ("log", [1.0, 0.0], [1.0], ("log takes targets above 0", "1 of 2 in train", "row 1")),
        ("log", [1.0, 2.0], [3.0, -1.0], ("1 of 2 in test", "price is -1 in row 1", "standardize")),
        ("log1p", [0.0, 2.0], [-1.0], ("log1p takes targets above -1", "1 of 1 in test")),
    ],
)
def test_targets_without_a_logarithm_are_refused(
    name: TargetTransformName, train: list[float], test: list[float], words: tuple[str, ...]
) -> None:
    with pytest.raises(DataError) as error:
        fit_targets(name, _set(np.array(train), test))
    for word in ("data.target_transform", *words):
        assert word in str(error.value)


def test_another_set_is_checked_too() -> None:
    fitted = fit_targets("log", _set(np.array([1.0, 2.0])))
    check_targets(fitted, _set(np.array([3.0])))
    with pytest.raises(DataError, match="price is 0 in row 0"):
        check_targets(fitted, _set(np.array([0.0])))
