"""Tables in files: what is read of CSV, TSV and Parquet, and what is refused, by file and line."""

from __future__ import annotations

import csv
import gzip
import os
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from papertrial.data.tables.table_file import TableFile, read_table
from papertrial.data.tables.table_format import MISSING, TableFormat
from papertrial.errors import DataError


def _write(folder: Path, content: str | bytes, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _parquet(folder: Path, **columns: object) -> Path:
    path = folder / "rows.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def _cells(table: TableFile) -> dict[str, list[object]]:
    return {name: cells.to_pylist() for name, cells in table.columns.items()}


@pytest.mark.parametrize(
    ("content", "expected", "lines"),
    [
        ("a,b\n1,x\n2,\n", {"a": ["1", "2"], "b": ["x", ""]}, [2, 3]),
        ("\ufeffa,b\r\n1,x\r\n2,y", {"a": ["1", "2"], "b": ["x", "y"]}, [2, 3]),
        ("a,b\r1,x\r2,y\r", {"a": ["1", "2"], "b": ["x", "y"]}, [2, 3]),
        ('a,b\n"1\n2","x,""y"""\n3,z\n', {"a": ["1\n2", "3"], "b": ['x,"y"', "z"]}, [2, 4]),
        ("\n\na,b\n\n1,x\n\n\n2,y\n", {"a": ["1", "2"], "b": ["x", "y"]}, [5, 8]),
        ('" a ","b\nc"\n1,x\n', {"a": ["1"], "b\nc": ["x"]}, [3]),
        ('a,b\n5" pipe,NA\n', {"a": ['5" pipe'], "b": ["NA"]}, [2]),
        ("größe,b\n1,é\n", {"größe": ["1"], "b": ["é"]}, [2]),
        ("only\n1\n\n2\n", {"only": ["1", "2"]}, [2, 4]),
        ("only\n1\n2\n\n", {"only": ["1", "2"]}, [2, 3]),
        ("\nonly\n1\n2", {"only": ["1", "2"]}, [3, 4]),
        ("\n\nonly\n1\n\n2", {"only": ["1", "2"]}, [4, 6]),
    ],
)
def test_text_files_are_read_as_written(
    tmp_path: Path, content: str, expected: dict[str, list[str]], lines: list[int]
) -> None:
    table = read_table(_write(tmp_path, content))
    assert _cells(table) == expected
    assert table.lines is not None
    assert table.lines.tolist() == lines
    assert table.position(0) == f"line {lines[0]}"
    assert len(table) == len(lines)


@pytest.mark.parametrize(
    ("name", "delimiter", "content"),
    [
        ("t.tsv", None, "a\tb\n1\tx,y\n"),
        ("t.TSV", None, "a\tb\n1\tx,y\n"),
        ("t.csv", ";", "a;b\n1;x,y\n"),
        ("t.txt", "|", "a|b\n1|x,y\n"),
        ("t.csv", "\t", "a\tb\n1\tx,y\n"),
    ],
)
def test_the_delimiter_is_told_or_goes_by_the_ending(
    tmp_path: Path, name: str, delimiter: str | None, content: str
) -> None:
    table = read_table(_write(tmp_path, content, name), TableFormat(delimiter=delimiter))
    assert _cells(table) == {"a": ["1"], "b": ["x,y"]}


def test_a_gzipped_file_is_read(tmp_path: Path) -> None:
    table = read_table(_write(tmp_path, gzip.compress(b"a,b\n\n1,x\n"), "rows.csv.gz"))
    assert (_cells(table), table.position(0)) == ({"a": ["1"], "b": ["x"]}, "line 3")


def test_a_cell_longer_than_pythons_limit_is_read_and_the_limit_stays(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    assert limit < 200_000
    table = read_table(_write(tmp_path, "a,b\n\n" + "x" * 200_000 + ",1\n"))
    assert len(table.written("a", 0)) == 200_000
    assert table.position(0) == "line 3"
    assert csv.field_size_limit() == limit


def test_parquet_keeps_its_types_and_has_rows_from_0(tmp_path: Path) -> None:
    table = read_table(_parquet(tmp_path, a=[1, None], b=["x", "y"], __index_level_0__=[7, 8]))
    assert _cells(table) == {"a": [1, None], "b": ["x", "y"]}
    assert (table.position(1), table.lines) == ("row 1", None)


@pytest.mark.parametrize("cell", MISSING)
def test_what_a_missing_cell_is_written_as(tmp_path: Path, cell: str) -> None:
    table = read_table(_write(tmp_path, f"a,b\n1, {cell} \n2,3\n"))
    assert table.missing("b").tolist() == [True, False]
    assert table.texts("b") == [None, "3"]
    values, bad = table.numbers("b")
    assert np.isnan(values[0])
    assert (values[1], bad.tolist()) == (3, [False, False])


def test_none_is_a_word_like_any_other(tmp_path: Path) -> None:
    table = read_table(_write(tmp_path, "alley,b\nNone,1\n"))
    assert not table.missing("alley").any()
    assert table.numbers("alley").bad.tolist() == [True]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", " 2 ", "-3.5e2", "+.5", "5."], [1, 2, -350, 0.5, 5]),
        (["True", "false", "TRUE"], [1, 0, 1]),
        (["1", "", "3"], [1, None, 3]),
        (["inf", "1e39", "-Infinity", "3"], ["bad", "bad", "bad", 3]),
        (["1", "x", "1_000", "0x10", "4"], [1, "bad", "bad", "bad", 4]),
        (["1", "true"], [1, "bad"]),
        ([1, None, 3], [1, None, 3]),
        ([1.5, float("nan"), float("inf")], [1.5, None, "bad"]),
        ([True, False], [1, 0]),
    ],
)
def test_numbers(tmp_path: Path, cells: list[object], values: list[object]) -> None:
    got, bad = read_table(_parquet(tmp_path, a=cells)).numbers("a")
    assert got.dtype == np.float64
    told = [
        "bad" if wrong else None if np.isnan(value) else value
        for value, wrong in zip(got.tolist(), bad.tolist(), strict=True)
    ]
    assert told == values


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pa.array([1, None, 30]), ["1", None, "30"]),
        (pa.array([1.0, None, 30.0]), ["1", None, "30"]),
        (pa.array([1.5, float("nan"), 2.0]), ["1.5", None, "2"]),
        (pa.array([True, False]), ["True", "False"]),
        (pa.array([" b ", "a"]).dictionary_encode(), ["b", "a"]),
        (pa.array(["b", None], pa.large_string()), ["b", None]),
        (pa.array([None, None], pa.null()), [None, None]),
        (pa.array([1, 2], pa.uint8()), ["1", "2"]),
        (pa.array([1, 2], pa.float32()), ["1", "2"]),
        (pa.array([1, 2], pa.decimal128(5, 2)), ["1", "2"]),
    ],
)
def test_texts_of_every_plain_type(
    tmp_path: Path, column: pa.Array, texts: list[str | None]
) -> None:
    assert read_table(_parquet(tmp_path, a=column)).texts("a") == texts


