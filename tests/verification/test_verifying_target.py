"""A target that a curve reaches, from the recipe to the report and its audit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from papertrial.auditing.audit import audit
from papertrial.recipe.load import load_recipe
from papertrial.report.report_files import read_report
from papertrial.runs.run import load_run
from papertrial.runs.train import train
from papertrial.store.run_folder import RunFolder
from papertrial.verification.verify import verify

TARGET: dict[str, Any] = {
    "name": "target",
    "task": "regression",
    "data": {
        "source": "diabetes", "splits": {"test": 60, "draw": "random"}, "batch_size": 64,
        "transform": ["papertrial.transforms.Standardize"],
    },
    "model": {"use": "torch.nn.Linear", "in_features": 10, "out_features": 1},
    "loss": "torch.nn.MSELoss",
    "optimizer": {"use": "torch.optim.SGD", "lr": 0.01},
    "steps": 50,
    "evaluate": {"interval": "step", "every": 8, "test": "every-interval"},
    "metrics": ["loss", "mse"],
    "claims": [
        {"metric": "mse", "kind": "reaches", "value": 16_000, "by": {"step": 32}},
        {
            "metric": "mse", "kind": "reaches", "value": 16_000, "by": {"step": 32},
            "reading": "each-seed",
        },
        {"metric": "mse", "kind": "reaches", "value": 10_000, "by": {"step": 32}},
    ],
}  # fmt: skip
POINTS = [8, 16, 24, 32, 40, 48, 50]


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    recipe = load_recipe(TARGET, ["verify.max_seeds=7"])
    return verify(recipe, runs=runs, workers=1, device="cpu").path


@pytest.fixture
def copied(verified: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(verified, tmp_path / "copied"))


def edit_line(path: Path, chosen: Callable[[Any], bool], change: Callable[[Any], None]) -> None:
    lines = list(map(json.loads, path.read_text().splitlines()))
    (one,) = (line for line in lines if chosen(line))
    change(one)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def differences(folder: Path) -> dict[str, str]:
    findings = audit(folder, retrain=False).findings
    return {one.check: one.message for one in findings if one.ok is False}


def test_seeds_record_the_whole_curve(verified: Path) -> None:
    record = json.loads((verified / "outcomes.jsonl").read_text().splitlines()[0])
    run = load_run(verified / record["runs"][0])
    curve = RunFolder(run.path).curve("test", "mse", "step")
    assert list(curve) == POINTS
    assert curve[50] == run.metrics["test"]["mse"]
    assert record["scores"] == [[curve[at] for at in POINTS]] * 3
    assert curve[8] > curve[32] > curve[50]
    assert [one.ours for one in run.summary.claims] == [curve[32]] * 3


def test_epochs_have_the_value_of_their_last_evaluation(verified: Path) -> None:
    folder = RunFolder(verified / "seeds/s0")
    by_step, by_epoch = (folder.curve("test", "mse", unit) for unit in ("step", "epoch"))
    # 382 rows in batches of 64 are 6 steps an epoch.
    assert list(by_epoch) == [2, 3, 4, 6, 7, 8, 9]
    assert (by_epoch[2], by_epoch[9]) == (by_step[8], by_step[50])


def test_the_report_has_the_verdicts_and_the_curves(verified: Path) -> None:
    report = read_report(verified)
    verdicts = [claim.verdict for claim in report.claims]
    assert verdicts == ["REPRODUCED", "REPRODUCED", "NOT REPRODUCED"]
    for claim in report.claims:
        assert claim.curve is not None
        assert [point.at for point in claim.curve.points] == POINTS
        first = claim.curve.confirmed_from
        assert (claim.verdict == "REPRODUCED") == (first is not None and first <= 32)
    assert report.claims[0].curve is not None
    assert report.claims[0].curve.points[3].mean == report.claims[0].mean
    labels = ["test mse at step 32", "worst test mse from step 32 on"]
    assert list(report.seeds[0].scores)[:2] == labels
    text = (verified / "report.md").read_text()
    assert "## The curve against the target: test mse reaches 16000 by step 32" in text
    assert "32<br>the declared point" in text
    page = (verified / "report.html").read_text()
    assert 'id="target1"' in page


def test_an_audit_finds_the_same_again(verified: Path) -> None:
    assert differences(verified) == {}


def test_an_edited_score_of_a_curve(copied: Path) -> None:
    def change(line: Any) -> None:
        line["scores"][0][4] += 1.0

    edit_line(copied / "outcomes.jsonl", lambda line: line["seed"] == 2, change)
    assert "test mse at step 40" in differences(copied)["scores"]


def test_an_edited_history(copied: Path) -> None:
    def chosen(line: Any) -> bool:
        return line.get("split") == "test" and line["step"] == 24

    def change(line: Any) -> None:
        line["metrics"]["mse"] += 1.0

    edit_line(copied / "seeds/s1/metrics.jsonl", chosen, change)
    assert "seed 1, test mse at step 24" in differences(copied)["scores"]


def test_an_edited_grid_of_the_registration(copied: Path) -> None:
    path = copied / "preregistration.json"
    plain = json.loads(path.read_text())
    plain["claims"][0]["reach"]["by"] = 40
    path.write_text(json.dumps(plain))
    assert "registration" in differences(copied)


def test_evaluating_in_between_changes_no_weights(verified: Path, tmp_path: Path) -> None:
    recipe = load_recipe(TARGET, ["evaluate.test=at-end", "claims=[]"])
    run = train(recipe, runs=tmp_path, device="cpu", threads=1)
    weights = "model.safetensors"
    assert (run.path / weights).read_bytes() == (verified / "seeds/s0" / weights).read_bytes()
