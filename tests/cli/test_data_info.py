"""`papertrial data info` of files, folders and recipes: text, JSON, page and sheet."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import Result

Invoke = Callable[..., Result]
EVIL = "<script>alert(1)</script>"
RECIPE = """
name: moods
task: text-classification
data:
  source: text-table
  path: moods.csv
  table: {text: text, target: mood}
  splits: {test: 2}
  batch_size: 2
model: {use: papertrial.models.BagOfWords, num_embeddings: 20}
loss: torch.nn.BCEWithLogitsLoss
optimizer: {use: torch.optim.Adam, lr: 0.1}
epochs: 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        f"天气{word}{i},{mood}" for i in range(4) for word, mood in (("很好", "好"), ("不好", "坏"))
    ]
    (tmp_path / "moods.csv").write_text("text,mood\n" + "\n".join(rows) + "\n", "utf-8")
    (tmp_path / "moods.yaml").write_text(RECIPE)
    (tmp_path / "evil.csv").write_text(f'{EVIL},b"&amp;\n{EVIL},1\nx,2\n'.replace('b"', "b"))
    for name in ("a", "b"):
        (tmp_path / "shapes" / name).mkdir(parents=True)
        Image.new("RGB", (5, 5), "red").save(tmp_path / "shapes" / name / "1.png")
    return tmp_path


def as_json(invoke: Invoke, folder: Path, *words: str) -> dict[str, Any]:
    done = invoke("data", "info", *words, "--json", cwd=folder)
    assert done.exit_code == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_a_recipe_has_its_parts_and_all_notes(invoke: Invoke, folder: Path) -> None:
    card = as_json(invoke, folder, "moods.yaml")
    assert {name: part["rows"] for name, part in card["parts"].items()} == {"train": 6, "test": 2}
    assert card["kind"] == "text"
    assert card["parts"]["train"]["texts"]["scripts"] == {"Han": 1.0}
    assert [note["action"] for note in card["notes"]] == ["guessed"]


def test_a_table_is_shown_as_text(invoke: Invoke, folder: Path) -> None:
    done = invoke("data", "info", "moods.csv", "--target", "mood", "--text", "text", cwd=folder)
    assert done.exit_code == 0, done.stderr
    for part in ("Samples are: texts", "Han 100 %", "坏", "50 %", "line 2"):
        assert part in done.stdout


def test_a_page_escapes_what_the_data_say_and_needs_nothing_else(
    invoke: Invoke, folder: Path
) -> None:
    done = invoke("data", "info", "evil.csv", "--html", "cards/e.html", cwd=folder)
    assert done.exit_code == 0, done.stderr
    page = (folder / "cards" / "e.html").read_text("utf-8")
    assert "<script" not in page
    assert html.escape(EVIL) in page
    assert "b&amp;amp;" in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)


def test_a_page_and_a_sheet_show_images(invoke: Invoke, folder: Path) -> None:
    words = ("shapes", "--html", "s.html", "--sheet", "s.png")
    card = as_json(invoke, folder, *words)
    assert card["sheet"] == "s.png"
    assert card["parts"]["all"]["classes"] == {"a": 1, "b": 1}
    assert 'src="data:image/png;base64,' in (folder / "s.html").read_text("utf-8")
    with Image.open(folder / "s.png") as picture:
        assert picture.format == "PNG"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["moods.cs"], "there is no set 'moods.cs'"),
        (["moods.csv", "--target", "mod"], 'did you mean "mood"'),
        (["moods.csv", "--sheet", "s.png"], "--sheet needs images"),
        (["moods.yaml", "--target", "mood"], "--target and --text name columns of a table"),
        (["moods.csv", "--html", "."], "cannot write ."),
        (["shapes", "--sheet", "s.jpg"], "must name a PNG file"),
    ],
)
def test_what_cannot_be_done_is_told(
    invoke: Invoke, folder: Path, words: list[str], said: str
) -> None:
    done = invoke("data", "info", *words, cwd=folder)
    assert done.exit_code == 2
    assert said in done.stderr
