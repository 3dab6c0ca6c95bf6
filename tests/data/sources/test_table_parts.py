"""The files of a set of tables: one file, or a folder with a file for each part."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from papertrial.cli.main import make_app
from papertrial.data.sources.table_parts import find_parts, reading_parts
from papertrial.data.tables.table_file import read_table
from papertrial.data.tables.table_format import TableFormat
from papertrial.errors import DataError, InvalidRecipeError
from papertrial.progress import finish
from papertrial.recipe.load import load_recipe
from papertrial.recipe.schema import Recipe
from papertrial.runs.load_data import load_set
from papertrial.runs.train import train


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


def _recipe(folder: Path, path: object, **columns: object) -> Recipe:
    (folder / "a.csv").write_text("x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(8)))
    (folder / "b.csv").write_text("x,y\n8,0\n9,1\n10,0\n")
    (folder / "c.csv").write_text("x,z\n8,0\n9,1\n")
    (folder / "d.csv").write_text("x,y\n8,\n9,\n")
    recipe = load_recipe(
        {
            "name": "parts",
            "task": "table-classification",
            "data": {
                "source": "table",
                "path": path,
                "table": {"target": "y", **columns},
                "batch_size": 4,
            },
            "model": {"use": "torch.nn.Linear", "in_features": 1, "out_features": 2},
            "loss": "torch.nn.CrossEntropyLoss",
            "optimizer": "torch.optim.SGD",
            "epochs": 1,
        }
    )
    assert isinstance(recipe, Recipe)
    return recipe


def test_a_mapping_names_the_file_of_each_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dataset = finish(load_set(_recipe(tmp_path, {"train": "a.csv", "test": "b.csv"}), tmp_path))[0]
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 8, "test": 3}
    assert dataset.splits["test"].name(0) == "b.csv line 2"
    with pytest.raises(InvalidRecipeError, match=r"data\.path\.train: is missing"):
        _recipe(tmp_path, {"test": "b.csv"})
    with pytest.raises(InvalidRecipeError, match=r'data\.path\.tset: .*did you mean "test"'):
        _recipe(tmp_path, {"train": "a.csv", "tset": "b.csv"})
    with pytest.raises(DataError, match=r"gone\.csv"):
        finish(load_set(_recipe(tmp_path, {"train": "a.csv", "test": "gone.csv"}), tmp_path))


@pytest.mark.parametrize("file", ["c.csv", "d.csv"])
def test_a_test_file_without_targets_is_refused_and_can_be_predicted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as error:
        finish(load_set(_recipe(tmp_path, {"train": "a.csv", "test": file}), tmp_path))
    command = f"papertrial predict RUN {file} --output predictions.csv"
    assert command in str(error.value)
    assert "data.splits.test" in str(error.value)
    # The advice works.
    run = train(_recipe(tmp_path, "a.csv"), runs=tmp_path / "runs", device="cpu")
    words = command.replace("RUN", str(run.path)).split()[1:]
    result = CliRunner().invoke(make_app(), words)
    assert result.exit_code == 0, result.output
    rows = list(csv.reader((tmp_path / "predictions.csv").read_text().splitlines()))
    assert rows[0] == ["input", "prediction", "probability of 0", "probability of 1"]
    answers = run.predict(file)
    assert [row[1] for row in rows[1:]] == [one.prediction for one in answers]
    assert float(rows[1][2]) == answers[0].probabilities["0"]


def test_the_other_parts_are_written_as_the_training_file_shows(tmp_path: Path) -> None:
    """By itself, the test file shows a decimal point; the training file has it for thousands."""
    (tmp_path / "train.csv").write_text("a;y\n1.234,5;1\n2.000,25;2\n")
    (tmp_path / "test.csv").write_text("a;y\n1.234;1\n2.000;2\n")
    form = TableFormat()
    tables = finish(reading_parts(tmp_path, form))
    train = tables["train"]
    assert train.numbers("a").values.tolist() == [1234.5, 2000.25]
    assert tables["test"].numbers("a").values.tolist() == [1234.0, 2000.0]
    assert tables["test"].form == train.form
    assert read_table(tmp_path / "test.csv", train.form).form == train.form  # as predict does
