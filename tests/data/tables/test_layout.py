"""Layouts: which columns are numbers or categories, and the rows that they become."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter

from papertrial.data.tables.layout import Feature, Layout
from papertrial.data.tables.learn_layout import Encoding, learn_layout
from papertrial.data.tables.table_file import TableFile, read_table
from papertrial.errors import DataError

TEXT = "age,city,zip\n1,Paris,075\n2,Rome,001\n3.5,Paris,075\n4, Rome ,9\n"


def learn(
    table: TableFile, features: list[str], categorical: Sequence[str] = (), **more: Any
) -> Layout:
    return learn_layout(table, features, Encoding(categorical, **more)).layout


def _table(folder: Path, text: str, name: str = "rows.csv") -> TableFile:
    (folder / name).write_text(text)
    return read_table(folder / name)


def test_columns_become_numbers_in_order(tmp_path: Path) -> None:
    table = _table(tmp_path, TEXT)
    layout = learn(table, ["city", "age", "zip"], ["zip", "city"])
    assert layout.features == (
        Feature("city", ("Paris", "Rome")),
        Feature("age"),
        Feature("zip", ("001", "9", "075")),  # as numbers, which they are
    )
    assert layout.columns == ("city", "age", "zip")
    assert layout.names == ("city=Paris", "city=Rome", "age", "zip=001", "zip=9", "zip=075")
    x = layout.encode(table)
    assert x.dtype == torch.float32
    assert x.tolist() == [
        [1, 0, 1, 0, 0, 1],
        [0, 1, 2, 1, 0, 0],
        [1, 0, 3.5, 0, 0, 1],
        [0, 1, 4, 0, 1, 0],
    ]


def test_a_layout_is_restored_from_json(tmp_path: Path) -> None:
    for layout in (
        learn(_table(tmp_path, TEXT), ["age", "city"], ["city"]),
        Layout((Feature("a"), Feature("b", ("x",))), fills_missing=True),
        Layout.numeric(["a", "b"]),
    ):
        kind = TypeAdapter(Layout)
        assert kind.validate_json(kind.dump_json(layout)) == layout
    assert Layout.numeric(["a", "b"]).names == ("a", "b")


def test_a_missing_cell_is_nan_or_no_category_where_missing_cells_may_come(tmp_path: Path) -> None:
    table = _table(tmp_path, "age,city\n1,A\n,B\n3,NA\n4,A\n")
    filled = learn(table, ["age", "city"], ["city"], fills_missing=True)
    expected = [[1, 1, 0], [float("nan"), 0, 1], [3, 0, 0], [4, 1, 0]]
    assert torch.allclose(filled.encode(table), torch.tensor(expected), equal_nan=True)
    age, city = Layout.numeric(["age"]), Layout((Feature("city", ("A", "B")),))
    with pytest.raises(DataError, match="line 3: age must be a number, got ''"):
        age.encode(table)
    with pytest.raises(DataError, match=r"line 4: city must be one of .*; got 'NA'"):
        city.encode(table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a,city\n1,Paris\n2,Rome\n",
            "{path} line 2: text in a numeric column: city is 'Paris' (and 1 more of its 2 cells)",
        ),
        (
            'a,b\n1,2\n\n"12,5",3\n',
            "{path} line 4: text in a numeric column: a is '12,5'; set data.table.decimal: \",\"",
        ),
        ("a,b\n1,2\n2,abc\n", "{path} line 3: text in a numeric column: b is 'abc'"),
        ("a,b\n1,2\n?,3\n", "{path} line 3: text in a numeric column: a is '?'"),
        (
            "a,b\n1,2\n2,inf\n",
            "{path} line 3: b must be a finite number",
        ),
        (
            "a,b\n1,2\n2,1e39\n",
            "{path} line 3: b must be a finite number",
        ),
    ],
)
def test_text_in_a_numeric_column_is_told_by_line_and_value(
    tmp_path: Path, text: str, message: str
) -> None:
    table = _table(tmp_path, text)
    expected = "^" + re.escape(message.format(path=table.path))
    with pytest.raises(DataError, match=expected) as caught:
        learn(table, list(table.columns))
    text_found = "text in a numeric column" in message
    assert ("data.table.categorical" in str(caught.value)) == text_found


@pytest.mark.parametrize(
    ("rows", "got"),
    [
        ([f"{i % 101},1" for i in range(500)], "c has 101 categories in 500 rows"),
        (["a,1", "b,1", "c,1"], "c has 3 categories in 3 rows"),
        ([f"id{i},1" for i in range(2000)], "c has 2,000 categories in 2,000 rows"),
    ],
)
def test_a_column_of_ids_is_refused(tmp_path: Path, rows: list[str], got: str) -> None:
    table = _table(tmp_path, "\n".join(["c,d", *rows]))
    with pytest.raises(
        DataError, match=f"(at most 100|fewer) categories.*{got}.*data.table.exclude"
    ):
        learn(table, ["c"], ["c"])


def test_a_hundred_categories_are_taken(tmp_path: Path) -> None:
    table = _table(tmp_path, "\n".join(["c,d", *(f"{i % 100},1" for i in range(101))]))
    layout = learn(table, ["c"], ["c"])
    assert layout.names[::99] == ("c=0", "c=99")
    assert layout.encode(table).sum(0).tolist() == [2.0] + [1.0] * 99


def test_a_categorical_column_without_any_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="every cell of c is missing"):
        learn(_table(tmp_path, "c,d\n,1\nNA,2\n"), ["c"], ["c"])


def test_a_column_called_as_a_category_is_refused(tmp_path: Path) -> None:
    table = _table(tmp_path, "c,c=x\nx,1\nx,2\n")
    with pytest.raises(DataError, match="a column and a category are both called 'c=x'; rename"):
        learn(table, ["c", "c=x"], ["c"])


def test_an_unknown_category_is_told_with_the_known_ones(tmp_path: Path) -> None:
    layout = learn(_table(tmp_path, TEXT), ["city"], ["city"])
    other = _table(tmp_path, "city\nRome\n\nparis\n", "other.csv")
    message = r"other\.csv line 4: city must be .*, Paris, Rome; got 'paris'; set .*unseen: zeros"
    with pytest.raises(DataError, match=message):
        layout.encode(other)
    many = Layout((Feature("city", tuple(f"c{i}" for i in range(30))),))
    with pytest.raises(DataError, match="c23 and 6 more; got 'Rome'"):
        many.encode(other)