def test_a_column_of_another_type_is_refused_when_it_is_used(tmp_path: Path) -> None:
    table = read_table(_parquet(tmp_path, day=pa.array([1], pa.date32()), tags=[["x"]], a=[1]))
    assert table.numbers("a").values.tolist() == [1]
    for name, kind in [("day", "date32[day]"), ("tags", "list<")]:
        with pytest.raises(DataError, match=f"{name} has the type {re.escape(kind)}"):
            table.numbers(name)
    with pytest.raises(DataError, match="tags has the type"):
        table.missing("tags")
    assert table.missing("day").tolist() == [False]


def test_rows_kept_keep_their_places(tmp_path: Path) -> None:
    table = read_table(_write(tmp_path, "a,b\n1,x\n\n2,y\n3,z\n"))
    kept = table.keep(np.array([False, True, True]))
    assert _cells(kept) == {"a": ["2", "3"], "b": ["y", "z"]}
    assert (kept.where(0), kept.rows.tolist()) == (f"{tmp_path / 'rows.csv'} line 4", [1, 2])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "{path} is empty"),
        ("\n\n", "{path} is empty"),
        ("\ufeff", "{path} is empty"),
        ("a,b\n", "{path} has a header but no rows"),
        ("a,b\r\n\r\n\n", "{path} has a header but no rows"),
        (
            "a,b\n1,2\n3\n",
            "{path} line 3 has 1 cell, but the table has 2 columns; put a cell that contains ','",
        ),
        ("a,b\n\n1,2,3\n", "{path} line 3 has 3 cells, but the table has 2 columns"),
        ('a,b\n"1\n2",3\n1,5,2\n', "{path} line 4 has 3 cells, but the table has 2 columns"),
        ('a,b\n0,1\n1,"2\n3,4\n5,6\n7', "{path} line 3 opens a quote that is never closed"),
        ('a,b\n"1,2\n3,4\n', "{path} line 2 opens a quote that is never closed"),
        ('a,"b\n3,4\n', "{path} line 1 opens a quote that is never closed"),
        (
            'a,b\n1,2\n"1"0,2\n',
            "{path} line 3 is badly quoted .*a quote inside a quoted cell twice",
        ),
        (
            'a,b\n1,2\n"3,4\n5,6"\n',
            "{path} line 3 has 1 cell, .* quote that opens there ends on line 4",
        ),
        ("a;b\n1\n", "{path} has only one column .*'a;b'; .*set data.table.delimiter to ';'$"),
        ("a\tb\n1\t2\t3\n", "{path} has only one column .* set data.table.delimiter to '.t'$"),
        ("a|b\n1|2|3\n", "{path} has only one column .* set data.table.delimiter to '|'$"),
        ("a,b,a\n1,2,3\n", "{path}: column names must be unique, but columns 1, 3 "),
        ("a, a\n1,2\n", "{path}: column names must be unique, but columns 1, 2 "),
        (",a\n0,1\n", "{path}: column 1 of 2 has no name in the header"),
        ("a,b,,\n0,1,2,\n", "{path}: column 3 of 3 has no name in the header"),
        (",a,a,\n0,1,2,3\n", "{path}: .* columns 2, 3 are all .*; columns 1, 4 of 4 have no name"),
        ("a,b\n1,2,\n3,4,\n", "{path} line 2 has 3 cells, .*let the header end in it too"),
        (b"\x89PNG\r\n\x1a\n\0\0", "{path} is not text"),
    ],
)
def test_a_text_file_that_is_no_table_is_refused(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    path = _write(tmp_path, content)
    plain = message.replace("'|'", "'[|]'").format(path=re.escape(str(path)))
    with pytest.raises(DataError, match=f"^(?:{plain})"):
        read_table(path)


def test_a_tsv_file_with_commas_names_the_comma(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"set data\.table\.delimiter to ','"):
        read_table(_write(tmp_path, "a,b\n1,2\n", "t.tsv"), TableFormat(delimiter="\t"))


@pytest.mark.parametrize("delimiter", [";;", '"', "\n", "→"])
def test_a_delimiter_is_one_character(tmp_path: Path, delimiter: str) -> None:
    with pytest.raises(DataError, match=r"data\.table\.delimiter must be one ASCII character"):
        read_table(_write(tmp_path, "a,b\n1,2\n"), TableFormat(delimiter=delimiter))


def test_an_absent_file_a_folder_and_an_unreadable_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^cannot read .*no\.csv: No such file"):
        read_table(tmp_path / "no.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=r"^cannot read .*folder\.csv: "):
        read_table(tmp_path / "folder.csv")
    (tmp_path / "link.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(DataError, match=r"^cannot read .*link\.csv: No such file"):
        read_table(tmp_path / "link.csv")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything is readable")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, "a,b\n1,2\n")
    path.chmod(0)
    with pytest.raises(DataError, match=r"^cannot read .*: Permission denied"):
        read_table(path)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rows\.xlsx: .* ends in one of \.csv, .*\.parquet"):
        read_table(_write(tmp_path, "a,b\n1,2\n", "rows.xlsx"))


@pytest.mark.parametrize(
    "content", [b"not gzip", gzip.compress(b"a,b\n1,2\n" * 500)[:-9]], ids=["other", "cut off"]
)
def test_a_damaged_gzip_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"^cannot read .*rows\.csv\.gz: "):
        read_table(_write(tmp_path, content, "rows.csv.gz"))


def test_what_is_no_parquet_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"bad\.parquet is not a Parquet file, or is damaged"):
        read_table(_write(tmp_path, "a,b\n1,2\n" * 10, "bad.parquet"))
    whole = _parquet(tmp_path, a=list(range(9999))).read_bytes()
    with pytest.raises(DataError, match=r"cut\.parquet is not a Parquet file, or is damaged"):
        read_table(_write(tmp_path, whole[:-100], "cut.parquet"))
    with pytest.raises(DataError, match="is empty"):
        read_table(_write(tmp_path, b"", "none.parquet"))
    with pytest.raises(DataError, match="has columns but no rows"):
        read_table(_parquet(tmp_path, a=pa.array([], pa.int64())))
    pq.write_table(
        pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), tmp_path / "2.parquet"
    )
    with pytest.raises(DataError, match="column names must be unique, but columns 1, 2 "):
        read_table(tmp_path / "2.parquet")


def test_booleans_are_written_alike_in_every_format(tmp_path: Path) -> None:
    parquet = read_table(_parquet(tmp_path, a=[True, None, False]))
    text = read_table(_write(tmp_path, "a,b\nTrue,1\n,2\nFalse,3\n"))
    assert parquet.texts("a") == text.texts("a") == ["True", None, "False"]
    assert [parquet.written("a", row) for row in range(3)] == ["True", "", "False"]
    assert [text.written("a", row) for row in range(3)] == ["True", "", "False"]
    assert parquet.missing("a").tolist() == [False, True, False]
