"""A regression on transformed targets: losses, metrics, predictions and what a run keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import papertrial as pt
from papertrial.auditing.check_scores import _scores_again
from papertrial.errors import DataError, InvalidRecipeError
from papertrial.recipe.schema import Recipe
from papertrial.report.mistakes import mistakes
from papertrial.report.run_report import run_report

ROWS = 60
DRAWS = np.random.default_rng(7)
AREA = DRAWS.uniform(30, 200, ROWS).round(1)
PRICE = (150_000 + 4_000 * AREA + DRAWS.normal(0, 20_000, ROWS)).round()
TRAINED, TESTED = slice(0, 45), slice(45, 60)
TREE: dict[str, Any] = {
    "name": "homes",
    "task": "regression",
    "data": {
        "source": "table",
        "path": "homes.csv",
        "table": {"target": "price"},
        "splits": {"test": 15, "draw": "last"},
        "transform": ["papertrial.transforms.Standardize"],
        "target_transform": "standardize",
        "batch_size": 15,
    },
    "model": {"use": "torch.nn.Linear", "in_features": 1, "out_features": 1},
    "loss": "torch.nn.MSELoss",
    "optimizer": {"use": "torch.optim.Adam", "lr": 0.1},
    "epochs": 40,
    "metrics": ["loss", "mse", "rmse", "mae", "r2", {"use": "metric.py:worst", "better": "lower"}],
    "claims": [{"metric": "loss", "value": 0.05, "kind": "at-most"}],
}
METRIC = "def worst(output, target):\n    return (output - target).abs().max()\n"


def _csv(area: np.ndarray, price: np.ndarray) -> str:
    return "area,price\n" + "".join(f"{a},{p:.0f}\n" for a, p in zip(area, price, strict=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("homes")
    (folder / "homes.csv").write_text(_csv(AREA, PRICE))
    (folder / "metric.py").write_text(METRIC)
    (folder / "homes.yaml").write_text(json.dumps(TREE))
    return folder


def _recipe(folder: Path, *overrides: str) -> Recipe:
    recipe = pt.load_recipe(folder / "homes.yaml", overrides)
    assert isinstance(recipe, Recipe)
    return recipe


@pytest.fixture(scope="module")
def run(folder: Path) -> pt.Run:
    return pt.train(_recipe(folder), runs=folder / "runs", device="cpu")


def _kept(run: pt.Run, split: str) -> tuple[np.ndarray, np.ndarray]:
    tensors = safetensors.torch.load_file(run.path / f"predictions/{split}.safetensors")
    return tensors["output"].numpy().reshape(-1), tensors["target"].numpy()


def test_metrics_are_in_the_original_unit_and_the_loss_is_not(run: pt.Run) -> None:
    mean, sd = PRICE[TRAINED].mean(), PRICE[TRAINED].std()
    for split, rows in (("train", TRAINED), ("test", TESTED)):
        output, target = _kept(run, split)
        assert target.tolist() == PRICE[rows].tolist()
        errors, metrics = output - PRICE[rows], run.metrics[split]
        assert metrics["mse"] == pytest.approx((errors**2).mean(), rel=1e-9)
        assert metrics["rmse"] == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-9)
        assert metrics["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-9)
        assert metrics["worst"] == pytest.approx(np.abs(errors).max(), rel=1e-5)
        standardized = (output - mean) / sd - (PRICE[rows] - mean) / sd
        assert metrics["loss"] == pytest.approx((standardized**2).mean(), rel=1e-5)
        assert isinstance(r2 := metrics["r2"], float)
        assert r2 > 0.9
    # Without the transform, the same training does not leave 0.
    weights = safetensors.torch.load_file(run.path / "model.safetensors")
    assert all(value.abs().max() < 2 for value in weights.values())


def test_the_transform_is_kept_as_a_typed_record(run: pt.Run) -> None:
    meaning = json.loads((run.path / "preprocess.json").read_text())["meaning"]
    kept = meaning["transform"]
    assert kept["kind"] == "standardize"
    assert kept["shift"] == [pytest.approx(PRICE[TRAINED].mean(), rel=1e-12)]
    assert kept["scale"] == [pytest.approx(PRICE[TRAINED].std(), rel=1e-12)]


def test_predictions_and_another_evaluation_are_in_the_original_unit(
    run: pt.Run, folder: Path
) -> None:
    opened = pt.load_run(run.path)
    answers = opened.predict(AREA[TESTED, None].astype(np.float32))
    given = np.array([answer.prediction for answer in answers], dtype=float)
    np.testing.assert_allclose(given, _kept(run, "test")[0], rtol=1e-9)
    again = pt.evaluate_run(opened)
    assert again.metrics == run.metrics
    assert any("the loss is on (price - " in note for note in again.notes)
    assert _scores_again(opened, torch.device("cpu")) == run.metrics  # as an audit computes them
    new = folder / "new.csv"
    new.write_text(_csv(AREA[TESTED], PRICE[TESTED]))
    assert pt.evaluate_run(opened, new).metrics["data"] == run.metrics["test"]


def test_a_report_shows_original_values(run: pt.Run) -> None:
    worst = mistakes(run, most=1).mistakes[0]
    output, target = _kept(run, "test")
    at = int(np.abs(output - target).argmax())
    assert (worst.predicted, worst.truth) == (pytest.approx(output[at]), target[at])
    assert "transformed targets (standardize)" in dict(run_report(run).provenance)["targets"]


def test_check_says_which_unit_a_claim_has(folder: Path) -> None:
    result = pt.check(folder / "homes.yaml", device="cpu")
    assert result.problems == []
    notes = "\n".join(result.facts.notes or ())
    assert "claims.0: loss is computed on the transformed target" in notes
    assert result.facts.first_loss is not None
    assert 0 < (result.facts.first_loss.value or 0) < 10
    warned = pt.check(folder / "homes.yaml", ["data.target_transform=null"], device="cpu").problems
    assert [(one.severity, one.where) for one in warned] == [("warning", "data.target_transform")]


def test_each_fold_has_statistics_of_its_own_training_part(folder: Path) -> None:
    folds = ["data.splits={folds: 2, draw: in-order}", "epochs=2", "claims=[]"]
    run = pt.train(_recipe(folder, *folds), runs=folder / "folds", device="cpu")
    shifts = []
    for model in run.models:
        kept = json.loads((model.path / "preprocess.json").read_text())["meaning"]["transform"]
        shifts.append(kept["shift"][0])
    # A fold is tested on one half and trained on the other.
    halves = [PRICE[30:].mean(), PRICE[:30].mean()]
    assert shifts == pytest.approx(halves, rel=1e-12)
    output, _ = _kept(run, "test")  # of all rows, from two models
    assert np.abs(output - PRICE).max() < 1e6
    assert output.min() > 1e4


@pytest.mark.parametrize("name", ["log", "log1p", "minmax"])
def test_every_transform_trains_and_reports_the_original_unit(folder: Path, name: str) -> None:
    changes = [f"data.target_transform={name}", "epochs=1", "early_stopping={patience: 1}"]
    changes += ["data.splits.validation=10", "report=best-on-validation", "average.use=ema"]
    run = pt.train(_recipe(folder, *changes), runs=folder / name, device="cpu")
    output, target = _kept(run, "test")
    assert run.metrics["test"]["mse"] == pytest.approx(((output - target) ** 2).mean(), rel=1e-9)


def test_a_run_starts_from_another_and_fits_its_own_targets(run: pt.Run, folder: Path) -> None:
    changes = [f"init_from={run.path}", "epochs=1", "optimizer.lr=0.0001", "data.splits.test=20"]
    again = pt.train(_recipe(folder, *changes), runs=folder / "from", device="cpu")
    kept = json.loads((again.path / "preprocess.json").read_text())["meaning"]["transform"]
    assert kept["shift"] == [pytest.approx(PRICE[:40].mean(), rel=1e-12)]
    assert isinstance(r2 := again.metrics["test"]["r2"], float)
    assert r2 > 0.9


def test_several_targets_of_a_function(tmp_path: Path) -> None:
    (tmp_path / "data.py").write_text(
        "import numpy as np\n\n\ndef load():\n    x = np.linspace(-1, 1, 40)[:, None]\n"
        "    y = np.hstack([5e5 + 1e5 * x, 1e-3 * x])\n"
        "    return {'train': (x, y), 'test': (x, y), 'targets': ['price', 'risk']}\n"
    )
    tree = {**TREE, "metrics": ["loss", "rmse[price]", "rmse[risk]"], "epochs": 60}
    tree["data"] = {"source": f"{tmp_path}/data.py:load", "batch_size": 10}
    tree["data"]["target_transform"] = "standardize"
    tree["model"] = {"use": "torch.nn.Linear", "in_features": 1, "out_features": 2}
    recipe = pt.load_recipe(tree | {"claims": [], "name": "two"})
    run = pt.train(recipe, runs=tmp_path / "runs", device="cpu")
    test = run.metrics["test"]
    assert float(str(test["rmse[price]"])) < 2e3
    assert float(str(test["rmse[risk]"])) < 2e-5
    first = run.predict(np.zeros((1, 1), np.float32))[0].prediction
    assert isinstance(first, dict)
    assert first["price"] == pytest.approx(5e5, abs=2e3)
    assert first["risk"] == pytest.approx(0, abs=2e-5)


def test_where_it_does_not_belong(folder: Path) -> None:
    wrong = ["data.table.target_transform=log", "data.target_transform=standardise"]
    with pytest.raises(InvalidRecipeError) as error:
        _recipe(folder, *wrong)
    found = {problem.where: problem.message for problem in error.value.problems}
    assert "data.target_transform: log" in found["data.table.target_transform"]
    assert 'did you mean "standardize"' in found["data.target_transform"]
    with pytest.raises(InvalidRecipeError, match=r"data.target_transform: is only for .*regressi"):
        pt.load_recipe("digits-mlp", ["data.target_transform=log"])


def test_targets_that_have_no_logarithm_are_refused_before_the_training(tmp_path: Path) -> None:
    (tmp_path / "homes.csv").write_text(_csv(AREA, PRICE - PRICE.min()))
    (tmp_path / "metric.py").write_text(METRIC)
    (tmp_path / "homes.yaml").write_text(json.dumps(TREE))
    with pytest.raises(DataError, match="log takes targets above 0, but 1 of"):
        pt.train(_recipe(tmp_path, "data.target_transform=log"), runs=tmp_path)
