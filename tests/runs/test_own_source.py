"""`source: ./file.py:function` from the recipe to predictions: images, tables, texts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import papertrial as pt
from papertrial.errors import DataError, RecipeError
from papertrial.store.run_records import VocabularyFacts

DATA = """
import numpy as np

NAMES = ["empty", "full"]


def images():
    draws = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = (draws.integers(0, 60, (60, 1, 6, 6)) + 180 * y[:, None, None, None]).astype(np.uint8)
    return {"train": (x[:40], y[:40]), "test": (x[40:], y[40:]), "classes": NAMES}


def table():
    draws = np.random.default_rng(1)
    x = draws.normal(size=(60, 2))
    y = np.where(x[:, 0] > 0, "full", "empty")
    return {"train": (x[:40], y[:40]), "test": (x[40:], y[40:]), "features": ["load", "age"]}


def numbers():
    x = np.linspace(-1, 1, 40)[:, None]
    return {"train": (x[::2], 3 * x[::2, 0] + 1), "test": (x[1::2], 3 * x[1::2, 0] + 1)}


def texts():
    words = {"empty": "nothing void", "full": "brimming laden"}
    y = NAMES * 15
    x = [f"the jar is {words[name].split()[i // 2 % 2]} {i}" for i, name in enumerate(y)]
    return {"train": (x[:20], y[:20]), "test": (x[20:], y[20:])}
"""
FLATTEN = {"use": "torch.nn.Flatten"}


def linear(inputs: int, outputs: int) -> dict[str, Any]:
    return {"use": "torch.nn.Linear", "in_features": inputs, "out_features": outputs}


KINDS: dict[str, dict[str, Any]] = {
    "images": {
        "task": "image-classification",
        "model": {"use": "torch.nn.Sequential", "args": [FLATTEN, linear(36, 2)]},
    },
    "table": {"task": "table-classification", "model": linear(2, 2)},
    "numbers": {"task": "regression", "model": linear(1, 1), "loss": "torch.nn.MSELoss"},
    "texts": {
        "task": "text-classification",
        "model": {"use": "papertrial.models.BagOfWords", "num_embeddings": 30, "out_features": 2},
    },
}


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A folder with data.py, in which recipes are written."""
    (tmp_path / "data.py").write_text(DATA)
    return tmp_path


def trained(folder: Path, function: str, *overrides: str) -> pt.Run:
    values = {
        "name": function,
        "data": {"source": "./data.py:" + function, "batch_size": 8},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.Adam", "lr": 0.05},
        "epochs": 30,
        **KINDS[function],
    }
    (folder / f"{function}.yaml").write_text(json.dumps(values))  # JSON is YAML
    return pt.train(pt.load_recipe(folder / f"{function}.yaml", overrides), runs=folder / "runs")


@pytest.mark.parametrize("function", KINDS)
def test_a_function_of_ones_own_trains_and_its_file_is_kept(function: str, recipe: Path) -> None:
    run = trained(recipe, function)
    assert run.metrics["test"]["r2" if function == "numbers" else "accuracy"] >= 0.95
    assert (run.path / "code" / "data.py").read_text() == DATA
    assert run.recipe.data.source == f"{run.path.resolve()}/code/data.py:{function}"


@pytest.mark.parametrize("function", KINDS)
def test_it_trains_again_from_the_run_alone(function: str, recipe: Path) -> None:
    run = trained(recipe, function, "epochs=2")
    (recipe / "data.py").unlink()
    again = pt.train(pt.load_recipe(run.path / "recipe.yaml"), runs=recipe / "again")
    weights = [(r.path / "model.safetensors").read_bytes() for r in (run, again)]
    assert weights[0] == weights[1]
    hashes = [json.loads((r.path / "provenance.json").read_text()) for r in (run, again)]
    assert hashes[0]["training_hash"] == hashes[1]["training_hash"]
    assert hashes[0]["data"] == hashes[1]["data"]
    assert pt.evaluate_run(pt.load_run(run.path)).metrics == run.metrics


