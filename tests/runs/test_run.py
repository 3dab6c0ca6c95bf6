"""A run that is opened from its folder: damaged documents are refused by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import papertrial as pt
from papertrial.errors import RunError
from papertrial.evaluate.preprocessing import Preprocessing


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> pt.Run:
    recipe = pt.load_recipe("diabetes-linear", ["epochs=1"])
    return pt.train(recipe, runs=tmp_path_factory.mktemp("runs"))


@pytest.fixture
def copied(trained: pt.Run, tmp_path: Path) -> pt.Run:
    return pt.load_run(shutil.copytree(trained.path, tmp_path / "run"))


def test_preprocess_json_is_a_document_of_its_own_format(copied: pt.Run) -> None:
    text = (copied.path / "preprocess.json").read_text()
    assert json.loads(text)["format"] == Preprocessing.FORMAT
    assert copied.preprocessing.to_json() + "\n" == text
    assert copied.predictor.task.meaning() == copied.preprocessing.meaning
    assert copied.predictor.inputs.state() == copied.preprocessing.inputs


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"format": 99}, "has format 99.*newer version"),
        ({"task": 3}, "task"),
        ({"meaning": None}, "meaning"),
        (
            {"pipeline": {"kind": "table", "shape": [10], "dtype": "float32", "transforms": []}},
            "has 0",
        ),
    ],
)
def test_a_newer_or_damaged_preprocess_json_is_refused_by_name(
    copied: pt.Run, change: dict[str, Any], fault: str
) -> None:
    file = copied.path / "preprocess.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(RunError, match=f"run/preprocess.json .*{fault}"):
        copied.predict([[0.0] * 10])


def test_a_start_run_with_a_damaged_preprocess_json_is_refused_by_name(
    copied: pt.Run, tmp_path: Path
) -> None:
    (copied.path / "preprocess.json").write_text("{")
    recipe = pt.load_recipe("diabetes-linear", ["epochs=1", f"init_from={copied.path}"])
    with pytest.raises(RunError, match=r"run/preprocess\.json is damaged"):
        pt.train(recipe, runs=tmp_path / "runs")
