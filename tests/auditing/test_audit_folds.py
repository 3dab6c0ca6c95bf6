"""Verifications of folds, and of splits that follow the seed, are audited fold by fold."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch

import papertrial as pt
from papertrial.auditing.audit import audit
from papertrial.store.verification_folder import VerificationFolder

RECIPE: dict[str, Any] = {
    "name": "folded",
    "task": "regression",
    "data": {
        "source": "diabetes", "splits": {"folds": 2}, "batch_size": 64,
        "transform": ["papertrial.transforms.Standardize"],
    },
    "model": {"use": "torch.nn.Linear", "in_features": 10, "out_features": 1},
    "loss": "torch.nn.MSELoss",
    "optimizer": {"use": "torch.optim.SGD", "lr": 0.01},
    "epochs": 1,
    "metrics": ["mse"],
    "claims": [
        {"metric": "mse", "value": 6000, "tolerance": 2000, "kind": "expected", "folds": 2},
        {"metric": "parameters", "value": 11, "kind": "exact"},
    ],
    "verify": {"max_seeds": 5},
}  # fmt: skip


def verify(tree: dict[str, Any], runs: Path) -> Path:
    return Path(pt.verify(pt.load_recipe(tree), runs=runs, workers=1, device="cpu").path)


@pytest.fixture(scope="module")
def folded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return verify(RECIPE, tmp_path_factory.mktemp("runs"))


def differences(folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in audit(folder, retrain=False, seed=0).differences:
        found.setdefault(finding.check, []).append(finding.message)
    return found


def test_a_seed_gives_one_score_the_mean_of_its_folds(folded: Path) -> None:
    kept = VerificationFolder(folded)
    assert len(kept.outcomes()) == 5
    for record in kept.outcomes():
        run = pt.load_run(folded / record.runs[0])
        mean = sum(run.fold(k).metrics["test"]["mse"] for k in (0, 1)) / 2  # type: ignore[misc, operator]
        assert record.scores == ((pytest.approx(mean),),)
    (registered,) = kept.registered.data
    assert registered.keys() == {"all", "test"}
    assert kept.registered.rows == ({"all": 442, "test": 442},)  # the step of an accuracy is 1/442
    report = json.loads((folded / "report.json").read_text())
    assert [row["rows"] for row in report["folds"]] == [221, 221]
    assert report["exact"][0]["verdict"] == "REPRODUCED"


def test_an_untouched_verification_of_folds_passes(folded: Path) -> None:
    made = audit(folded, seed=3)
    assert [str(finding) for finding in made.findings if not finding.ok] == []
    said = {finding.check: finding.message for finding in made.findings}
    assert said["folds"].startswith("10 folds of 5 runs")
    assert said["predictions"].endswith("bit for bit")
    assert said["retraining"].startswith("seed 3 trained again: same weights, bit for bit")


def edit_summary(path: Path, change: Any) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_edited_folds_are_found(folded: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folded, tmp_path / folded.name))
    runs = copy / "seeds"
    edit_summary(
        runs / "s1" / "metrics.json", lambda kept: kept["metrics"]["train"].update(mse=1.0)
    )
    predictions = runs / "s2" / "predictions" / "test.safetensors"
    tensors = {k: v.clone() for k, v in safetensors.torch.load_file(predictions).items()}
    tensors["output"][0] += 1
    safetensors.torch.save_file(tensors, predictions)
    edit_summary(
        runs / "s3" / "fold-1" / "metrics.json",
        lambda kept: kept["metrics"]["test"].update(mse=1.0),
    )
    shutil.rmtree(runs / "s4" / "fold-0")
    shutil.rmtree(runs / "s0" / "fold-0")
    shutil.copytree(runs / "s0" / "fold-1", runs / "s0" / "fold-0")
    found = differences(copy)
    text = "\n".join(found["folds"])
    assert "seed 1: metrics.json does not have the means" in text
    assert "seed 2: predictions/test.safetensors" in text
    assert "seed 3: metrics.json does not have the means" in text
    assert "seed 4: " in text
    assert "seed 0 fold 0: it was not trained with the seed of its fold" in text
    assert "seed 0 fold 0: its recipe is not that of the fold" in text
    assert any("seed 3 fold 1, test mse: 1.0" in line for line in found["scores"])
    assert any("seed 4" in line for line in found["weights"])


def test_a_recipe_that_scores_otherwise_than_registered_is_found(
    folded: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(folded, tmp_path / folded.name))
    for run in ("s1", "s2/fold-1"):
        recipe = copy / "seeds" / run / "recipe.yaml"
        text = recipe.read_text()
        assert text.count("batch_size: 1000") == 1  # of evaluate
        recipe.write_text(text.replace("batch_size: 1000", "batch_size: 7"))
    found = differences(copy)
    assert any(line.startswith("seed 1: ") and "evaluates" in line for line in found["runs"])
    assert any(line.startswith("seed 2 fold 1: ") for line in found["folds"])


def test_splits_that_follow_the_seed_are_verified_and_audited(tmp_path: Path) -> None:
    claim = {"metric": "mse", "value": 6000, "tolerance": 2000, "kind": "expected"}
    splits = {"test": 0.25, "seed": "each"}
    tree = {**RECIPE, "data": {**RECIPE["data"], "splits": splits}, "claims": [claim]}
    folder = verify(tree, tmp_path)
    made = audit(folder, seed=1, retrain=False)
    assert [str(finding) for finding in made.findings if not finding.ok] == []
    report = json.loads((folder / "report.json").read_text())
    assert "splits are drawn again" in report["varied"]
    assert not any("part" in warning for warning in report["warnings"])
    assert report["claims"][0]["new_samples"] is None
