"""Categories that no training row has: zeros in the other parts, or an error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.tables.layout import Feature, Layout
from papertrial.data.tables.unseen import check_codes_seen, hide_unseen, with_unseen
from papertrial.errors import DataError


def split(rows: list[list[float]]) -> Split:
    x = torch.tensor(rows)
    return Split(DenseColumn(x), torch.zeros(len(x)), np.arange(len(x)))


TABLE = Dataset(
    "t",
    "table",
    split([[1, 0, 2, 7], [1, 0, 3, 8]]),
    test=split([[1, 0, 3, 9], [0, 1, 1, 9], [0, 1, 0, 9]]),
    features=("c=x", "c=y", "shop", "size"),
)


def test_they_are_zeros_with_a_note() -> None:
    hidden = hide_unseen(TABLE, ["c"], ["shop"])
    assert hidden.test is not None
    assert hidden.test.x.take(slice(0, 3)).tolist() == [[1, 0, 3, 9], [0, 0, 0, 9], [0, 0, 0, 9]]
    assert hidden.train is TABLE.train
    assert [(note.count, note.what.split()[0]) for note in hidden.notes] == [
        (2, "c=y"),
        (1, "shop"),
    ]
    check_codes_seen(hidden, ["shop"])
    with pytest.raises(
        DataError, match=r"test part has a category of shop \(row 1\).*unseen: zeros"
    ):
        check_codes_seen(TABLE, ["shop"])


def test_a_number_whose_name_looks_like_a_category_is_a_number() -> None:
    table = replace(TABLE, features=("c=x", "c=y", "shop", "load (F=ma)"))
    hidden = hide_unseen(table, ["c"], ["shop"])
    assert hidden.test is not None
    assert hidden.test.x.take(slice(0, 3))[:, 3].tolist() == [9, 9, 9]


def test_a_layout_knows_them() -> None:
    features = (
        Feature("c", ("x", "y")),
        Feature("shop", ("1", "2", "3"), coded=True),
        Feature("size"),
    )
    layout = with_unseen(Layout(features, unseen="zeros"), TABLE.train)
    assert [feature.unseen for feature in layout.features] == [("y",), ("1",), ()]
    strict = Layout(features)
    assert with_unseen(strict, TABLE.train) is strict
