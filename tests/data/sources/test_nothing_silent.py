"""What goes into a source is either learned from or listed in the notes of its set."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from papertrial.data.column import Dataset
from papertrial.data.sources import text_table
from papertrial.data.sources.python_source import dataset_of
from papertrial.data.sources.spec import SourceSpec, TableOptions
from papertrial.errors import DataError
from papertrial.progress import finish


def listed(dataset: Dataset, unit: str) -> int:
    return sum(note.count for note in dataset.notes if note.unit == unit)


@pytest.mark.parametrize("others", [(), ("id",), ("id", "user", "day")])
def test_the_columns_of_a_text_table(tmp_path: Path, others: tuple[str, ...]) -> None:
    columns = ("review", "label", *others)
    rows = [",".join(f"{name}{i}" for name in columns) for i in range(4)]
    (tmp_path / "t.csv").write_text("\n".join([",".join(columns), *rows]) + "\n")
    for group in (None, "user" if "user" in others else None):
        options = TableOptions(("label",), text="review", group=group)
        spec = SourceSpec("text-table", tmp_path / "t.csv", table=options)
        dataset = finish(text_table.load(spec, tmp_path)).dataset
        learned = 2 + (group is not None)
        assert learned + listed(dataset, "column") == len(columns)
        assert len(dataset.train) == 4


def numbers(x: Any) -> Dataset:
    y = np.arange(len(x)) % 2
    return dataset_of(lambda: {"train": (x, y)}, "load", "classes")


def test_numbers_of_a_function_that_float32_cannot_tell_apart() -> None:
    """The error is there exactly where the rounded column has fewer different values."""
    draw = np.random.default_rng(0)
    seconds = np.arange(50) * 1000.0
    columns = {
        "small": draw.normal(size=50),
        "stamp": 1.7e12 + seconds,
        "shifted": 1000 + draw.normal(size=50),
        "constant": np.full(50, 1e12),
    }
    x = np.stack([*columns.values()], 1)
    rounded = x.astype(np.float32)
    assert [len(np.unique(rounded[:, k])) == len(np.unique(x[:, k])) for k in range(4)] == [
        True, False, True, True,
    ]  # fmt: skip
    with pytest.raises(DataError, match=r"x\[:, 1\].*subtract 1700000000000 from"):
        numbers(x)
    moved = numbers(x - [0, 1.7e12, 0, 0])  # the advice of the error
    assert moved.notes == ()
    assert len(moved.train.x.take(slice(None))[:, 1].unique()) == 50


@pytest.mark.parametrize(
    ("values", "is_told"),
    [
        (np.array([[2**40], [2**40 + 1]]), True),
        (torch.tensor([[2**24 + 1.0], [2**24 + 3.0]], dtype=torch.float64), True),
        (torch.tensor([[1e9], [2e9]]), False),  # given as float32
        (np.array([[True], [False]]), False),
    ],
)
def test_integers_and_tensors_too(values: Any, is_told: bool) -> None:
    with pytest.raises(DataError, match="subtract") if is_told else nullcontext():
        numbers(values)
