"""`init_from`: a training that starts from another run's weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

import papertrial as pt
from papertrial.errors import RunError


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
    assert "init_from" not in json.loads((first.path / "provenance.json").read_text())


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
        ("model.hidden=[64, 64]", "weights of another model; lacking"),
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
