"""A feature that alone gives the target is reported, and what was measured is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris, make_blobs

from papertrial.checks.table_sample import sample_table
from papertrial.checks.telling_features import telling_features
from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.sources.spec import LoadedSet

LoadTable = Callable[..., LoadedSet]
DRAW = np.random.default_rng(5)
ROWS = 200
Y = DRAW.integers(0, 2, ROWS)
PRICE = DRAW.lognormal(12, 0.5, ROWS).round()
NOISE = DRAW.random(ROWS)


def found(loaded: LoadedSet) -> dict[str, str]:
    suspects = telling_features(sample_table(loaded), loaded.dataset)
    return {one.feature: one.message for one in suspects}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (10 + 5 * Y, "each class has one value"),
        (np.where(Y, DRAW.choice([3, 9], ROWS), DRAW.choice([1, 5], ROWS)), "of its 4 values has"),
        (Y * DRAW.integers(1, 400, ROWS), "one class has the value 0"),
    ],
)
def test_numbers_that_give_a_class(values: Sequence[Any], says: str, load_table: LoadTable) -> None:
    told = found(load_table({"a": NOISE, "code": values, "y": Y}))
    assert list(told) == ["code"]
    assert says in told["code"]
    assert f"({ROWS} rows, without an exception)" in told["code"]
    wrong = np.array(values)
    wrong[7] = 10 + 5 * (1 - Y[7]) if says.startswith("each class") else wrong[Y[7] != Y][0]
    assert found(load_table({"a": NOISE, "code": wrong, "y": Y})) == {}  # one exception


def test_categories_are_judged_as_a_column(load_table: LoadTable) -> None:
    town = np.where(Y, DRAW.choice(["Bern", "Rom"], ROWS), DRAW.choice(["Paris", "Wien"], ROWS))
    columns = {"a": NOISE, "town": town, "mixed": DRAW.choice(["k", "l"], ROWS), "y": Y}
    told = found(load_table(columns, categorical=["town", "mixed"]))
    assert list(told) == ["town"]
    assert "each of its 4 values has one class" in told["town"]


def test_a_threshold_counts_from_a_thousand_rows_on(load_table: LoadTable) -> None:
    iris = load_iris()
    two = iris.target < 2  # each measurement of petals separates these
    petals = {name: iris.data[two, k] for k, name in enumerate(iris.feature_names)}
    assert found(load_table({**petals, "y": iris.target[two]})) == {}
    for rows, names in ((900, []), (1100, ["a"])):
        x, y = make_blobs(rows, centers=[[0, 0], [9, 0]], random_state=0)
        told = found(load_table({"a": x[:, 0], "b": x[:, 1], "y": y}))
        assert list(told) == names
    assert "a threshold parts the classes" in told["a"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (PRICE, "it is a copy"),
        (PRICE * 2 + 5, "it is an affine function, with a slope of 0.5"),
        (np.log(PRICE), "only rises with it"),
        (-(PRICE**0.5), "only falls with it"),
        ((PRICE / 1000).round(), "only rises with it"),  # with ties
    ],
)
def test_numbers_that_give_a_number(
    values: Sequence[Any], says: str, load_table: LoadTable
) -> None:
    columns = {"a": NOISE, "near": PRICE + 2000 * NOISE, "v": values, "y": PRICE}
    told = found(load_table(columns, numbers=True))
    assert list(told) == ["v"]
    assert says in told["v"]


def test_the_only_feature_may_be_a_function_but_not_a_copy(load_table: LoadTable) -> None:
    x = np.arange(60)
    assert found(load_table({"x": x, "y": 2 * x + 1}, numbers=True)) == {}
    assert list(found(load_table({"x": x, "y": x}, numbers=True))) == ["x"]
    assert found(load_table({"x": np.arange(60) > 20, "y": np.arange(60) > 40})) == {}


def test_each_of_several_targets_is_looked_at() -> None:
    x = torch.rand(80, 3, generator=torch.Generator().manual_seed(0))
    y = torch.stack([x[:, 1] * 3, torch.rand(80)], 1)
    split = Split(DenseColumn(x), y, np.arange(80))
    names = {"features": ("a", "b", "c"), "targets": ("first", "second")}
    told = found(LoadedSet(Dataset("t", "table", split, **names)))
    assert list(told) == ["b"]
    assert "gives the target first" in told["b"]
    labels = Split(DenseColumn(x), (x > 0.5).byte()[:, :2], np.arange(80))
    assert found(LoadedSet(Dataset("t", "table", labels, **names))) == {}  # thresholds, few rows
