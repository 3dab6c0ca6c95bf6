"""Regression: targets in the output's shape, decoding and score."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.errors import ModelError
from papertrial.tasks.regression import Regression
from papertrial.tasks.task import Prediction

TASK = Regression(["a", "b"], "price")


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_targets_take_the_shape_of_the_output(shape: tuple[int, ...]) -> None:
    y = torch.tensor([1.0, 2.0, 3.0, 4.0])
    target = TASK.target(y, torch.zeros(shape))
    assert target.shape == shape
    assert target.flatten().tolist() == y.tolist()


@pytest.mark.parametrize(
    ("output", "targets"), [((4,), (4,)), ((4, 1), (4,)), ((4, 1), (4, 1)), ((4, 2), (4, 2))]
)
def test_fitting_outputs_pass(output: tuple[int, ...], targets: tuple[int, ...]) -> None:
    TASK.check_output(torch.zeros(output), torch.zeros(targets))


@pytest.mark.parametrize(
    ("output", "targets", "wanted"),
    [
        ((4, 2), (4,), "[4, 1] or [4]"),
        ((1, 4), (4,), "[4, 1] or [4]"),
        ((3, 1), (4,), "[4, 1] or [4]"),
        ((4, 1, 1), (4,), "[4, 1] or [4]"),
        ((), (4,), "[4, 1] or [4]"),
        ((4, 3), (4, 2), "[4, 2]"),
        ((2, 4), (4, 2), "[4, 2]"),
    ],
)
def test_other_outputs_are_refused_with_both_shapes(
    output: tuple[int, ...], targets: tuple[int, ...], wanted: str
) -> None:
    with pytest.raises(ModelError) as error:
        TASK.check_output(torch.zeros(output), torch.zeros(targets))
    assert f"must return {wanted} for a batch of 4" in str(error.value)
    assert str(error.value).endswith(f"got {list(output)}")


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_decode_gives_the_number_without_probabilities(shape: tuple[int, ...]) -> None:
    output = torch.tensor([1.5, -2.0]).view(shape)
    assert TASK.decode(output) == [Prediction(1.5, {}), Prediction(-2.0, {})]


def test_link_is_the_identity() -> None:
    output = torch.tensor([1.5, -2.0])
    assert torch.equal(TASK.link(output), output)


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_batch_score_is_the_root_mean_squared_error(shape: tuple[int, ...]) -> None:
    output = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(shape)
    target = TASK.target(torch.tensor([1.0, 2.0, 3.0, 0.0]), output)
    assert TASK.batch_score(output, target).item() == 2.0


def test_several_numbers_are_decoded_by_name() -> None:
    task = Regression(["a"], "y", ["lat", "lon"])
    assert task.target_names == ("lat", "lon")
    assert task.decode(torch.tensor([[1.0, 2.0]])) == [Prediction({"lat": 1.0, "lon": 2.0})]
    assert Regression.from_meaning(task.meaning()).target_names == ("lat", "lon")


def test_targets_without_names_are_numbered() -> None:
    split = Split(DenseColumn(torch.zeros(3, 2)), torch.zeros(3, 2), np.arange(3))
    task = Regression.of(Dataset("mine", "table", split, target="y"))
    assert task.target_names == ("y_0", "y_1")
