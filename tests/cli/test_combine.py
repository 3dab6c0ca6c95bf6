"""`papertrial register --labs` and `papertrial combine`: what they print, and the exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]
# The seed changes the score by the order of the batches, within hundredths.
PLANE = """
name: plane
task: regression
data: {source: "./plane.py:plane", batch_size: 4, shuffle: true}
model: {use: torch.nn.Linear, in_features: 3, out_features: 1}
loss: torch.nn.MSELoss
optimizer: {use: torch.optim.SGD, lr: 0.04}
epochs: 5
metrics: [loss, mae]
claims:
  - {kind: expected, metric: mae, value: 0.9, tolerance: 0.2}
  - {metric: parameters, value: 4, kind: exact}
"""
SOURCE = """
import numpy as np


def plane():
    draws = np.random.default_rng(0)
    x = draws.normal(size=(60, 3))
    y = x @ np.array([1.0, -2.0, 3.0]) + draws.normal(size=60)
    return {"train": (x[:40], y[:40]), "test": (x[40:], y[40:])}
"""


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory, invoke: Invoke) -> Path:
    """A folder with two laboratories that were registered together, and trained."""
    folder = tmp_path_factory.mktemp("labs")
    (folder / "plane.py").write_text(SOURCE)
    (folder / "plane.yaml").write_text(PLANE)
    done = invoke(
        "register", "plane.yaml", "--labs", "2", "--max-seeds", "10", "--json", cwd=folder
    )
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert set(answer) == {
        "recipe", "folder", "registration", "registered", "new", "laboratories", "commit", "digest",
    }  # fmt: skip
    for number, lab in enumerate(answer["laboratories"], 1):
        words = ("verify", lab["recipe"], "--runs", f"lab{number}", "--workers", "1", "--json")
        done = invoke(*words, cwd=folder)
        assert done.exit_code in (0, 3), done.stderr
        assert lab["seeds"] == list(range(5 * number - 5, 5 * number))
    return folder


def test_one_verdict_from_two_laboratories(invoke: Invoke, verified: Path) -> None:
    done = invoke("combine", "lab2", "lab1", "--json", cwd=verified)
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert (answer["verdict"], answer["seeds"]) == ("REPRODUCED", list(range(10)))
    assert [line["name"] for line in answer["laboratories"]["lines"]] == [
        "laboratory 1", "laboratory 2",
    ]  # fmt: skip
    text = done.stderr
    assert "The seeds are those of 2 laboratories." in text
    assert "parameters 4: REPRODUCED" in text
    assert "laboratory 2: seeds 5 to 9 on cpu; mean " in text
    assert "differences: " in text
    page = (verified / answer["report"]).read_text()
    assert "Verification of plane by 2 laboratories" in page
    assert "Who trained which seeds, and on what" in page
    audited = invoke("audit", answer["verification"], cwd=verified)
    assert audited.exit_code == 0, audited.stdout
    assert "decided again, report.json has the same: REPRODUCED" in audited.stdout
    again = invoke("report", answer["verification"], cwd=verified)
    assert again.exit_code == 0, again.stderr
    assert (verified / answer["report"]).read_text() == page
    kept = verified / answer["verification"] / "combination.json"
    kept.write_text(kept.read_text().replace("REPRODUCED", "UNDECIDED", 1))
    audited = invoke("audit", answer["verification"], cwd=verified)
    assert audited.exit_code == 1
    assert "combination.json: " in audited.stdout
    assert "is 'UNDECIDED', decided again it is 'REPRODUCED'" in audited.stdout
    outcomes = verified / answer["verification"] / "laboratories" / "1" / "outcomes.jsonl"
    outcomes.write_text(outcomes.read_text().partition("\n")[0] + "\n")
    audited = invoke("audit", answer["verification"], cwd=verified)
    assert "differs laboratories: " in audited.stdout


def test_errors_are_one_message(invoke: Invoke, verified: Path) -> None:
    done = invoke("combine", "lab1", "lab1", cwd=verified)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: lab1")
    assert done.stderr.endswith("is given twice; give each laboratory once\n")
    assert invoke("combine", "lab1", "lab2", "--without", "2", cwd=verified).exit_code == 2
    assert invoke("combine", cwd=verified).exit_code == 2
    assert invoke("register", "plane.yaml", "--labs", "1", cwd=verified).exit_code == 2