def test_a_function_gets_the_path_of_its_data(recipe: Path) -> None:
    (recipe / "reads.py").write_text(
        "import numpy as np\n\n\ndef load(folder):\n    x = np.load(folder / 'x.npy')\n"
        "    return {'train': (x[:40], x[:40, 0] > 0), 'test': (x[40:], x[40:, 0] > 0)}\n"
    )
    for name in ("rows", "moved"):
        (recipe / name).mkdir()
        np.save(recipe / name / "x.npy", np.random.default_rng(0).normal(size=(60, 2)))
    data = {"source": "./reads.py:load", "path": "rows", "batch_size": 8}
    tree = {
        "name": "reads",
        **KINDS["table"],
        "data": data,
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.Adam", "lr": 0.05},
        "epochs": 1,
    }
    (recipe / "reads.yaml").write_text(json.dumps(tree))
    run = pt.train(pt.load_recipe(recipe / "reads.yaml"), runs=recipe / "runs")
    shutil.rmtree(recipe / "rows")  # the same data elsewhere, and the run's copy of the code
    (recipe / "reads.py").unlink()
    stored = pt.load_recipe(run.path / "recipe.yaml", [f"data.path={recipe / 'moved'}"])
    again = pt.train(stored, runs=recipe / "again")
    weights = [(r.path / "model.safetensors").read_bytes() for r in (run, again)]
    assert weights[0] == weights[1]
    with pytest.raises(DataError, match=r"load failed at line 5: FileNotFoundError"):
        pt.train(pt.load_recipe(run.path / "recipe.yaml"), runs=recipe / "gone")


@pytest.mark.parametrize(
    ("source", "path", "message"),
    [
        ("./data.py:table", "rows", "data.path: is passed to .*data.py:table, which takes no arg"),
        ("./takes.py:load", None, "data.path: is missing; .*takes.py:load takes .*: folder"),
        (
            "./takes.py:more",
            "rows",
            "data.source: .*takes.py:more takes 2 arguments; .*use: .*size",
        ),
    ],
)
def test_a_path_and_the_parameter_of_the_function_go_together(
    recipe: Path, source: str, path: str | None, message: str
) -> None:
    (recipe / "takes.py").write_text(
        "def load(folder):\n    pass\n\n\ndef more(folder, size):\n    pass\n"
    )
    data = {"source": source, "batch_size": 8, **({"path": path} if path else {})}
    tree = {"name": "x", **KINDS["table"], "loss": "torch.nn.CrossEntropyLoss", "epochs": 1}
    tree |= {"data": data, "optimizer": {"use": "torch.optim.Adam"}}
    (recipe / "x.yaml").write_text(json.dumps(tree))
    with pytest.raises(RecipeError, match=message):
        pt.load_recipe(recipe / "x.yaml")


def test_images_are_predicted(recipe: Path) -> None:
    run = trained(recipe, "images")
    dark, bright = np.full((6, 6), 20, np.uint8), np.full((6, 6), 220, np.uint8)
    Image.fromarray(bright).save(recipe / "bright.png")
    answers = run.predict([Image.fromarray(dark), recipe / "bright.png"])
    assert [answer.prediction for answer in answers] == ["empty", "full"]


def test_rows_are_predicted_by_the_names_of_their_columns(recipe: Path) -> None:
    run = trained(recipe, "table")
    (recipe / "rows.csv").write_text("age,load\n0.0,2.0\n0.0,-2.0\n")
    answers = run.predict(recipe / "rows.csv")
    assert [answer.prediction for answer in answers] == ["full", "empty"]
    assert [a.prediction for a in run.predict([[2.0, 0.0], [-2.0, 0.0]])] == ["full", "empty"]


def test_texts_are_predicted_as_they_are_or_from_files(recipe: Path) -> None:
    run = trained(recipe, "texts")
    (recipe / "jar.txt").write_text("A brimming jar")
    answers = pt.load_run(run.path).predict(["nothing, only a void!", str(recipe / "jar.txt")])
    assert [answer.prediction for answer in answers] == ["empty", "full"]
    assert answers[0].input == "nothing, only a void!"
    assert answers[1].input == str(recipe / "jar.txt")
    assert run.summary.vocabulary == VocabularyFacts(words=27)  # the, jar, is, 4 words, 20 numbers


