"""Rows for prediction: read as for training, found by the names of their columns."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from papertrial.data.tables.layout import Feature, Layout
from papertrial.data.tables.predict_inputs import read_rows
from papertrial.data.tables.table_format import TableFormat
from papertrial.errors import PredictionInputError

FEATURES = Layout.numeric(("age", "sex", "bmi"))


def _write(folder: Path, text: str | bytes) -> Path:
    path = folder / "rows.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age,sex,bmi\n1,2,3\n", [[1, 2, 3]]),
        ("bmi,age,sex\n3,1,2\n-3.5,1e2,+.5\n", [[1, 2, 3], [100, 0.5, -3.5]]),
        ("1,2,3\n4,5,6", [[1, 2, 3], [4, 5, 6]]),
        ("\ufeffage,sex,bmi\r\n1,2,3\r\n", [[1, 2, 3]]),
        ("\ufeff1,2,3\n", [[1, 2, 3]]),
        ('"age", sex ,"bmi"\n"1", 2 ,\t3\n', [[1, 2, 3]]),
        ("\n\n  \nage,sex,bmi\n\n1,2,3\n\n4,5,6\n\n", [[1, 2, 3], [4, 5, 6]]),
        ("age,sex,bmi\r1,2,3\r", [[1, 2, 3]]),
        ('age,sex,bmi,"note\nin two lines"\n1,2,3,x\n', [[1, 2, 3]]),
        ("0.1,16777217,1e-40", [[0.1, 16777216, 1e-40]]),
    ],
)
def test_reads_the_features_in_their_order(
    tmp_path: Path, text: str, expected: list[list[float]]
) -> None:
    rows, _ = read_rows(_write(tmp_path, text), FEATURES)
    assert rows.dtype == torch.float32
    assert torch.equal(rows, torch.tensor(expected))


def test_says_which_columns_are_left_out(tmp_path: Path) -> None:
    path = _write(tmp_path, "id,bmi,sex,age,name\n7,3,2,1,Ann\n8,6,5,4,\n")
    rows, notes = read_rows(path, FEATURES)
    assert rows.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert notes == ["columns left out: id, name"]


@pytest.mark.parametrize("text", ["age,sex,bmi\n1,2,3\n", "1,2,3\n"])
def test_says_nothing_where_all_is_used(tmp_path: Path, text: str) -> None:
    assert read_rows(_write(tmp_path, text), FEATURES)[1] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "{path} is empty"),
        ("\n \n,,\n", "{path} is empty"),
        ("age,sex,bmi\n", "{path} has a header but no rows"),
        (
            "age,sex,bmi\n\n,,\n",
            "3 columns cannot be used:\n  - {path} line 3: age must be a number",
        ),
        ("age,weight\n1,2\n", "{path} lacks the columns sex, bmi; its header has age, weight"),
        ("Age,sex,bmi\n1,2,3\n", "{path} lacks the columns age; its header has Age, sex, bmi"),
        ("age;sex;bmi\n1;x;3\n", "{path} line 2: sex must be a number, got 'x'"),
        (
            "1,2\n",
            "{path} line 1 has 2 numbers and no column names; without a header, a row must have "
            "the 3 columns age, sex, bmi",
        ),
        ("1,2,3,4\n", "{path} line 1 has 4 numbers and no column names"),
        ("age,sex,bmi\n1,2,3\n1,x,3\n", "{path} line 3: sex must be a number, got 'x'"),
        ("\nage,sex,bmi\n\n1,2,\n", "{path} line 4: bmi must be a number, got ''"),
        ("1,2,3\n4,5\n", "{path} line 2 has 2 cells, but the table has 3 columns"),
        ('age,sex,bmi\n"1,5",2,3\n', "{path} line 2: age must be a number, got '1,5'"),
        ("age,sex,bmi\n1,2,0x10\n", "{path} line 2: bmi must be a number, got '0x10'"),
    ],
)
def test_what_is_wrong_is_told_by_place(tmp_path: Path, text: str, message: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(PredictionInputError, match="^" + re.escape(message.format(path=path))):
        read_rows(path, FEATURES)


@pytest.mark.parametrize("cell", ["nan", "NaN", "inf", "-Infinity", "1e39", "1e400", "1_000"])
def test_a_cell_is_a_finite_number(tmp_path: Path, cell: str) -> None:
    path = _write(tmp_path, f"age,sex,bmi\n1,2,3\n1,{cell},3\n")
    with pytest.raises(PredictionInputError, match=f"line 3: sex must be .*{re.escape(cell)}"):
        read_rows(path, FEATURES)


@pytest.mark.parametrize("text", ["1,2,3\n4,5,6,7\n", "age,sex,bmi\n4,5,6,7\n"])
def test_a_row_with_more_cells_than_columns_is_refused(tmp_path: Path, text: str) -> None:
    path = _write(tmp_path, text)  # as a decimal comma makes one: "1,5" for 1.5
    with pytest.raises(
        PredictionInputError, match=r"line [12] .*4 (cells|numbers)|line 2 has 4 cells"
    ):
        read_rows(path, FEATURES)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\xff\xd8", b"\x89PNG\r\n\x1a\n\0\0"])
def test_what_is_no_text_or_no_csv_is_refused(tmp_path: Path, content: bytes) -> None:
    path = _write(tmp_path, content + b"a" * 200_000)
    with pytest.raises(
        PredictionInputError, match=f"^{re.escape(str(path))} (line 1 )?is not (UTF-8 )?text"
    ):
        read_rows(path, FEATURES)


def test_an_absent_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PredictionInputError, match=r"cannot read .*no\.csv: No such file"):
        read_rows(tmp_path / "no.csv", FEATURES)
    with pytest.raises(PredictionInputError, match=f"cannot read {re.escape(str(tmp_path))}: "):
        read_rows(tmp_path, FEATURES)


MIXED = Layout((Feature("age"), Feature("city", ("Paris", "Rome"))))


def test_reads_categories(tmp_path: Path) -> None:
    rows, notes = read_rows(_write(tmp_path, "city,age,id\n Rome ,1,7\nParis,2,8\n"), MIXED)
    assert rows.tolist() == [[1, 0, 1], [2, 1, 0]]
    assert notes == ["columns left out: id"]
    zips = Layout((Feature("zip", ("001", "9")),))
    assert read_rows(_write(tmp_path, "zip\n9\n001\n"), zips)[0].tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("name", ["rows.tsv", "rows.parquet", "rows.csv"])
def test_reads_every_kind_of_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("parquet"):
        pq.write_table(pa.table({"city": ["Rome", "Paris"], "age": [1.5, 2]}), path)
    else:
        path.write_text("city\tage\nRome\t1.5\nParis\t2\n")
    delimiter = "\t" if name == "rows.csv" else None
    rows, notes = read_rows(path, MIXED, TableFormat(delimiter=delimiter))
    assert rows.tolist() == [[1.5, 0, 1], [2, 1, 0]]
    assert notes == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "age,city\n1,Paris\n\n2,Rom\n",
            "{path} line 4: city must be one of .*, Paris, Rome; got 'Rom'",
        ),
        ("age,city\n1,\n", "{path} line 2: city must be one of the categories .*; got ''"),
        ("age,city\n,Rome\n", "{path} line 2: age must be a number, got ''"),
        ("age,city\nNA,Rome\n", "{path} line 2: age must be a number, got 'NA'"),
        ("age\n1\n", "{path} lacks the columns city; its header has age"),
        ("1,Rome\n2,Paris\n", "{path} lacks the columns age, city; its header has 1, Rome"),
    ],
)
def test_what_is_wrong_with_categories_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(PredictionInputError, match="^" + message.format(path=re.escape(str(path)))):
        read_rows(path, MIXED)


def test_missing_cells_are_taken_and_told_where_they_are_filled(tmp_path: Path) -> None:
    filling = Layout(MIXED.features, fills_missing=True)
    text = "age,city\n,Rome\n2,NA\n" + "nan,Paris\n" * 6
    rows, notes = read_rows(_write(tmp_path, text), filling)
    assert rows[:, 0].isnan().tolist() == [True, False] + [True] * 6
    assert rows[1, 1:].tolist() == [0, 0]
    assert notes == [
        "missing age filled as in training: line 2, line 4, line 5, line 6, line 7 and 2 more",
        "missing city encoded as no category: line 3",
    ]
    with pytest.raises(PredictionInputError, match="line 3: city must be one of"):
        read_rows(_write(tmp_path, "age,city\n,Rome\n2,Rom\n"), filling)
    with pytest.raises(PredictionInputError, match="line 2: age must be a number, got 'inf'"):
        read_rows(_write(tmp_path, "age,city\ninf,Rome\n"), filling)


def test_features_called_as_numbers_make_a_header(tmp_path: Path) -> None:
    rows, _ = read_rows(_write(tmp_path, "1,0\n5,6\n"), Layout.numeric(["0", "1"]))
    assert rows.tolist() == [[6, 5]]


def test_a_parquet_file_is_refused_as_a_csv_file_is(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    with pytest.raises(PredictionInputError, match=r"cannot read .*rows\.parquet: No such file"):
        read_rows(path, MIXED)
    path.write_bytes(b"age,city\n1,Rome\n")
    with pytest.raises(PredictionInputError, match="is not a Parquet file"):
        read_rows(path, MIXED)
    pq.write_table(pa.table({"age": [1]}), path)
    with pytest.raises(PredictionInputError, match="lacks the columns city; its header has age"):
        read_rows(path, MIXED)
    pq.write_table(pa.table({"age": [1, None], "city": ["Rome", "Rome"]}), path)
    with pytest.raises(PredictionInputError, match="row 1: age must be a number, got ''"):
        read_rows(path, MIXED)
    pq.write_table(pa.table({"age": pa.array([1], pa.date32()), "city": ["Rome"]}), path)
    with pytest.raises(PredictionInputError, match=r"age has the type date32"):
        read_rows(path, MIXED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'age,sex,bmi\n1,2,3\n4,5,"6\n7,8,9\n1,2,3\n',
            "{path} line 3 opens a quote that is never closed",
        ),
        ('"' * 200_001, "{path} line 1 opens a quote that is never closed"),
        ('age,sex,bmi\n"1"2,2,3\n', "{path} line 2 is badly quoted"),
        ('age,sex,bmi,x\n\n1,2,3,"two\nlines"\n1,?,3,"two\nlines"\n', "{path} line 5: sex must "),
    ],
)
def test_quotes_that_do_not_fit_are_told_by_their_line(
    tmp_path: Path, text: str, message: str
) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(PredictionInputError, match="^" + re.escape(message.format(path=path))):
        read_rows(path, FEATURES)


@pytest.mark.parametrize(("name", "mark"), [("r.csv.gz", ","), ("r.tsv.gz", "\t")])
def test_a_gzipped_file_is_read_as_training_reads_it(tmp_path: Path, name: str, mark: str) -> None:
    path = tmp_path / name
    packed = gzip.compress("age,sex,bmi\n1,2,3\n".replace(",", mark).encode())
    path.write_bytes(packed)
    assert read_rows(path, FEATURES)[0].tolist() == [[1, 2, 3]]
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(PredictionInputError, match=f"^cannot read {re.escape(str(path))}: "):
        read_rows(path, FEATURES)


@pytest.mark.parametrize("name", ["a\0.csv", "a\0.parquet"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(PredictionInputError, match=r"cannot read 'a.x00.*not a valid file name"):
        read_rows(Path(name), FEATURES)
