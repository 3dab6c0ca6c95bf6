"""Codes, dates and offsets: what a layout learns, and what it notes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from pydantic import TypeAdapter

from papertrial.data.tables.layout import Feature, Layout
from papertrial.data.tables.learn_layout import Encoding, learn_layout
from papertrial.data.tables.predict_inputs import read_rows
from papertrial.data.tables.table_file import read_table
from papertrial.errors import DataError, PredictionInputError
from papertrial.evaluate.inputs import TableInputs


def write(folder: Path, text: str, name: str = "t.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_codes_are_places_from_1_and_0_is_unseen_or_missing(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "shop,a\n9,1\n10,2\n9,3\n,4\n"))
    layout, notes = learn_layout(
        table, ["a", "shop"], Encoding(codes=["shop"], unseen="zeros", fills_missing=True)
    )
    assert layout.features[1] == Feature("shop", ("9", "10"), coded=True)
    assert (layout.names, list(layout.codes)) == (("a", "shop"), [1])
    assert layout.encode(table).tolist() == [[1, 1], [2, 2], [3, 1], [4, 0]]
    assert [note.action for note in notes] == ["converted"]
    assert "2 categories" in notes[0].what
    assert "3 rows" in notes[0].what  # the suggested size of an embedding
    assert [layout.features[1].shown([code]) for code in (2.0, 0.0)] == ["10", "missing"]
    other = write(tmp_path, "shop,a\n7,1\n9,2\n8,3\n", "p.csv")
    x, told = read_rows(other, layout)
    assert x.tolist() == [[1, 0], [2, 1], [3, 0]]
    assert told[0].startswith("converted 2 cells: shop has categories that the training part lacks")
    strict = Layout(layout.features)
    with pytest.raises(PredictionInputError, match=r"line 2: shop .* got '7' \(and 1 more .*zeros"):
        read_rows(other, strict)


def test_more_than_a_hundred_categories_can_be_codes(tmp_path: Path) -> None:
    rows = "".join(f"s{i % 300},{i}\n" for i in range(601))
    table = read_table(write(tmp_path, "shop,a\n" + rows))
    with pytest.raises(DataError, match=r"300 categories in 601 rows; move it to data.table.codes"):
        learn_layout(table, ["shop"], Encoding(["shop"]))
    layout = learn_layout(table, ["shop"], Encoding(codes=["shop"])).layout
    assert layout.encode(table).max() == 300


def test_dates_become_the_numbers_that_are_asked_for(tmp_path: Path) -> None:
    parts = ("year", "month", "day", "weekday", "day-of-year", "hour", "minute", "second", "days")
    texts = ["2024-02-29T13:45:30", "1969-12-31"]
    expected = [
        [2024, 2, 29, 3, 60, 13, 45, 30, 19782 + (13 * 3600 + 45 * 60 + 30) / 86400],
        [1969, 12, 31, 2, 365, 0, 0, 0, -1],
    ]
    table = read_table(write(tmp_path, "t,y\n" + "".join(f"{t},1\n" for t in texts)))
    layout, notes = learn_layout(table, ["t"], Encoding(dates={"t": parts}))
    assert layout.names == tuple(f"t.{part}" for part in parts)
    assert torch.equal(layout.encode(table), torch.tensor(expected))
    assert "year, month, day" in notes[0].what
    typed = pa.array(np.array(texts, "datetime64[s]"))
    pq.write_table(pa.table({"t": typed}), tmp_path / "t.parquet")
    assert torch.equal(layout.encode(read_table(tmp_path / "t.parquet")), torch.tensor(expected))
    with pytest.raises(DataError, match=r"line 2: t must be a date such as .*, got '29.2.2024'"):
        layout.encode(read_table(write(tmp_path, "t\n29.2.2024\n")))
    with pytest.raises(DataError, match="t must be a date, got ''"):
        layout.encode(read_table(write(tmp_path, "t,y\n,1\n")))
    zoned = read_table(write(tmp_path, "t\n2024-03-01T01:00:00+02:00\n"))
    assert layout.encode(zoned)[0, :3].tolist() == [2024, 2, 29]


def test_seconds_keep_their_digits(tmp_path: Path) -> None:
    rows = "".join(f"2024-05-17T08:30:{second:02},1\n" for second in range(60))
    table = read_table(write(tmp_path, "t,y\n" + rows))
    layout, notes = learn_layout(table, ["t"], Encoding(dates={"t": ("hour", "seconds")}))
    assert layout.encode(table)[:, 1].tolist() == list(range(60))
    assert layout.features[0].offsets == (0, 1715934600)
    assert "seconds after 1715934600" in notes[0].what
    assert layout.features[0].shown([8.0, 5.0]) == "hour 8, seconds 1715934605"


def test_timestamps_are_kept_as_differences_for_files_and_arrays(tmp_path: Path) -> None:
    first = 1_700_000_000_000
    path = write(tmp_path, "ts,b\n" + "".join(f"{first + 1000 * i},{i}\n" for i in range(100)))
    table = read_table(path)
    layout, notes = learn_layout(table, ["ts", "b"])
    assert layout.encode(table)[:, 0].tolist() == [1000 * i for i in range(100)]
    assert [(note.action, str(first) in note.what) for note in notes] == [("converted", True)]
    kind = TypeAdapter(Layout)
    again = TableInputs(kind.validate_json(kind.dump_json(layout)))
    ((column, *_),) = again.read(np.array([[first + 7, 1.0]]), 1)
    assert column.take(slice(0, 1)).tolist() == [[7, 1]]
    assert layout.features[0].shown([7.0]) == str(first + 7)


@pytest.mark.parametrize("name", ["t.arrow", "t.feather", "stream.arrow", "t.jsonl"])
def test_arrow_feather_and_json_lines_are_tables(tmp_path: Path, name: str) -> None:
    from pyarrow import feather

    table, path = pa.table({"a": [1.5, None], "c": ["x", "y"]}), tmp_path / name
    if name == "t.jsonl":
        path.write_text('{"a": 1.5, "c": "x"}\n{"a": null, "c": "y"}\n')
    elif name == "stream.arrow":
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
    else:
        feather.write_feather(table, str(path))
    read = read_table(path)
    assert (read.texts("a"), read.texts("c"), read.position(1)) == (
        ["1.5", None],
        ["x", "y"],
        "row 1",
    )
    path.write_bytes(b"neither")
    with pytest.raises(DataError, match=rf"{name} is not an? \w+ ?.*, or is damaged"):
        read_table(path)