def test_the_vocabulary_is_learnt_on_the_training_part_alone(recipe: Path) -> None:
    run = trained(recipe, "texts", "data.text={vocabulary: 5}", "epochs=1")
    words = json.loads((run.path / "preprocess.json").read_text())["inputs"]["vocabulary"]["words"]
    assert words[:3] == ["is", "jar", "the"]
    assert len(words) == 5


def test_word_vectors_tell_how_much_of_the_vocabulary_they_have(recipe: Path) -> None:
    (recipe / "vectors.txt").write_text("jar 0.5 0.5\nbrimming 1.0 -1.0\nunheard 0 0\n")
    embedded = "model={use: './net.py:Net', words: 29}"
    (recipe / "net.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self, words):\n"
        "        super().__init__()\n        self.words = nn.Embedding(words, 2, padding_idx=0)\n"
        "        self.fc = nn.Linear(2, 2)\n\n    def forward(self, x):\n"
        "        return self.fc(self.words(x).sum(1))\n"
    )
    path = f"data.text={{vectors: {recipe}/vectors.txt}}"
    model = embedded.replace("./net.py", str(recipe / "net.py"))
    run = trained(recipe, "texts", path, model, "epochs=1", "optimizer.lr=0.0")
    words = run.summary.vocabulary
    assert words is not None
    assert words.words == 27
    assert words.coverage == pytest.approx(2 / 27)
    row = run.predictor.inputs.vocabulary.words.index("brimming")
    weight = run.predictor.prepared.model.get_parameter("words.weight")
    assert torch.equal(weight[row].cpu(), torch.tensor([1.0, -1.0]))


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("./gone.py:images", RecipeError, "gone.py"),
        ("./data.py:nothing", RecipeError, "nothing"),
        ("./data.py:NAMES", RecipeError, "NAMES"),
        ("./fails.py:images", DataError, "ZeroDivisionError"),
        ("./fails.py:wrong", DataError, "must return a mapping"),
    ],
)
def test_a_source_that_gives_no_set_is_told(
    source: str, error: type[Exception], message: str, recipe: Path
) -> None:
    (recipe / "fails.py").write_text(
        "def images():\n    return 1 / 0\n\n\ndef wrong():\n    return 3\n"
    )
    values = {
        "name": "wrong",
        "data": {"source": source, "batch_size": 8},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": "torch.optim.SGD",
        "epochs": 1,
        **KINDS["images"],
    }
    (recipe / "wrong.yaml").write_text(json.dumps(values))
    with pytest.raises(error, match=message):
        pt.train(pt.load_recipe(recipe / "wrong.yaml"), runs=recipe / "runs")
    assert not list(recipe.glob("runs/*"))


def test_what_a_function_draws_follows_the_splits_seed_and_not_the_trainings(
    tmp_path: Path,
) -> None:
    (tmp_path / "drawn.py").write_text(
        "import numpy as np\nimport torch\n\n\ndef load():\n"
        "    x = torch.randn(40, 3)\n    y = np.random.randn(40)\n"
        '    return {"train": (x, y)}\n'
    )
    made = {
        "name": "drawn",
        "task": "regression",
        "data": {"source": f"{tmp_path}/drawn.py:load", "batch_size": "full"},
        "model": {"use": "torch.nn.Linear", "in_features": 3, "out_features": 1},
        "loss": "torch.nn.MSELoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 1,
    }
    runs = [pt.train(pt.load_recipe({**made, "seed": seed}), runs=tmp_path) for seed in (0, 1)]
    kept = [json.loads((r.path / "provenance.json").read_text())["data"] for r in runs]
    assert kept[0] == kept[1]
    assert pt.evaluate_run(runs[1]).notes == ()
    assert pt.evaluate_run(runs[1]).metrics == runs[1].metrics
