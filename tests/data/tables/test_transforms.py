"""Standardized and imputed columns, compared with scikit-learn's."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from papertrial.data.column import DenseColumn
from papertrial.data.pipeline import Pipeline
from papertrial.data.streams import generator
from papertrial.data.tables.transforms import Impute, Standardize
from papertrial.errors import DataError

ROWS = torch.rand(200, 4, generator=generator(0, "t")) * torch.tensor([1e-3, 1, 50, 1e5]) + 7


@pytest.mark.parametrize("size", [200, 7, 1])
def test_standardize_is_scikit_learns_scaler(size: int) -> None:
    state = Standardize().fit(ROWS[:150].split(min(size, 150)))
    scaler = StandardScaler().fit(ROWS[:150].double().numpy())
    assert state["mean"] == pytest.approx(scaler.mean_, rel=1e-12)
    assert state["std"] == pytest.approx(scaler.scale_, rel=1e-9)
    expected = scaler.transform(ROWS.double().numpy())
    assert np.allclose(Standardize().apply(ROWS, state), expected, atol=1e-2, rtol=1e-3)
    assert np.allclose(Standardize().apply(ROWS.double(), state), expected, atol=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, -98.6, 1e7])
@pytest.mark.parametrize("rows", [1, 442, 9001])
def test_a_constant_column_is_only_centred(rows: int, value: float) -> None:
    x = torch.full((rows, 1), value)
    state = Standardize().fit([x])
    assert state["std"] == [1.0]
    assert not Standardize().apply(x, state).any()
    assert Standardize().apply(x + 2, state) == pytest.approx(2)


@pytest.mark.parametrize("strategy", ["mean", "median"])
@pytest.mark.parametrize("size", [9, 2])
def test_impute_is_scikit_learns_imputer(strategy: Literal["mean", "median"], size: int) -> None:
    x = ROWS[:20].clone()
    x[::3, 0] = x[1::5, 2] = x[:15, 3] = float("nan")
    impute = Impute(strategy)
    state = impute.fit(x[:18].split(size))
    imputer = SimpleImputer(strategy=strategy).fit(x[:18].double().numpy())
    assert state["fill"] == pytest.approx(imputer.statistics_, rel=1e-12)
    filled = impute.apply(x, state)
    assert filled.dtype == torch.float32
    assert np.allclose(filled, imputer.transform(x.double().numpy()), rtol=1e-6)
    assert torch.equal(filled[~x.isnan()], x[~x.isnan()])
    assert torch.equal(impute.apply(x, impute.on(torch.device("cpu"), state)), filled)


def test_impute_learns_on_the_training_part_before_standardize() -> None:
    x = torch.tensor([[1.0], [3.0], [float("nan")]])
    pipeline = Pipeline("table", [Impute(), Standardize()])
    state = pipeline.fit(DenseColumn(x))
    assert state.transforms[0] == {"fill": [2.0]}
    assert pipeline.apply(x, state)[:, 0] == pytest.approx([-(1.5**0.5), 1.5**0.5, 0])


def test_impute_refuses_a_column_without_any_number_and_another_strategy() -> None:
    x = torch.tensor([[1.0, float("nan")], [2.0, float("nan")]])
    with pytest.raises(DataError, match="column 2 of 2 has no numbers in the training part"):
        Impute("median").fit([x])
    with pytest.raises(DataError, match="strategy must be mean or median, got 'mode'"):
        Impute("mode")  # type: ignore[arg-type]
