"""Runs keep the code and files that they depend on, and say what they do not keep."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import papertrial as pt
from papertrial.checks.check_recipe import check
from papertrial.errors import RunError
from papertrial.recipe.content import LARGEST
from papertrial.report.run_report import run_report
from papertrial.runs import train as run_module

NET = """import torch
from torch import nn
from layers import block
class Net(nn.Module):
    def __init__(self, weights=None):
        super().__init__()
        self.n = nn.Sequential(nn.Flatten(), *block(64, 8), nn.Linear(8, 10))
        if weights:
            self.register_buffer("scale", torch.load(weights), persistent=False)
    def forward(self, x):
        return self.n(x) * getattr(self, "scale", 1.0)
"""
LAYERS = """from torch import nn
def block(i, o):
    from act import Act
    return nn.Linear(i, o), Act()
"""
RECIPE = """name: own
task: image-classification
data: {source: digits, splits: {test: 0.2}, batch_size: 64, limit: 100}
model: {use: ./net.py:Net, weights: w.pt}
loss: torch.nn.CrossEntropyLoss
optimizer: {use: torch.optim.SGD, lr: 0.1}
epochs: 1
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The folder of a recipe whose model lies in three files and reads a fourth."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "net.py").write_text(NET)
    (folder / "layers.py").write_text(LAYERS)
    (folder / "act.py").write_text("from torch.nn import ReLU as Act\nimport rich\n")
    (folder / "r.yaml").write_text(RECIPE)
    torch.save(torch.tensor(2.0), folder / "w.pt")
    return folder


def provenance(run: pt.Run) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads((run.path / "provenance.json").read_text())
    return kept


def trained(own: Path, *overrides: str) -> pt.Run:
    return pt.train(pt.load_recipe(own / "r.yaml", list(overrides)), runs=own.parent / "runs")


def test_a_run_predicts_in_another_folder_and_process_without_the_originals(
    own: Path, tmp_path: Path
) -> None:
    run = trained(own)
    images = np.random.default_rng(0).integers(0, 17, (3, 8, 8)).astype(np.uint8)
    expected = [answer.probabilities for answer in run.predict(images)]
    kept = provenance(run)
    assert {one["name"]: one["kind"] for one in kept["dependencies"]} == {
        "code/net.py": "code", "code/layers.py": "code", "code/act.py": "code",
        "code/w.pt": "file",
    }  # fmt: skip
    assert kept["not_covered"] == []
    assert set(kept["packages"]) >= {"rich", "torch"}
    assert len(kept["environment"]["versions"]["papertrial source"]) == 64
    (tmp_path / "away").mkdir()
    shutil.move(run.path, tmp_path / "away" / "run")
    shutil.rmtree(own)
    np.save(tmp_path / "away" / "images.npy", images)
    code = (
        "import numpy as np, papertrial as pt\n"
        "print([a.probabilities for a in pt.load_run('run').predict(np.load('images.npy'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, cwd=tmp_path / "away",
    )  # fmt: skip
    assert done.stdout.strip() == str(expected)


@pytest.mark.parametrize("name", ["layers.py", "act.py", "w.pt"])
def test_another_file_is_another_training(name: str, own: Path) -> None:
    first = provenance(trained(own))["training_hash"]
    path = own / name
    if name == "w.pt":
        torch.save(torch.tensor(3.0), path)
    else:
        path.write_text(path.read_text() + "# changed\n")
    assert provenance(trained(own))["training_hash"] != first


