"""`data.text.words` and `min_frequency`, from recipes to runs, predictions and audits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import papertrial as pt
from papertrial.errors import DataError, InvalidRecipeError

DATA = """
def load():
    names = ["empty", "full"] * 20
    words = {"empty": "no-thing", "full": "brim-full"}
    x = [f"THE jar-{i} is {words[name]}" for i, name in enumerate(names)]
    return {"train": (x[:30], names[:30]), "test": (x[30:], names[30:])}


def pairs(text, apart):
    words = text.split(apart)
    return words + [f"{a}_{b}" for a, b in zip(words, words[1:])]
"""
PAIRS = {"use": "./texts.py:pairs", "apart": " "}
RECIPE: dict[str, Any] = {
    "name": "jars",
    "task": "text-classification",
    "data": {
        "source": "./texts.py:load",
        "batch_size": 10,
        "text": {"min_frequency": 3, "words": PAIRS},
    },
    "model": {"use": "papertrial.models.BagOfWords", "num_embeddings": 25_002},
    "loss": "torch.nn.BCEWithLogitsLoss",
    "optimizer": {"use": "torch.optim.Adam", "lr": 0.1},
    "epochs": 3,
    "claims": [{"metric": "accuracy", "kind": "at-least", "value": 0.5}],
}


def recipe(folder: Path, text: dict[str, Any], **changes: Any) -> Any:
    (folder / "texts.py").write_text(DATA)
    data = {**RECIPE["data"], "text": text}
    (folder / "jars.yaml").write_text(json.dumps({**RECIPE, "data": data, **changes}))
    return pt.load_recipe(folder / "jars.yaml")


def words_of(run: Any) -> list[str]:
    return list(run.preprocessing.inputs.vocabulary.words)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jars")


@pytest.fixture(scope="module")
def verified(folder: Path) -> Any:
    return pt.verify(recipe(folder, RECIPE["data"]["text"]), runs=folder / "runs", workers=1)


def test_a_function_splits_the_texts(folder: Path, verified: Any) -> None:
    run = pt.train(recipe(folder, RECIPE["data"]["text"]), runs=folder / "once")
    # Numbers of jars occur once; pairs with them too.
    often = ["is", "the", "brim-full", "is_brim-full", "is_no-thing", "no-thing"]
    assert words_of(run) == often
    assert run.metrics["test"]["accuracy"] == 1.0
    again = pt.train(recipe(folder, RECIPE["data"]["text"]), runs=folder / "again")
    first, second = ((r.path / "model.safetensors").read_bytes() for r in (run, again))
    assert first == second
    (folder / "texts.py").unlink()  # the run has a copy
    answers = pt.load_run(run.path).predict(["It IS brim-full", "is no-thing in it"])
    assert [answer.prediction for answer in answers] == ["full", "empty"]
    assert pt.audit(verified.path, seed=0).ok


def test_named_tokenizers(folder: Path) -> None:
    run = pt.train(recipe(folder, {"words": "whitespace"}), runs=folder / "once")
    assert "jar-3" in words_of(run)
    run = pt.train(recipe(folder, {"words": "basic-english"}), runs=folder / "once")
    assert "jar-3" in words_of(run)
    assert "THE" not in words_of(run)


def test_a_start_run_has_the_same_tokenizer(folder: Path) -> None:
    start = pt.train(recipe(folder, {"words": "whitespace"}), runs=folder / "start")
    same = recipe(folder, {"words": "whitespace"}, init_from=str(start.path))
    assert words_of(pt.train(same, runs=folder / "start")) == words_of(start)
    other = recipe(folder, {}, init_from=str(start.path))
    with pytest.raises(DataError, match=r"words: .*papertrial.tokenizers.whitespace, got the"):
        pt.train(other, runs=folder / "start")


@pytest.mark.parametrize(
    ("text", "key", "word"),
    [
        ({"words": "white-space"}, "data.text.words.use", "white-space"),
        ({"words": {**PAIRS, "apar": 1}}, "data.text.words.apar", "apart"),
        ({"min_frequency": 0}, "data.text.min_frequency", "1"),
        ({"min_frequency": 2, "vocabulary_file": "v.txt"}, "data.text.min_frequency", "learned"),
    ],
)
def test_wrong_keys_are_told_before_the_training(
    folder: Path, text: dict[str, Any], key: str, word: str
) -> None:
    with pytest.raises(InvalidRecipeError) as raised:
        recipe(folder, text)
    assert f"{key}: " in str(raised.value)
    assert word in str(raised.value)


def test_a_function_that_fails_is_told(folder: Path) -> None:
    broken = recipe(folder, {"words": {**PAIRS, "apart": ""}})
    with pytest.raises(DataError, match=r"^data.text.words: texts.py:pairs fails .*ValueError"):
        pt.train(broken, runs=folder / "broken")
