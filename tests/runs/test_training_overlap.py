"""Training samples in another set are counted in its evaluation, if the run's data are there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import papertrial as pt
from papertrial.runs.evaluate import evaluate_run


def write(path: Path, rows: np.ndarray) -> Path:
    lines = [f"{a:.6f},{b:.6f},{'ny'[int(y)]}" for a, b, y in rows]
    path.write_text("\n".join(["a,b,y", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    draw = np.random.default_rng(0)
    return np.c_[draw.normal(size=(60, 2)), draw.integers(0, 2, 60)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, rows: np.ndarray) -> pt.Run:
    """A run of a table of 60 rows, 15 of them for the test."""
    folder = tmp_path_factory.mktemp("overlap")
    recipe: dict[str, Any] = {
        "name": "rows", "task": "table-classification",
        "data": {
            "source": "table", "path": str(write(folder / "t.csv", rows)), "batch_size": 20,
            "table": {"target": "y"}, "splits": {"test": 15, "draw": "last"},
        },
        "model": {"use": "torch.nn.Linear", "in_features": 2, "out_features": 2},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 1,
    }  # fmt: skip
    return pt.train(pt.load_recipe(recipe), runs=folder / "runs", threads=1)


def test_rows_that_the_run_was_trained_on(made: pt.Run, rows: np.ndarray, tmp_path: Path) -> None:
    other = np.random.default_rng(1).normal(size=(7, 3))
    other[:, 2] = rows[40:47, 2]
    mixed = np.r_[other[:4], rows[[3, 44, 50]], other[4:]]  # row 50 was for the test
    (note,) = evaluate_run(made, write(tmp_path / "new.csv", mixed)).notes
    assert note.startswith("2 of 10 samples of the data are among the 45 that the run was trained")
    assert "(line 6 = line 5, line 7 = line 46)" in note
    changed = rows[[3, 44]]
    changed[:, 2] = 1 - changed[:, 2]  # other targets: no proof that they are the same rows
    assert evaluate_run(made, write(tmp_path / "other.csv", np.r_[changed, other])).notes == ()
    assert evaluate_run(made, write(tmp_path / "held.csv", rows[45:])).notes == ()


def test_nothing_is_said_if_the_data_of_the_run_are_gone_or_have_changed(
    made: pt.Run, rows: np.ndarray, tmp_path: Path
) -> None:
    file, new = Path(made.recipe.data.path or ""), write(tmp_path / "new.csv", rows[:20])
    assert len(evaluate_run(made, new).notes) == 1
    kept = shutil.move(file, tmp_path / "kept.csv")
    try:
        assert evaluate_run(made, new).notes == ()
        write(file, rows[::-1])
        assert evaluate_run(made, new).notes == ()
    finally:
        shutil.move(kept, file)
    assert len(evaluate_run(made, new).notes) == 1
