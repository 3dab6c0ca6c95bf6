"""Numbers from 12-bit images with a table, from the check to another table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import papertrial as pt
from papertrial.errors import PapertrialError, RecipeError
from papertrial.reading_note import ReadingNote
from papertrial.store.run_folder import RunFolder

COUNT, LOW, HIGH = 24, 300, 3000


def image(path: Path, value: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((3, 3), value, np.uint16)).save(path)


def recipe(folder: Path, **data: Any) -> Any:
    return {
        "name": "ages",
        "task": "regression",
        "data": {
            "source": "image-table",
            "path": str(folder / "labels.csv"),
            "table": {"image": "id", "target": ["age", "size"], "part": "part"},
            "image": {"folder": str(folder / "img"), "range": [0, 4095]},
            "batch_size": "full",
            **data,
        },
        "model": {
            "use": "torch.nn.Sequential",
            "args": [
                {"use": "torch.nn.Flatten"},
                {"use": "torch.nn.Linear", "in_features": 9, "out_features": 2},
            ],
        },
        "loss": "torch.nn.MSELoss",
        "optimizer": {
            "use": "torch.optim.LBFGS",
            "line_search_fn": "strong_wolfe",
            "max_iter": 50,
        },
        "epochs": 3,
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of one grey value each, which both targets depend on, and tables of them."""
    folder = tmp_path_factory.mktemp("ages")
    rows = ["id,age,size,part"]
    for i, value in enumerate(np.linspace(LOW, HIGH, COUNT).astype(int)):
        image(folder / "img" / f"{i:03}.png", value)
        rows.append(f"{i:03},{value / 100},{1 - value / 1000},{'test' if i % 4 == 1 else 'train'}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    image(folder / "new" / "a.png", 1000)
    image(folder / "new" / "b.png", 2000)
    (folder / "more.csv").write_text("id,age,size\nnew/a.png,10,0\nnew/b.png,20,-1\n")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> pt.Run:
    made = pt.load_recipe(recipe(folder))
    return pt.train(made, runs=folder / "runs", data=folder / "home", threads=1)


def test_check_reports_how_the_images_were_read(folder: Path) -> None:
    result = pt.check(recipe(folder), data=folder / "home")
    assert result.problems == []
    assert result.facts.rows == {"train": 18, "test": 6}
    reading = {(note.action, note.count, note.unit) for note in result.facts.reading or ()}
    assert reading == {("guessed", 24, "row"), ("converted", 24, "image")}
    narrow = recipe(folder, image={"folder": str(folder / "img")})
    warned = [p for p in pt.check(narrow, data=folder / "home").problems if p.where == "data"]
    assert ["data.image.range" in problem.fix for problem in warned] == [True]


def test_the_numbers_are_learnt(run: pt.Run) -> None:
    assert run.metrics["test"]["rmse"] < 0.1  # ages are 3 to 30; 8-bit rounding alone gives 0.05
    notes = RunFolder.open(run.path).provenance.notes
    kept = [(note.action, note.count) for note in notes if isinstance(note, ReadingNote)]
    assert kept == [("guessed", 24), ("converted", 24)]


def test_predictions_read_images_by_the_range_of_the_run(run: pt.Run, folder: Path) -> None:
    loaded = pt.load_run(run.path)
    a, b = loaded.predict([folder / "new" / "a.png", folder / "new" / "b.png"])
    assert isinstance(a.prediction, dict)
    assert isinstance(b.prediction, dict)
    assert a.prediction["age"] == pytest.approx(10, abs=0.15)
    assert b.prediction["age"] == pytest.approx(20, abs=0.15)
    assert b.prediction["size"] == pytest.approx(-1, abs=0.05)


def test_evaluated_again_and_on_another_table(run: pt.Run, folder: Path) -> None:
    loaded = pt.load_run(run.path)
    again = pt.evaluate_run(loaded, data_folder=folder / "home")
    assert again.metrics["test"] == run.metrics["test"]
    other = pt.evaluate_run(loaded, folder / "more.csv", data_folder=folder / "home")
    rmse = other.metrics["data"]["rmse"]
    assert isinstance(rmse, float)
    assert rmse < 0.15


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"image": {"folder": "x", "range": [5, 5]}}, "data.image.range"),
        ({"image": {"range": ["a", 3]}}, "data.image.range"),
        ({"table": {"target": "age"}}, "data.table.image"),
        ({"source": "table"}, "data.table.part"),
        ({"source": "image-folder"}, "data.image.folder"),
    ],
)
def test_keys_that_do_not_fit_are_named(folder: Path, changes: Any, key: str) -> None:
    made = recipe(folder)
    made["data"] |= changes
    made["data"] = {k: value for k, value in made["data"].items() if value is not None}
    with pytest.raises(RecipeError) as caught:
        pt.load_recipe(made)
    assert key in str(caught.value)


def test_an_image_folder_says_how_numbers_are_given(folder: Path) -> None:
    for name in ("a", "b"):
        image(folder / "classes" / name / "0.png", 9)
    made = recipe(folder, source="image-folder", path=str(folder / "classes"))
    made["data"] = {k: v for k, v in made["data"].items() if k not in ("table", "image")}
    with pytest.raises(PapertrialError, match="source: image-table"):
        pt.train(pt.load_recipe(made), runs=folder / "runs", data=folder / "home")
