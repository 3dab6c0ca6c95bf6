"""A table of one's own as a set: against scikit-learn's diabetes, and all that can be wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.datasets import load_diabetes

from papertrial.data.column import Dataset
from papertrial.data.kind import TargetKind
from papertrial.data.sources import table
from papertrial.data.sources.embedded import diabetes, digits
from papertrial.data.sources.spec import SourceSpec, TableOptions
from papertrial.data.sources.table import select_features as select
from papertrial.data.tables.layout import Feature, Layout
from papertrial.data.tables.table_file import read_table
from papertrial.errors import DataError
from papertrial.progress import finish

PEOPLE = "age,city,income,sick\n30,Paris,1.5,no\n40,Rome,2,yes\n50,Paris,3,no\n60,Rome,4,yes\n"
GAPS = "age,city,y\n1,A,1\n,B,2\n3,,3\n4,A,4\n5,B,5\n"


def _write(folder: Path, text: str, name: str = "rows.csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def load(
    path: Path,
    *,
    target: str | Sequence[str],
    targets: TargetKind,
    classes: Sequence[str] | None = None,
    **options: Any,
) -> tuple[Dataset, Layout | None]:
    names = (target,) if isinstance(target, str) else tuple(target)
    spec = SourceSpec(
        "table",
        path,
        targets=targets,
        table=TableOptions(names, **options),
        classes=None if classes is None else tuple(classes),
    )
    return finish(table.load(spec, path))[:2]


def _x(dataset: Dataset, part: str = "train") -> list[list[float]]:
    split = dataset.splits[part]
    rows: list[list[float]] = split.x.take(slice(0, len(split))).tolist()
    return rows


def _r2(dataset: Dataset) -> float:
    x, y = np.array(_x(dataset)), dataset.train.y.double().numpy()
    x = np.c_[x, np.ones(len(x))]
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(1 - (rest @ rest) / ((y - y.mean()) @ (y - y.mean())))


def test_diabetes_is_the_same_set_in_every_format(tmp_path: Path) -> None:
    bunch = load_diabetes(scaled=False)
    names = [*bunch.feature_names, "progression"]
    values = np.c_[bunch.data, bunch.target]
    for name, mark in [("d.csv", ","), ("d.tsv", "\t")]:
        lines = [mark.join(names), *(mark.join(map(repr, row)) for row in values.tolist())]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    columns = dict(zip(names, values.T, strict=True))
    pq.write_table(pa.table(columns), tmp_path / "d.parquet")
    known = diabetes()
    for name in ("d.csv", "d.tsv", "d.parquet"):
        dataset, layout = load(tmp_path / name, target="progression", targets="numbers")
        assert (dataset.name, dataset.kind, dataset.target) == (name, "table", "progression")
        assert dataset.features == known.features == layout.names
        assert layout == Layout.numeric(known.features)
        assert len(dataset.train) == 442
        assert dataset.train.fingerprint == known.train.fingerprint
        assert _r2(dataset) == pytest.approx(0.51775, abs=5e-6)


def test_the_bmi_example_of_scikit_learn(tmp_path: Path) -> None:
    dataset = select(diabetes(), ["bmi"])
    x, y = np.array(_x(dataset))[:, 0], dataset.train.y.double().numpy()
    slope, intercept = np.polyfit(x[:-20], y[:-20], 1)
    rest = y[-20:] - slope * x[-20:] - intercept
    assert dataset.features == ("bmi",)
    assert (rest**2).mean() == pytest.approx(2548.07, abs=0.005)
    assert 1 - (rest**2).sum() / ((y[-20:] - y[-20:].mean()) ** 2).sum() == pytest.approx(
        0.4726, abs=5e-5
    )


def test_numbers_categories_and_classes(tmp_path: Path) -> None:
    path = _write(tmp_path, PEOPLE, "people.csv")
    dataset, layout = load(path, target="sick", targets="classes", categorical=["city"])
    assert dataset.features == ("age", "city=Paris", "city=Rome", "income")
    assert layout.features[1] == Feature("city", ("Paris", "Rome"))
    assert _x(dataset)[:2] == [[30, 1, 0, 1.5], [40, 0, 1, 2]]
    assert (dataset.classes, dataset.train.y.tolist()) == (("no", "yes"), [0, 1, 0, 1])
    assert dataset.train.y.dtype == torch.int64
    assert [dataset.train.name(row) for row in (0, 3)] == ["line 2", "line 5"]
    assert dataset.splits.keys() == {"train"}


def test_features_are_chosen_in_their_order(tmp_path: Path) -> None:
    path = _write(tmp_path, PEOPLE)
    dataset, _ = load(path, target="income", targets="numbers", features=["age"])
    assert (dataset.features, dataset.classes) == (("age",), ())
    assert dataset.train.y.dtype == torch.float32
    assert dataset.train.y.tolist() == [1.5, 2, 3, 4]
    text = "a,b,y\n1,2,3\n4,5,6\n"
    dataset, _ = load(_write(tmp_path, text), target="y", targets="numbers", features=["b", "a"])
    assert _x(dataset) == [[2, 1], [5, 4]]


@pytest.mark.parametrize(
    ("values", "classes", "y"),
    [
        (["10", "9", "-1", "9"], ("-1", "9", "10"), [2, 1, 0, 1]),
        (["1.0", "0.0", "1.0", "0.0"], ("0.0", "1.0"), [1, 0, 1, 0]),
        (["True", "False", "True", "True"], ("False", "True"), [1, 0, 1, 1]),
        (["b", "a ", "None", "a"], ("None", "a", "b"), [2, 1, 0, 1]),
    ],
)
def test_classes_are_sorted_and_named_as_written(
    tmp_path: Path, values: list[str], classes: tuple[str, ...], y: list[int]
) -> None:
    path = _write(tmp_path, "\n".join(["a,y", *(f"1,{value}" for value in values)]))
    dataset, _ = load(path, target="y", targets="classes")
    assert (dataset.classes, dataset.train.y.tolist()) == (classes, y)


def test_a_folder_has_a_file_a_part(tmp_path: Path) -> None:
    _write(tmp_path, "c,a,y\nA,1,x\nB,2,z\nA,3,x\n", "train.csv")
    _write(tmp_path, "y\ta\tc\nz\t4\tB\n", "test.tsv")
    pq.write_table(pa.table({"a": [5], "c": ["A"], "y": ["x"]}), tmp_path / "validation.parquet")
    dataset, _ = load(tmp_path, target="y", targets="classes", categorical=["c"])
    assert dataset.name == tmp_path.name
    assert _x(dataset) == [[1, 0, 1], [0, 1, 2], [1, 0, 3]]
    assert (_x(dataset, "test"), _x(dataset, "validation")) == ([[0, 1, 4]], [[1, 0, 5]])
    assert {part: split.name(0) for part, split in dataset.splits.items()} == {
        "train": "train.csv line 2",
        "validation": "validation.parquet row 0",
        "test": "test.tsv line 2",
    }
    assert dataset.splits["test"].y.tolist() == [1]


def test_missing_cells_are_refused_all_in_one_message(tmp_path: Path) -> None:
    _write(tmp_path, "age,city,y\n1,A,1\n,NA,2\n3,,3\n" + 9 * ",A,1\n", "train.csv")
    _write(tmp_path, "age,city,y\n1,null,1\n", "test.csv")
    with pytest.raises(DataError) as told:
        load(tmp_path, target="y", targets="numbers", categorical=["city"])
    *listed, fix = str(told.value).split("\n")
    assert "\n".join(listed) == (
        "cells are missing:\n"
        f"  - {tmp_path / 'train.csv'}: age: 10 of 12 (line 3, line 5, line 6, line 7, line 8, "
        "...)\n"
        f"  - {tmp_path / 'train.csv'}: city: 2 of 12 (line 3, line 4)\n"
        f"  - {tmp_path / 'test.csv'}: city: 1 of 1 (line 2)"
    )
    assert fix.startswith("set data.table.missing: drop")


def test_a_missing_cell_in_a_column_that_is_not_used_does_not_matter(tmp_path: Path) -> None:
    path = _write(tmp_path, "age,note,y\n1,,1\n2,x,2\n")
    assert len(load(path, target="y", targets="numbers", features=["age"])[0].train) == 2


def test_rows_with_missing_cells_are_dropped_and_the_others_keep_their_lines(
    tmp_path: Path,
) -> None:
    path = _write(tmp_path, GAPS + "6,C,6\n,D,7\n")
    dataset, layout = load(
        path, target="y", targets="numbers", categorical=["city"], missing="drop"
    )
    assert layout == Layout((Feature("age"), Feature("city", ("A", "B", "C"))))
    assert _x(dataset) == [[1, 1, 0, 0], [4, 1, 0, 0], [5, 0, 1, 0], [6, 0, 0, 1]]
    assert dataset.train.y.tolist() == [1, 4, 5, 6]
    assert dataset.train.names == ["line 2", "line 5", "line 6", "line 7"]
    assert dataset.train.ids.tolist() == [0, 3, 4, 5]


@pytest.mark.parametrize("missing", ["mean", "median"])
def test_missing_numbers_stay_to_be_filled(tmp_path: Path, missing: str) -> None:
    dataset, layout = load(
        _write(tmp_path, GAPS),
        target="y",
        targets="numbers",
        categorical=["city"],
        missing=missing,
    )
    assert layout.fills_missing
    x = torch.tensor(_x(dataset))
    assert x[:, 1:].tolist() == [[1, 0], [0, 1], [0, 0], [1, 0], [0, 1]]
    assert x.isnan().nonzero().tolist() == [[1, 0]]


REGRESSION = {
    "absent target": ("a,y\n1,2\n", {"target": "Y"}, "has no column 'Y'; did you mean \"y\"?"),
    "no header": (
        "1,2\n3,4\n",
        {},
        "data.table.target: {path} has no column 'y'; valid: 1, 2; its first line must name the "
        "columns, but has only numbers",
    ),
    "absent feature": (
        "bmi,y\n1,2\n",
        {"features": ["bim"]},
        "data.table.features: {path} has no column 'bim'; did you mean \"bmi\"?",
    ),
    "absent category": (
        "city,y\n1,2\n",
        {"categorical": ["citty"]},
        "data.table.categorical: {path} has no column 'citty'; did you mean \"city\"?",
    ),
    "category that is no feature": (
        "a,city,y\n1,A,2\n2,A,3\n",
        {"categorical": ["city"], "features": ["a"]},
        "data.table.categorical: city is not in data.table.features; add it there",
    ),
    "target among features": (
        "a,y\n1,2\n",
        {"features": ["a", "y"]},
        "data.table.features: y is the target, so the model must not see it; remove it",
    ),
    "target among categories": (
        "a,y\n1,2\n",
        {"categorical": ["y"]},
        "data.table.categorical: y is the target, so the model must not see it; remove it",
    ),
    "a feature twice": ("a,y\n1,2\n", {"features": ["a", "a"]}, "names 'a' more than once"),
    "no feature chosen": ("a,y\n1,2\n", {"features": []}, "data.table.features is empty"),
    "no feature there": ("y\n1\n2\n", {}, "{path} has no column but the target y; add features"),
    "missing target": (
        "a,y\n1,2\n1,\n1,NA\n",
        {"missing": "drop"},
        "{path}: every row must have a target, but y is missing in 2 of 3 (line 3, line 4)",
    ),
    "text target": (
        "a,y\n1,2\n1,high\n",
        {},
        "{path} line 3: the target y must be a finite number, got 'high'; for classes, set task: "
        "classification",
    ),
    "infinite target": ("a,y\n1,inf\n", {}, "{path} line 2: the target y must be a finite number,"),
    "target beyond float32": ("a,y\n1,1e39\n", {}, "{path} line 2: the target y must be a finite"),
    "infinite feature": ("a,y\n1,1\n-inf,1\n", {}, "{path} line 3: a must be a finite number that"),
    "feature beyond float32": ("a,y\n1e39,1\n", {}, "{path} line 2: a must be a finite number tha"),
    "text in a numeric column": ("a,y\n1,1\nx,1\n", {}, "{path} line 3: text in a numeric column:"),
    "nothing left": (
        "a,b,y\n,1,1\n1,,1\n",
        {"missing": "drop"},
        "{path}: every row has a missing cell, so data.table.missing: drop leaves none; a has "
        "the most, 1 of 2",
    ),
    "nothing to learn a mean from": (
        "a,b,y\n,1,1\n,2,1\n",
        {"missing": "mean"},
        "{path}: every cell of a is missing, so there is no mean; leave such columns out",
    ),
    "ragged row": ("a,y\n1,2\n1\n", {}, "{path} line 3 has 1 cell, but the table has 2 columns"),
    "wrong delimiter": ("a;y\n1;2\n", {}, "{path} has only one column if ',' separates columns"),
}


@pytest.mark.parametrize("case", REGRESSION)
def test_a_table_that_is_not_as_it_must_be_is_refused(tmp_path: Path, case: str) -> None:
    text, changes, message = REGRESSION[case]
    path = _write(tmp_path, text)
    arguments = {"target": "y", "targets": "numbers", **changes}
    with pytest.raises(DataError, match=re.escape(message.format(path=path))):
        load(path, **arguments)


MANY = "\n".join(["a,y", *(f"1,{i + 0.5}" for i in range(21))])
CLASSES = {
    "one class": ("a,y\n1,x\n2,x\n", "needs at least 2 classes, but every cell of y is 'x'"),
    "missing target": ("a,y\n1,x\n2,\n3,z\n", "y is missing in 1 of 3 (line 3)"),
    "many floats": (MANY, "y has 21 different numbers in 21 rows, too many for classes; set task:"),
    "one class in two ways": ("a,y\n1,1\n2,1.0\n3,2\n", "spelled in two ways, '1' and '1.0'"),
    "one truth in two ways": ("a,y\n1,true\n2,True\n3,false\n", "in two ways, 'true' and 'True'"),
}


@pytest.mark.parametrize("case", CLASSES)
def test_a_target_that_is_no_class_is_refused(tmp_path: Path, case: str) -> None:
    text, message = CLASSES[case]
    with pytest.raises(DataError, match=re.escape(message)):
        load(_write(tmp_path, text), target="y", targets="classes")


def test_known_classes_keep_their_numbers_and_need_not_all_be_there(tmp_path: Path) -> None:
    path = _write(tmp_path, "a,y\n1,yes\n2,yes\n")
    known = ("no", "perhaps", "yes")
    dataset, _ = load(path, target="y", targets="classes", classes=known)
    assert (dataset.classes, dataset.train.y.tolist()) == (known, [2, 2])
    with pytest.raises(DataError, match=r"class 'yes' of y is unknown; the classes are no, on$"):
        load(path, target="y", targets="classes", classes=["no", "on"])
    with pytest.raises(DataError, match="needs at least 2 classes"):
        load(path, target="y", targets="classes")


def test_many_whole_numbers_or_few_floats_are_classes(tmp_path: Path) -> None:
    whole = "\n".join(["a,y", *(f"1,{i}" for i in range(50))])
    assert len(load(_write(tmp_path, whole), target="y", targets="classes")[0].classes) == 50
    few = MANY.rsplit("\n", 1)[0]
    assert len(load(_write(tmp_path, few), target="y", targets="classes")[0].classes) == 20


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("a,c,y\n1,A,z\n2,B,w\n", "line 3: class 'w' of y is not in the training part, which has"),
        ("a,c,y\n1,C,z\n", "line 2: c must be one of the categories of the training part, A"),
        ("a,y\n1,z\n", "data.table.features: {path} has no column 'c'"),
        ("a,c\n1,A\n", "data.table.target: {path} has no column 'y'"),
        ("a,c,y\nx,A,z\n", "{path} line 2: a must be a number, got 'x'"),
        (
            "a,c,y\n1,A,\n",
            "{path}: every row must have a target, but y is missing in 1 of 1 (line 2)",
        ),
    ],
)
def test_a_test_part_that_differs_is_refused(tmp_path: Path, test: str, message: str) -> None:
    _write(tmp_path, "a,c,y\n1,A,x\n2,B,z\n3,A,x\n", "train.csv")
    path = _write(tmp_path, test, "test.csv")
    with pytest.raises(DataError, match=re.escape(message.format(path=path))):
        load(tmp_path, target="y", targets="classes", categorical=["c"])


def test_a_row_of_the_set_is_a_row_of_the_file(tmp_path: Path) -> None:
    path = _write(tmp_path, PEOPLE)
    dataset, layout = load(path, target="sick", targets="classes", categorical=["city"])
    assert layout.encode(read_table(path)).tolist() == _x(dataset)


def test_some_features_of_a_named_set(tmp_path: Path) -> None:
    whole = diabetes()
    chosen = select(whole, ["bmi", "age"])
    at = [whole.features.index("bmi"), whole.features.index("age")]
    assert chosen.features == ("bmi", "age")
    assert np.array_equal(np.array(_x(chosen)), np.array(_x(whole))[:, at])
    assert torch.equal(chosen.train.y, whole.train.y)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (["bim"], "diabetes has no feature 'bim'; did you mean \"bmi\"?"),
        (["bmi", "bmi"], "data.table.features names 'bmi' more than once"),
        ([], "data.table.features is empty"),
    ],
)
def test_features_that_a_named_set_has_not_are_refused(
    tmp_path: Path, features: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        select(diabetes(), features)


def test_images_have_no_features_to_choose(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="chooses columns of a table, but digits holds images"):
        select(digits(), ["x"])


def test_several_numbers_and_labels(tmp_path: Path) -> None:
    path = _write(tmp_path, "a,lat,lon,wet\n1,2,3.5,1\n2,4,5,0\n3,1,1,1\n")
    dataset, layout = load(path, target=["lon", "lat"], targets="numbers", features=["a"])
    assert dataset.train.y.tolist() == [[3.5, 2], [5, 4], [1, 1]]
    assert dataset.train.y.dtype == torch.float32
    assert (dataset.targets, dataset.features) == (("lon", "lat"), ("a",))
    dataset, layout = load(path, target=["lon", "lat"], targets="numbers")
    assert layout is not None
    assert layout.columns == ("a", "wet")  # no target is a feature
    path = _write(tmp_path, "a,wet,warm\n1,True,0\n2,false,1\n3,1,1\n")
    dataset, _ = load(path, target=["wet", "warm"], targets="labels")
    assert dataset.train.y.tolist() == [[1, 0], [0, 1], [1, 1]]
    assert (dataset.targets, dataset.classes) == (("wet", "warm"), ())


@pytest.mark.parametrize(
    ("text", "targets", "changes", "message"),
    [
        ("a,b,c\n1,0,2\n", "labels", {}, "line 2: the label c must be 0 or 1, got '2'"),
        ("a,b,c\n1,0,\n", "labels", {}, "every row must have a target, but c is missing in 1"),
        ("a,b,c\n1,x,2\n", "numbers", {}, "line 2: the target b must be a finite number"),
        ("a,b\n1,0\n", "numbers", {}, "has no column 'c'"),
        ("a,b,c\n1,0,2\n", "numbers", {"features": ["a", "b"]}, "b is a target, so the model"),
        ("b,c\n0,2\n", "numbers", {}, "no column but the target b, c; add features"),
    ],
)
def test_several_targets_that_cannot_be_are_refused(
    tmp_path: Path, text: str, targets: TargetKind, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError) as error:
        load(_write(tmp_path, text), target=["b", "c"], targets=targets, **changes)
    assert message in str(error.value)