def test_files_that_change_while_a_run_is_prepared_stop_it(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = run_module.prepare.prepare

    def meanwhile(*args: Any) -> Any:
        (own / "layers.py").write_text(LAYERS + "# changed\n")
        return prepare(*args)

    monkeypatch.setattr(run_module.prepare, "prepare", meanwhile)
    with pytest.raises(RunError, match=r"layers\.py has changed .* since the run began"):
        trained(own)
    assert not list(own.parent.glob("runs/own/*"))


def test_what_code_reads_by_itself_is_told(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(own)
    safetensors.torch.save_file({"x": torch.ones(1)}, own / "s.safetensors")
    torch.save(torch.tensor(1.0), own / "top.pt")
    more = (
        "import safetensors.torch\nTOP = torch.load('top.pt')\n"
        "def made(weights):\n"
        f"    torch.load({str(own / 'w.pt')!r})\n"
        "    safetensors.torch.load_file('s.safetensors')\n"
        "    return Net()\n"
    )
    (own / "net.py").write_text(NET + more)
    for _ in range(2):  # the second time the module is there already
        run = trained(own, "model.use=./net.py:made", "model.weights=1")
        kept = provenance(run)
        reads = {one["name"]: one for one in kept["dependencies"] if one["kind"] == "read"}
        assert set(reads) == {"top.pt", str(own / "w.pt"), "s.safetensors"}
        assert reads["top.pt"]["path"] == str(own / "top.pt")
        assert not any(one["hashed"] or one["copied"] for one in reads.values())
        assert len(kept["not_covered"]) == 3
        relative = [note for note in kept["not_covered"] if "relative to the current" in note]
        assert len(relative) == 2
    report = run_report(run)
    assert report.not_covered == tuple(kept["not_covered"])


def test_what_cannot_be_traced_is_told_by_run_report_and_check(own: Path) -> None:
    (own / "act.py").write_text(
        "import sys\nsys.path.append('x')\nfrom torch.nn import ReLU as Act\n"
    )
    note = "act.py:2: changes sys.path"
    run = trained(own)
    assert provenance(run)["not_covered"] == [note]
    assert run_report(run).not_covered == (note,)
    made = check(own / "r.yaml")
    assert made.ok
    assert [note in one.message for one in made.problems if one.severity == "warning"].count(True)


def test_a_file_that_is_too_large_is_needed_where_it_lies(own: Path) -> None:
    torch.save(torch.ones(LARGEST // 4 + 1), own / "w.pt")
    (own / "net.py").write_text(NET.replace("torch.load(weights)", "torch.load(weights)[0]"))
    run = trained(own)
    (large,) = [one for one in provenance(run)["dependencies"] if not one["copied"]]
    assert (large["name"], large["path"]) == ("model.weights", f"{own}/w.pt")
    assert "model.weights" in provenance(run)["not_covered"][0]
    image = np.zeros((1, 8, 8), np.uint8)
    assert len(pt.load_run(run.path).predict(image)) == 1
    torch.save(torch.zeros(LARGEST // 4 + 1), own / "w.pt")
    with pytest.raises(
        RunError, match=r"w\.pt .* too large to be copied, but its content has changed"
    ):
        pt.load_run(run.path).predict(image)
    (own / "w.pt").unlink()
    with pytest.raises(RunError, match=r"w\.pt .* too large to be copied, but it is absent"):
        pt.load_run(run.path).predict(image)


def test_the_start_run_is_kept_and_counts(own: Path, tmp_path: Path) -> None:
    first = trained(own)
    again = trained(own, f"init_from={first.path}", "seed=5")
    names = {one["name"] for one in provenance(again)["dependencies"] if one["kind"] == "run"}
    assert names == {"code/init-from/model.safetensors", "code/init-from/preprocess.json"}
    shutil.rmtree(own)
    shutil.move(again.path, tmp_path / "moved")
    shutil.rmtree(tmp_path / "runs")
    third = pt.train(pt.load_recipe(tmp_path / "moved" / "recipe.yaml"), runs=tmp_path / "more")
    assert (
        provenance(third)["training_hash"]
        == provenance(pt.load_run(tmp_path / "moved"))["training_hash"]
    )
    weights = [
        (path / "model.safetensors").read_bytes() for path in (third.path, tmp_path / "moved")
    ]
    assert weights[0] == weights[1]
    described = tmp_path / "moved/code/init-from/preprocess.json"
    described.write_text(described.read_text() + "\n")
    changed = pt.train(pt.load_recipe(tmp_path / "moved" / "recipe.yaml"), runs=tmp_path / "more")
    assert provenance(changed)["training_hash"] != provenance(third)["training_hash"]


def test_files_of_data_are_not_told_as_read_at_run_time(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{i},{2 * i}\n" for i in range(20)))
    recipe = pt.load_recipe(
        {
            "name": "t",
            "task": "regression",
            "data": {"source": "table", "path": str(tmp_path / "t.csv"), "batch_size": 5,
                     "table": {"target": "y"}, "splits": {"test": 0.2}},
            "model": {"use": "torch.nn.Linear", "args": [1, 1]},
            "loss": "torch.nn.MSELoss",
            "optimizer": {"use": "torch.optim.SGD", "lr": 1e-3},
            "epochs": 1,
        }
    )  # fmt: skip
    kept = provenance(pt.train(recipe, runs=tmp_path / "runs"))
    assert (kept["dependencies"], kept["not_covered"]) == ([], [])
