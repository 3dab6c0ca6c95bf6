"""Standardised columns against scikit-learn's, and the edges of CSV files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from papertrial.data.streams import generator
from papertrial.data.table import Standardize, read_rows
from papertrial.errors import PredictionInputError

ROWS = torch.rand(200, 4, generator=generator(0, "t")) * torch.tensor([1e-3, 1, 50, 1e5]) + 7
FEATURES = ("age", "sex", "bmi")


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
        ("\n\n  \nage,sex,bmi\n\n1,2,3\n , ,\n\n4,5,6\n\n", [[1, 2, 3], [4, 5, 6]]),
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
        ("", "{path} has no rows; give 3 numbers a row"),
        ("\n \n,,\n", "{path} has no rows; give 3 numbers a row"),
        ("age,sex,bmi\n", "{path} has a header but no rows"),
        ("age,sex,bmi\n\n,,\n", "{path} has a header but no rows"),
        ("age,weight\n1,2\n", "{path} lacks the columns sex, bmi; its header has age, weight"),
        ("Age,sex,bmi\n1,2,3\n", "{path} lacks the columns age; its header has Age, sex, bmi"),
        ("age;sex;bmi\n1;2;3\n", "{path} lacks the columns age, sex, bmi; its header has age;sex;"),
        (
            "1,2\n",
            "{path}: without a header a row must have the 3 features age, sex, bmi in this order, "
            "got 2 columns",
        ),
        ("1,2,3,4\n", "{path}: without a header a row must have the 3 features age, sex, bmi"),
        ("age,sex,bmi\n1,2,3\n1,x,3\n", "{path} line 3: sex must be a number, got 'x'"),
        ("\nage,sex,bmi\n\n1,2,\n", "{path} line 4: bmi must be a number, got ''"),
        ("1,2,3\n4,5\n", "{path} line 2: bmi must be a number, got ''"),
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
    with pytest.raises(PredictionInputError, match=r"line 2.* 4 "):
        read_rows(path, FEATURES)


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\xff\xd8", "age,sex,bmi\n1,2,3".encode("utf-16"), b'"' * 200_001]
)
def test_what_is_no_text_or_no_csv_is_refused(tmp_path: Path, content: bytes) -> None:
    path = _write(tmp_path, content + b"a" * 200_000)
    with pytest.raises(PredictionInputError, match=f"^{re.escape(str(path))} is not a CSV text"):
        read_rows(path, FEATURES)


def test_an_absent_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PredictionInputError, match=r"cannot read .*no\.csv: No such file"):
        read_rows(tmp_path / "no.csv", FEATURES)
    with pytest.raises(PredictionInputError, match=f"cannot read {re.escape(str(tmp_path))}: "):
        read_rows(tmp_path, FEATURES)
