"""Texts without spaces and without words, from recipes to runs and predictions."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

import papertrial as pt
from papertrial.data.texts.word_splits import CHARACTERS
from papertrial.errors import DataError
from papertrial.store.run_folder import RunFolder

WHO, HOW = "猫犬鳥魚馬牛", ("大好き", "嫌いだ")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Sentences in Japanese; half of the pairs of subjects are only in the test part."""
    folder = tmp_path_factory.mktemp("likes")
    for part, first in (("train", 0), ("test", 1)):
        with (folder / f"{part}.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["text", "mood"])
            for i, one in enumerate(WHO):
                for j, other in enumerate(WHO):
                    if (i + j) % 2 == first:
                        rows.writerows((f"{one}も{other}も{how}", how[0]) for how in HOW)
    return {
        "name": "likes",
        "task": "text-classification",
        "data": {
            "source": "text-table", "path": str(folder),
            "table": {"text": "text", "target": "mood"}, "batch_size": 8,
        },
        "model": {"use": "papertrial.models.BagOfWords", "num_embeddings": 60},
        "loss": "torch.nn.BCEWithLogitsLoss",
        "optimizer": {"use": "torch.optim.Adam", "lr": 0.2},
        "epochs": 4,
    }  # fmt: skip


def with_text(recipe: dict[str, Any], **text: Any) -> dict[str, Any]:
    return {**recipe, "data": {**recipe["data"], "text": text}}


def train(recipe: dict[str, Any], runs: Path) -> pt.Run:
    return pt.train(pt.load_recipe(recipe), runs=runs)


def test_japanese_is_split_into_characters_and_predicted_raw(
    recipe: dict[str, Any], tmp_path: Path
) -> None:
    run = train(recipe, runs=tmp_path)
    assert run.metrics["test"]["accuracy"] == 1.0
    (note,) = RunFolder(run.path).provenance.notes
    assert not isinstance(note, str)
    assert (note.action, note.count, note.unit) == ("guessed", 36, "text")
    assert "data.text.words" in note.change
    loaded = pt.load_run(run.path)
    assert loaded.preprocessing.inputs.vocabulary.split == CHARACTERS.name  # type: ignore[union-attr]
    answers = loaded.predict(["魚は猫が嫌いだ", "牛が大好き"])
    assert [one.prediction for one in answers] == ["嫌", "大"]
    # A run that starts from it has its vocabulary, and the named splitter gives the same bits.
    again = train({**recipe, "init_from": str(run.path)}, runs=tmp_path)
    assert again.preprocessing.inputs == run.preprocessing.inputs
    named = train(with_text(recipe, words="characters"), runs=tmp_path)
    first, second = ((one.path / "model.safetensors").read_bytes() for one in (run, named))
    assert first == second
    assert RunFolder(named.path).provenance.notes == ()


def test_check_tells_what_was_guessed_and_the_share_of_unknown_words(
    recipe: dict[str, Any],
) -> None:
    facts = pt.check(recipe).facts
    assert facts.unknown_words == {"train": 0.0, "test": 0.0}
    assert facts.reading is not None
    assert [note.action for note in facts.reading] == ["guessed"]
    found = pt.check(with_text(recipe, words="whitespace"))
    assert found.facts.unknown_words == {"train": 0.0, "test": 1.0}
    (problem,) = [one for one in found.problems if one.where == "data.text.words"]
    assert "data.text.words: characters" in problem.fix
    assert found.to_json()["facts"]["unknown_words"] == {"train": 0.0, "test": 1.0}  # type: ignore[index]


def test_texts_without_words_are_refused_or_left_out(tmp_path: Path) -> None:
    rows = ["text,mood", *[f"{a} day {i},{a}" for i in range(12) for a in ("good", "bad")]]
    rows[3:3] = [" ,good", "<br />,bad", "!!!,good", ",bad"]
    (tmp_path / "days.csv").write_text("\n".join(rows) + "\n")
    recipe: dict[str, Any] = {
        "name": "days", "task": "text-classification",
        "data": {
            "source": "text-table", "path": str(tmp_path / "days.csv"), "batch_size": 8,
            "table": {"text": "text", "target": "mood"}, "splits": {"test": 4},
        },
        "model": {"use": "papertrial.models.BagOfWords", "num_embeddings": 60},
        "loss": "torch.nn.BCEWithLogitsLoss",
        "optimizer": {"use": "torch.optim.Adam", "lr": 0.2}, "epochs": 1,
    }  # fmt: skip
    with pytest.raises(DataError, match=r"2 of 28 \(line 4, line 7\); set data.text.empty: drop"):
        train(recipe, runs=tmp_path)
    run = train(with_text(recipe, empty="drop"), runs=tmp_path)
    folder = RunFolder(run.path)
    (note,) = folder.provenance.notes
    assert not isinstance(note, str)
    assert (note.action, note.count, note.unit, note.example) == (
        "left out", 3, "text", "line 4",
    )  # fmt: skip
    assert sum(split.rows for split in folder.provenance.data.values()) == 25  # "!!!" is a word
    # A splitter of the user's own can leave nothing of other texts.
    (tmp_path / "w.py").write_text(
        "def words(text):\n    return [w for w in text.split() if w.isalpha()]\n"
    )
    own = with_text(recipe, empty="drop", words=f"{tmp_path}/w.py:words")
    (note,) = pt.check(own).facts.reading or ()
    assert note.count == 4
    blank = with_text(recipe, empty="drop", words={"use": f"{tmp_path}/w.py:none"})
    (tmp_path / "w.py").write_text("def none(text):\n    return []\n")
    with pytest.raises(DataError, match="only texts without words"):
        train(blank, runs=tmp_path)
