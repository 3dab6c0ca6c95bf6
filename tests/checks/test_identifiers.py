"""Columns that number or name the rows are reported by their values, measured ones are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import datasets

from papertrial.checks.identifiers import identifiers
from papertrial.checks.table_sample import sample_table
from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.sources.spec import LoadedSet

LoadTable = Callable[..., LoadedSet]
DRAW = np.random.default_rng(4)
ROWS = 120
LABELS = DRAW.integers(0, 2, ROWS)
SPARSE = DRAW.choice(10**6, ROWS, replace=False)


def found(loaded: LoadedSet, *, in_order: bool = False) -> dict[str, str]:
    suspects = identifiers(sample_table(loaded), loaded.dataset, in_order=in_order)
    return {one.feature: one.message for one in suspects}


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("nonsense", range(1, ROWS + 1), "numbers the rows: it rises by 1"),
        ("Unnamed: 0", range(ROWS), "numbers the rows: it rises by 1"),
        ("down", range(ROWS, 0, -1), "numbers the rows: it falls by 1"),
        ("OrderId", range(1000, 1000 + 10 * ROWS, 10), "numbers the rows: it rises by 10"),
        ("shuffled", DRAW.permutation(ROWS) + 7, "identifies the rows: its whole numbers"),
        ("gaps", [k + k // 3 for k in range(ROWS)], "all different and rise with the rows"),
        ("customer_no", SPARSE, "identifies the rows: its whole numbers are all different ("),
        ("as_float", [float(k) for k in range(ROWS)], "numbers the rows"),
    ],
)
def test_whole_numbers_that_count_or_identify(
    name: str, values: Sequence[Any], says: str, load_table: LoadTable
) -> None:
    loaded = load_table({"a": DRAW.random(ROWS), name: values, "y": LABELS})
    told = found(loaded)
    assert list(told) == [name]
    assert says in told[name]
    assert f"({ROWS} rows)" in told[name]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("area", np.sort(SPARSE)),  # measured, and the file is sorted by it
        ("area", SPARSE),
        ("year", range(1900, 1900 + ROWS)),
        ("founded", range(1900, 1900 + ROWS)),
        ("hour", range(ROWS)),
        ("dose", np.arange(ROWS) * 5),
        ("weight", np.arange(ROWS) + 0.5),
        ("rooms", np.arange(ROWS) // 2),
        ("world_rank", DRAW.permutation(ROWS)),
        ("price_index", SPARSE),
    ],
)
def test_measurements_and_times_are_not_reported(
    name: str, values: Sequence[Any], load_table: LoadTable
) -> None:
    assert found(load_table({"a": DRAW.random(ROWS), name: values, "y": LABELS})) == {}


def test_a_column_that_rises_is_time_if_the_last_rows_are_tested(load_table: LoadTable) -> None:
    columns = {"a": DRAW.random(ROWS), "n": range(ROWS), "id": range(ROWS), "y": LABELS}
    loaded = load_table(columns)
    assert list(found(loaded)) == ["n", "id"]
    assert list(found(loaded, in_order=True)) == ["id"]
    assert found(load_table({"n": range(ROWS), "y": LABELS})) == {}  # the only feature


def test_how_far_the_order_of_rows_tells_the_target(load_table: LoadTable) -> None:
    columns = {"a": DRAW.random(150), "Id": range(150), "y": np.arange(150) // 50}
    message = found(load_table(columns))["Id"]
    # 147 of 149 pairs of neighbours are of one class of three.
    assert "same y in 98.7 % of cases, 33.3 % by chance" in message
    assert "by chance" not in found(load_table({**columns, "y": np.arange(150) % 3}))["Id"]


def test_texts_that_are_hashes_or_nearly_all_different(load_table: LoadTable) -> None:
    hashes = [f"{k // 2:032x}" for k in range(60)]
    names = [f"n{min(k, 57)}" for k in range(60)]
    cities = [f"c{k % 20}" for k in range(60)]
    columns = {"hash": hashes, "name": names, "city": cities, "y": np.arange(60) % 2}
    told = found(load_table(columns, categorical=["hash", "name", "city"]))
    assert "30 different hashes" in told["hash"]
    assert "58 different texts" in told["name"]
    assert list(told) == ["hash", "name"]


def test_a_large_table_is_sampled_with_rows_that_follow_each_other() -> None:
    rows = 300_000
    x = torch.stack([torch.arange(rows), torch.arange(rows) // 20, torch.rand(rows)], 1).float()
    split = Split(DenseColumn(x), torch.zeros(rows, dtype=torch.long), np.arange(rows))
    dataset = Dataset("t", "table", split, classes=("a", "b"), features=("n", "visit", "a"))
    told = found(LoadedSet(dataset))
    assert list(told) == ["n"]  # visit repeats, which rows far from each other do not show
    assert "100,000 of 300,000 rows" in told["n"]


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_no_column_of_a_known_table_is_reported(name: str, tmp_path: Path) -> None:
    bunch = getattr(datasets, f"load_{name}")()
    split = Split(DenseColumn(torch.tensor(bunch.data)), torch.tensor(bunch.target).long(),
                  np.arange(len(bunch.data)))  # fmt: skip
    names = tuple(map(str, bunch.feature_names))
    assert found(LoadedSet(Dataset(name, "table", split, features=names))) == {}
