"""What reading a data set changed: the record, and its way through check, run, report and audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import papertrial as pt
from papertrial.reading_note import ReadingNote
from papertrial.report.render import record_sections
from papertrial.report.run_report import run_report
from papertrial.store.run_folder import RunFolder


def test_a_note_is_one_sentence_with_what_is_known() -> None:
    note = ReadingNote(action="left out", what="end in .heic", count=20, unit="file")
    assert note.text == "left out 20 files: end in .heic"
    full = note.model_copy(update={"count": 1, "example": "a.heic", "where": "b", "change": "c"})
    assert full.text == "left out 1 file: end in .heic, such as a.heic (b); to change this, c"
    assert ReadingNote.model_validate(full.to_plain()) == full


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("shapes")
    generator = np.random.default_rng(0)
    for name, level in (("bright", 200), ("dark", 60)):
        (folder / name).mkdir()
        for i in range(8):
            pixels = generator.normal(level, 20, (4, 4)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    (folder / "dark" / "3.png").write_bytes(b"damaged")
    flat = {"use": "torch.nn.Flatten"}
    return {
        "name": "shapes",
        "task": "image-classification",
        "data": {
            "source": "image-folder", "path": str(folder), "image": {"corrupt": "skip"},
            "splits": {"test": 0.25}, "batch_size": 4,
        },
        "model": {"use": "torch.nn.Sequential",
                  "args": [flat, {"use": "torch.nn.LazyLinear", "out_features": 2}]},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.01},
        "epochs": 1,
    }  # fmt: skip


def test_a_note_is_in_the_check_the_run_and_its_report(
    recipe: dict[str, Any], tmp_path: Path
) -> None:
    checked = pt.check(recipe, data=tmp_path / "data").facts
    assert checked.reading is not None
    (note,) = checked.reading
    assert (note.action, note.count, note.example) == ("left out", 1, "dark/3.png")
    assert checked.to_json()["reading"] == [note.to_plain()]
    run = pt.train(pt.load_recipe(recipe), data=tmp_path / "data", runs=tmp_path / "runs")
    assert RunFolder(run.path).provenance.notes == (note,)
    report = run_report(run)
    assert report.reading == (note,)
    (section,) = record_sections.reading(report)
    shown = [cell.text for cell in section.tables[0].rows[0]]
    assert shown[:3] == ["left out", "1 image", "cannot be decoded"]
    assert "dark/3.png" in shown[3]
    assert not list(record_sections.reading(report.model_copy(update={"reading": ()})))
