"""`init_from`: a training that starts from another run's weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

import papertrial as pt
from papertrial.errors import DataError, RunError


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> pt.Run:
    recipe = pt.load_recipe("digits-mlp", ["epochs=3"])
    return pt.train(recipe, runs=tmp_path_factory.mktemp("runs"))


def start(first: pt.Run, runs: Path, *overrides: str) -> pt.Run:
    from_there = [f"init_from={first.path}", "epochs=1", "seed=9", *overrides]
    return pt.train(pt.load_recipe("digits-mlp", from_there), runs=runs)


def test_a_training_starts_from_the_runs_weights(first: pt.Run, tmp_path: Path) -> None:
    still = start(first, tmp_path, "optimizer.lr=0.0")
    assert still.metrics == first.metrics
    weights = [(r.path / "model.safetensors").read_bytes() for r in (first, still)]
    assert weights[0] == weights[1]


def test_it_goes_on_from_there(first: pt.Run, tmp_path: Path) -> None:
    further = start(first, tmp_path, "epochs=3")
    assert further.metrics["train"]["loss"] < first.metrics["train"]["loss"]


def test_the_provenance_says_from_which_weights(first: pt.Run, tmp_path: Path) -> None:
    run = start(first, tmp_path)
    kept = json.loads((run.path / "provenance.json").read_text())["init_from"]
    sha256 = hashlib.sha256((first.path / "model.safetensors").read_bytes()).hexdigest()
    assert kept == {"run": str(first.path), "weights_sha256": sha256}
    assert json.loads((first.path / "provenance.json").read_text())["init_from"] is None


def test_a_path_in_a_recipe_is_relative_to_it(first: pt.Run, tmp_path: Path) -> None:
    (tmp_path / "start").symlink_to(first.path)
    text = first.path.joinpath("recipe.yaml").read_text() + "init_from: ./start\n"
    (tmp_path / "again.yaml").write_text(text)
    recipe = pt.load_recipe(tmp_path / "again.yaml", ["optimizer.lr=0.0"])
    assert pt.train(recipe, runs=tmp_path / "runs").metrics == first.metrics


def test_lazy_layers_take_the_weights_too(tmp_path: Path) -> None:
    lazy = (
        "model={use: torch.nn.Sequential, args: "
        "[{use: torch.nn.Flatten}, {use: torch.nn.LazyLinear, out_features: 10}]}"
    )
    made = pt.train(pt.load_recipe("digits-mlp", [lazy, "epochs=1"]), runs=tmp_path)
    still = start(made, tmp_path, lazy, "optimizer.lr=0.0")
    assert still.metrics == made.metrics


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model.hidden=[32]", "init_from: .*: weights of another model"),
        ("model.hidden=[64, 64]", "weights of another model; missing"),
        ("init_from=/nowhere", "there is no run folder /nowhere"),
    ],
)
def test_what_it_cannot_start_from_is_told_before_the_run_is_made(
    change: str, message: str, first: pt.Run, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=message):
        start(first, tmp_path, change)
    assert not list(tmp_path.iterdir())


def test_a_run_that_did_not_finish_is_no_start(first: pt.Run, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(first.path, tmp_path / "copy")
    provenance = tmp_path / "copy" / "provenance.json"
    provenance.write_text(provenance.read_text().replace('"finished"', '"interrupted"'))
    with pytest.raises(RunError, match="did not finish"):
        pt.train(
            pt.load_recipe("digits-mlp", [f"init_from={tmp_path / 'copy'}"]), runs=tmp_path / "runs"
        )


def reviews(folder: Path, name: str, good: str, bad: str) -> str:
    """Write a table of texts whose words' order of frequency is that of the arguments."""
    rows = []
    for number in range(60):
        words, verdict = ((good, "pos"), (bad, "neg"))[number % 2]
        kept = words.split()[: 2 + number % 5]
        rows.append(f"{' '.join(kept)},{verdict}")
    (folder / f"{name}.csv").write_text("text,verdict\n" + "\n".join(rows) + "\n")
    return str(folder / f"{name}.csv")


def bag(path: str, **more: object) -> pt.Recipe:
    table = {"text": "text", "target": "verdict"}
    data = {"source": "text-table", "path": path, "table": table, "batch_size": 10}
    return pt.load_recipe(
        {
            "name": "reviews",
            "task": "text-classification",
            "data": {**data, "splits": {"test": 0.5}},
            "model": {"use": "papertrial.models.BagOfWords", "num_embeddings": 20},
            "loss": "torch.nn.BCEWithLogitsLoss",
            "optimizer": {"use": "torch.optim.Adam", "lr": 0.1},
            "epochs": 30,
            **more,
        }
    )


def test_texts_are_numbered_by_the_vocabulary_that_the_weights_are_for(tmp_path: Path) -> None:
    one = reviews(
        tmp_path, "one", "fine good great super lovely nice", "bad dull poor weak sad low"
    )
    other = reviews(
        tmp_path, "two", "nice lovely super great good fine", "low sad weak poor dull bad"
    )
    made = pt.train(bag(one), runs=tmp_path)
    assert made.metrics["test"]["accuracy"] == 1.0
    still = {"init_from": str(made.path), "optimizer": {"use": "torch.optim.SGD", "lr": 1e-9}}
    run = pt.train(bag(other, epochs=1, **still), runs=tmp_path)
    known = [json.loads((r.path / "preprocess.json").read_text())["inputs"] for r in (made, run)]
    assert known[0] == known[1]
    assert run.metrics["test"]["accuracy"] == 1.0


def test_other_columns_are_refused(tmp_path: Path) -> None:
    made = pt.train(pt.load_recipe("diabetes-bmi", ["epochs=2"]), runs=tmp_path)
    other = [f"init_from={made.path}", "data.table.features=[age]", "epochs=2"]
    with pytest.raises(DataError, match=r"takes the columns \['bmi'\], not \['age'\]"):
        pt.train(pt.load_recipe("diabetes-bmi", other), runs=tmp_path)
