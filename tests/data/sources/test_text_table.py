"""A table of texts of one's own: texts as they are written, classes sorted, mistakes by line."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from papertrial.data.column import Dataset
from papertrial.data.sources import text_table
from papertrial.data.sources.spec import SourceSpec, TableOptions
from papertrial.data.tables.table_format import TableFormat
from papertrial.data.texts.ragged_column import texts_of
from papertrial.errors import DataError
from papertrial.progress import finish

TEXTS = ["A fine film,\nreally", "NA", ' "so" so ', "größer ☺"]
LABELS = ["pos", "neg", "neg", "pos"]


def _write(folder: Path, text: str, name: str = "reviews.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def _load(path: Path) -> Dataset:
    return load(path, text="review", target="label")


def load(path: Path, *, text: str, target: str, delimiter: str | None = None) -> Dataset:
    table = TableOptions((target,), text=text, form=TableFormat(delimiter=delimiter))
    spec = SourceSpec("text-table", path, table=table)
    return finish(text_table.load(spec, path)).dataset


def _csv(mark: str) -> str:
    quoted = ['"' + text.replace('"', '""') + '"' for text in TEXTS]
    rows = [f"{a}{mark}7{mark}{b}" for a, b in zip(quoted, LABELS, strict=True)]
    return "\n".join([f"review{mark}id{mark}label", *rows]) + "\n"


def test_texts_are_kept_as_written_in_every_format(tmp_path: Path) -> None:
    pq.write_table(pa.table({"label": LABELS, "review": TEXTS}), tmp_path / "reviews.parquet")
    pq.write_table(
        pa.table({"label": LABELS, "review": pa.array(TEXTS).dictionary_encode()}),
        tmp_path / "coded.parquet",
    )
    files = [_write(tmp_path, _csv(",")), _write(tmp_path, _csv("\t"), "reviews.tsv")]
    files += [tmp_path / "reviews.parquet", tmp_path / "coded.parquet"]
    sets = [_load(file) for file in files]
    for dataset in sets:
        assert list(texts_of(dataset.train.x)) == TEXTS
        assert (dataset.kind, dataset.classes) == ("text", ("neg", "pos"))
        assert dataset.train.y.dtype == torch.int64
        assert dataset.train.y.tolist() == [1, 0, 0, 1]
    assert len({dataset.train.fingerprint for dataset in sets}) == 1
    assert sets[0].train.names == ["line 2", "line 4", "line 5", "line 6"]
    assert sets[2].train.names == ["row 0", "row 1", "row 2", "row 3"]


def test_a_folder_has_a_file_a_part(tmp_path: Path) -> None:
    _write(tmp_path, "review,label\ngood,1\nbad,0\nfine,1\n", "train.csv")
    _write(tmp_path, "label\treview\n0\tawful\n", "test.tsv")
    dataset = _load(tmp_path)
    assert (dataset.classes, dataset.splits.keys()) == (("0", "1"), {"train", "test"})
    assert list(texts_of(dataset.splits["test"].x)) == ["awful"]
    assert dataset.splits["test"].y.tolist() == [0]
    assert dataset.splits["test"].name(0) == "test.tsv line 2"


def test_another_delimiter(tmp_path: Path) -> None:
    path = _write(tmp_path, "review;label\na, b;x\nc;y\n")
    dataset = load(path, text="review", target="label", delimiter=";")
    assert list(texts_of(dataset.train.x)) == ["a, b", "c"]
    path = _write(tmp_path, "review;label\na b;x\nc;y\n")
    guessed = _load(path)
    assert list(texts_of(guessed.train.x)) == ["a b", "c"]
    assert [(note.action, note.change) for note in guessed.notes] == [
        ("guessed", "set data.table.delimiter")
    ]


LONG = "\n".join(["label,review", *(f"text number {i},{i % 2}" for i in range(60))])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "review,label\na,x\n\n ,y\nb,y\n",
            "{path} line 4: review is an empty text, in all 1 of 3 (line 4)",
        ),
        (
            'review,label\na,x\n"",y\n,y\n',
            "{path} line 3: review is an empty text, in all 2 of 3 (line 3, line 4)",
        ),
        (
            "review,label\na,x\nb,\n",
            "{path}: every row must have a target, but label is missing in 1",
        ),
        ("review,label\na,x\nb,NA\n", "label is missing in 1 of 2 (line 3)"),
        ("review,label\na,x\nb,x\n", "needs at least 2 classes, but every cell of label is 'x'"),
        ("reviews,label\na,x\n", "data.table.text: {path} has no column 'review'; did you mean"),
        ("review,Label\na,x\n", "data.table.target: {path} has no column 'label'; did you mean"),
        ("review,label\na,x\nb\n", "{path} line 3 has 1 cell, but the table has 2 columns"),
        (LONG, "label has 60 classes in 60 rows, like a column of texts"),
        ("review,label\n", "{path} has a header but no rows"),
    ],
)
def test_a_table_that_is_not_as_it_must_be_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(DataError, match=re.escape(message.format(path=path))):
        _load(path)


def test_a_text_column_holds_text(tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    pq.write_table(pa.table({"review": [1, 2], "label": ["a", "b"]}), path)
    with pytest.raises(DataError, match="the column review must hold text, got int64"):
        _load(path)
    pq.write_table(pa.table({"review": ["a", None], "label": ["a", "b"]}), path)
    with pytest.raises(DataError, match=r"row 1: .* 1 of 2 \(row 1\); set data.text.empty: drop"):
        _load(path)


def test_cells_that_may_mean_missing_are_texts_and_noted(tmp_path: Path) -> None:
    path = _write(tmp_path, "review,label\nfine,x\nNA,y\n nan ,x\nNone taken,y\n")
    dataset = _load(path)
    assert list(texts_of(dataset.train.x))[1:3] == ["NA", " nan "]
    (note,) = dataset.notes
    assert (note.action, note.count, note.unit, note.example) == ("guessed", 2, "cell", "'NA'")
    assert note.where == f"{path} line 3"


def test_text_and_target_are_two_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="review is both the text and the target"):
        load(_write(tmp_path, "review\na\n"), text="review", target="review")


def test_a_class_that_the_training_part_lacks_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, "review,label\na,x\nb,y\n", "train.csv")
    _write(tmp_path, "review,label\na,x\nb,z\n", "test.csv")
    message = r"test\.csv line 3: class 'z' of label is not in the training part, which has x, y$"
    with pytest.raises(DataError, match=message):
        _load(tmp_path)
