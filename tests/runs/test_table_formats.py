"""A table of a European spreadsheet: `predict` and `evaluate` read as training read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import papertrial as pt
from papertrial.errors import PapertrialError
from papertrial.evaluate.inputs import TableInputs
from papertrial.runs.evaluate import evaluate_run

FIRST = 1_700_000_000_000


def rows(shops: list[str], mark: str = ";") -> str:
    lines = [mark.join(["ts", "size", "shop", "price"])]
    for i, shop in enumerate(shops):
        lines.append(mark.join([str(FIRST + 1000 * i), f"{i},5", shop, f"{i},25"]))
    return "\n".join(lines) + "\n"


def recipe(path: Path, **changes: Any) -> Any:
    return {
        "name": "shops",
        "task": "regression",
        "data": {
            "source": "table",
            "path": str(path),
            "table": {"target": "price", "codes": ["shop"], "unseen": "zeros"},
            "splits": {"test": 0.25},
            "batch_size": "full",
            "transform": [{"use": "papertrial.transforms.Standardize", "skip": [2], **changes}],
        },
        "model": {
            "use": "papertrial.models.TableEmbeddings",
            "in_features": 3,
            "columns": [2],
            "rows": [5],
            "size": 2,
            "hidden": [4],
            "out_features": 1,
        },
        "loss": "torch.nn.MSELoss",
        "optimizer": {"use": "torch.optim.Adam", "lr": 0.05},
        "epochs": 2,
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pt.Run:
    folder = tmp_path_factory.mktemp("shops")
    path = folder / "shops.csv"
    path.write_bytes(rows(["Łódź", "Kraków", "Gdańsk", "Wałbrzych"] * 5).encode("utf-16"))
    return pt.train(pt.load_recipe(recipe(path)), runs=folder / "runs")


def test_the_run_keeps_how_cells_are_written_and_its_notes(run: pt.Run) -> None:
    inputs = pt.load_run(run.path).predictor.inputs
    assert isinstance(inputs, TableInputs)
    assert (inputs.form.decimal, inputs.form.delimiter) == (",", ";")
    assert inputs.layout.features[0].offsets == (FIRST,)
    assert inputs.layout.features[2].coded


def test_another_file_is_read_in_the_same_way(run: pt.Run, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text(rows(["Łódź", "Poznań"]), "utf-8")
    predictor = pt.load_run(run.path).predictor
    predicted = [one.prediction for one in predictor.predict(path)]
    assert isinstance(predictor.inputs, TableInputs)
    shops = predictor.inputs.layout.features[2].categories
    assert shops is not None
    codes = [shops.index("Łódź") + 1, 0]
    array = np.array([[FIRST, 0.5, codes[0]], [FIRST + 1000, 1.5, codes[1]]])
    assert predicted == pytest.approx([one.prediction for one in predictor.predict(array)])
    result = evaluate_run(pt.load_run(run.path), path)
    errors = np.array(predicted) - [0.25, 1.25]
    assert result.metrics["data"]["mse"] == pytest.approx(float((errors**2).mean()), rel=1e-4)
    assert any("shop has categories that the training part lacks" in note for note in result.notes)
    path.write_text(rows(["Łódź"], ","), "utf-8")
    with pytest.raises(PapertrialError, match="has only one column if ';' separates"):
        predictor.predict(path)


def test_codes_that_a_transform_changes_are_refused(run: pt.Run, tmp_path: Path) -> None:
    path = tmp_path / "shops.csv"
    path.write_text(rows(["a", "b", "c", "d"] * 5), "utf-8")
    with pytest.raises(PapertrialError, match=r"changes the codes of shop, .* set skip: \[2\]"):
        pt.train(pt.load_recipe(recipe(path, skip=[0])), runs=tmp_path / "runs")
