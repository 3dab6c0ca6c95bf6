"""The files of a set of tables: one file, or a folder with a file for each part."""

from __future__ import annotations

from pathlib import Path

import pytest

from papertrial.data.sources.table_parts import find_parts
from papertrial.errors import DataError


def test_one_file_is_the_training_part_and_a_folder_has_a_file_a_part(tmp_path: Path) -> None:
    for name in ("test.tsv", "Train.CSV", "validation.parquet", "notes.csv", "README.md"):
        (tmp_path / name).touch()
    assert find_parts(tmp_path / "notes.csv") == {"train": tmp_path / "notes.csv"}
    parts = {part: file.name for part, file in find_parts(tmp_path).items()}
    assert list(parts.items()) == [
        ("train", "Train.CSV"),
        ("validation", "validation.parquet"),
        ("test", "test.tsv"),
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "holds nothing$"),
        (["a.csv", "test.csv"], r"holds a\.csv, test\.csv$"),
        (
            ["train.csv", "train.parquet"],
            r"one file for each part; got .*train\.csv and train\.parquet",
        ),
        (["train.csv", "val.csv"], r"rename .*val\.csv to validation\.csv"),
        (["training.tsv"], r"rename .*training\.tsv to train\.tsv"),
    ],
)
def test_a_folder_without_clear_parts_is_refused(
    tmp_path: Path, names: list[str], message: str
) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=message):
        find_parts(tmp_path)
