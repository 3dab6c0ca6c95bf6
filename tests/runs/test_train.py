"""Recipe -> run folder -> predictions, from Python, on the sets that scikit-learn embeds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn.linear_model import LinearRegression
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from sklearn.model_selection import train_test_split

import papertrial as pt
from papertrial.errors import DeviceError, PapertrialError, RunError
from papertrial.progress import Step
from papertrial.training.events import Evaluated, Started, Trained

FILES = {
    "recipe.yaml", "provenance.json", "preprocess.json", "statistics.json", "metrics.jsonl",
    "metrics.json", "model.safetensors", "state.pt", "predictions",
}  # fmt: skip


def digits(runs: Path, *overrides: str, **options: Any) -> pt.Run:
    return pt.train(pt.load_recipe("digits-mlp", ["epochs=3", *overrides]), runs=runs, **options)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pt.Run:
    recipe = pt.load_recipe("digits-mlp", ["data.splits.validation=0.2"])
    return pt.train(recipe, runs=tmp_path_factory.mktemp("runs"))


def test_a_run_keeps_all_that_made_it(run: pt.Run) -> None:
    assert {path.name for path in run.path.iterdir()} == FILES
    assert run.path.parent.name == "digits-mlp"
    provenance = json.loads((run.path / "provenance.json").read_text())
    assert provenance["state"] == "finished"
    assert provenance["seed"] == 0
    assert provenance["environment"]["threads"] == torch.get_num_threads()
    assert provenance["environment"]["versions"]["torch"] == torch.__version__.split("+")[0]
    assert {k: v["rows"] for k, v in provenance["data"].items()} == {
        "train": 718,
        "validation": 180,
        "test": 899,
    }
    assert run.path.name.endswith(f"-{provenance['training_hash'][:8]}-s0")


def test_the_summary_is_the_contract(run: pt.Run) -> None:
    kept = json.loads((run.path / "metrics.json").read_text())
    assert kept == {"format": 1, **run.summary.to_plain()}
    assert list(kept) == [
        "format", "recipe", "seed", "device", "classes", "metrics", "report", "claims",
        "vocabulary", "epoch_seconds", "seconds", "folds",
    ]  # fmt: skip
    assert set(kept["metrics"]) == {"train", "validation", "test"}
    assert set(kept["seconds"]) == {"data", "train", "evaluate", "total"}
    assert len(kept["epoch_seconds"]) == 30
    assert kept["seconds"]["train"] == pytest.approx(sum(kept["epoch_seconds"]))
    assert kept["seconds"]["total"] >= kept["seconds"]["train"] > 0
    assert 0.90 < run.metrics["test"]["accuracy"] < 0.97


def test_metrics_are_those_of_the_stored_predictions(run: pt.Run) -> None:
    stored = safetensors.torch.load_file(run.path / "predictions" / "test.safetensors")
    assert stored["ids"].tolist() == list(range(898, 1797))
    answer, truth = stored["output"].argmax(1).numpy(), stored["target"].numpy()
    metrics = run.metrics["test"]
    assert metrics["accuracy"] == accuracy_score(truth, answer)
    assert metrics["f1"] == pytest.approx(f1_score(truth, answer, average="macro"), abs=1e-6)
    assert metrics["confusion_matrix"] == confusion_matrix(truth, answer).tolist()
    loss = torch.nn.functional.cross_entropy(stored["output"], stored["target"])
    assert metrics["loss"] == loss.item()


def test_records_tell_of_each_epoch_and_each_evaluation(run: pt.Run) -> None:
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if line["kind"] == "step"]
    assert {line["step"] for line in steps} >= {23 * epoch for epoch in range(1, 31)}
    evaluated = [(line["split"], line["step"]) for line in lines if line["kind"] == "evaluation"]
    assert evaluated[:29] == [("validation", 23 * epoch) for epoch in range(1, 30)]
    assert evaluated[29:] == [("train", 690), ("validation", 690), ("test", 690)]


def test_a_loaded_run_predicts_as_it_was_evaluated(run: pt.Run) -> None:
    from papertrial.data.sources.named_sets import loading
    from papertrial.progress import finish

    test_images = finish(loading("digits", Path())).train.x.take(torch.arange(898, 1797))
    answers = pt.load_run(run.path).predict(test_images)
    stored = safetensors.torch.load_file(run.path / "predictions" / "test.safetensors")
    assert [a.prediction for a in answers] == [str(k) for k in stored["output"].argmax(1).tolist()]
    assert sum(answers[0].probabilities.values()) == pytest.approx(1)


def test_a_resolved_recipe_runs_again_to_the_same_weights(run: pt.Run, tmp_path: Path) -> None:
    again = pt.train(pt.load_recipe(run.path / "recipe.yaml"), runs=tmp_path)
    weights = [(r.path / "model.safetensors").read_bytes() for r in (run, again)]
    assert weights[0] == weights[1]
    assert again.metrics == run.metrics


def test_a_seed_decides_the_weights_but_not_the_split(tmp_path: Path) -> None:
    cuts = ["data.splits.draw=random", "data.splits.validation=0.1"]
    first, same, other = (digits(tmp_path, *cuts, f"seed={s}") for s in (1, 1, 2))
    weights = [(r.path / "model.safetensors").read_bytes() for r in (first, same, other)]
    assert weights[0] == weights[1] != weights[2]
    data = [json.loads((r.path / "provenance.json").read_text()) for r in (first, other)]
    assert data[0]["data"] == data[1]["data"]
    assert data[0]["training_hash"] == data[1]["training_hash"]
    assert data[0]["recipe_hash"] != data[1]["recipe_hash"]


def test_training_leaves_torch_as_it_was(tmp_path: Path) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    digits(tmp_path, threads=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.are_deterministic_algorithms_enabled()


def test_diabetes_comes_to_least_squares(tmp_path: Path) -> None:
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.2, random_state=42)
    exact = LinearRegression().fit(train_x, train_y)
    run = pt.train(pt.load_recipe("diabetes-linear"), runs=tmp_path)
    residual = ((exact.predict(train_x) - train_y) ** 2).mean()
    assert run.metrics["train"]["mse"] == pytest.approx(residual, rel=1e-5)
    assert run.metrics["test"]["mse"] == pytest.approx(2900.194, abs=1.0)
    assert run.metrics["test"]["r2"] == pytest.approx(exact.score(test_x, test_y), abs=5e-4)


def test_regression_predicts_rows(tmp_path: Path) -> None:
    run = pt.train(pt.load_recipe("diabetes-linear", ["epochs=20"]), runs=tmp_path)
    from papertrial.data.sources.named_sets import loading
    from papertrial.progress import finish

    data = finish(loading("diabetes", Path()))
    rows = data.train.x.take(slice(0, 3))
    csv = tmp_path / "rows.csv"
    names = list(reversed(data.features))
    lines = [",".join(f"{v:.9g}" for v in reversed(row)) for row in rows.tolist()]
    csv.write_text("\n".join([",".join(names), *lines]))
    by_file = pt.load_run(run.path).predict(csv)
    by_array = pt.load_run(run.path).predict(rows.numpy())
    assert [a.prediction for a in by_file] == [a.prediction for a in by_array]
    assert by_file[0].input == f"{csv}:1"
    assert by_file[0].probabilities == {}


def test_events_come_in_order(tmp_path: Path) -> None:
    from papertrial.runs.train import training

    recipe = pt.load_recipe("digits-mlp", ["epochs=2"])
    preparing, *events = training(recipe, runs=tmp_path)
    assert preparing == Step("reading digits", 0, None, "rows")
    assert [type(event) for event in events] == [Started, Trained, Trained, Evaluated, Evaluated]
    assert events[0].steps == 58
    assert events[0].parameters == 64 * 64 + 64 + 64 * 10 + 10
    assert [event.progress.step for event in events[1:3]] == [29, 58]


MODEL = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.drop = nn.Dropout(0.2)
        self.head = nn.LazyLinear(10)

    def forward(self, x):
        return self.head(self.drop(self.norm(self.conv(x)).relu()).flatten(1))

def focal(output, target, gamma=2.0):
    log_p = output.log_softmax(1).gather(1, target[:, None])[:, 0]
    return (-((1 - log_p.exp()) ** gamma) * log_p).mean()
"""
OWN = """
name: own
task: image-classification
data:
  source: digits
  splits: {test: 0.3, validation: 0.2, stratify: true, seed: 7}
  batch_size: 64
  transform: [papertrial.transforms.Normalize]
  augment:
    - {use: papertrial.transforms.RandomCrop, padding: 1}
    - {use: torchvision.transforms.v2.RandomRotation, degrees: 5}
model: {use: "./net.py:Net", width: 8}
loss: {use: "./net.py:focal", gamma: 1.5}
optimizer: {use: torch.optim.SGD, lr: 0.1, momentum: 0.9}
scheduler: {use: torch.optim.lr_scheduler.ReduceLROnPlateau, patience: 0, monitor: loss}
epochs: 3
accumulate: 2
clip_norm: 1.0
precision: bf16
"""


def test_a_recipe_of_ones_own_goes_the_whole_way(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(MODEL)
    (tmp_path / "own.yaml").write_text(OWN)
    run = pt.train(pt.load_recipe(tmp_path / "own.yaml"), runs=tmp_path / "runs")
    assert run.metrics["test"]["accuracy"] > 0.6
    (tmp_path / "net.py").unlink()
    images = np.zeros((2, 8, 8), np.uint8)
    loaded = pt.load_run(run.path)
    assert (run.path / "code" / "net.py").read_text() == MODEL
    assert len(loaded.predict(images)) == 2
    again = pt.train(loaded.recipe, runs=tmp_path / "again")
    weights = [(r.path / "model.safetensors").read_bytes() for r in (run, again)]
    assert weights[0] == weights[1]
    hashes = [json.loads((r.path / "provenance.json").read_text()) for r in (run, again)]
    assert hashes[0]["training_hash"] == hashes[1]["training_hash"]


def test_steps_in_place_of_epochs(tmp_path: Path) -> None:
    recipe = pt.load_recipe("digits-mlp", ["epochs=null", "steps=40"])
    run = pt.train(recipe, runs=tmp_path)
    assert len(run.summary.epoch_seconds) == 2  # 29 steps and 11


def test_a_wrong_place_or_device_is_told_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot write"):
        digits(tmp_path / "file")
    with pytest.raises(DeviceError, match="a device is auto, cpu"):
        digits(tmp_path, device="gpu")
    with pytest.raises(PapertrialError, match="threads >= 1"):
        digits(tmp_path, threads=0)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_failed_run_says_so_and_does_not_load(tmp_path: Path) -> None:
    with pytest.raises(PapertrialError, match="diverged"):
        digits(tmp_path, "optimizer.lr=1e30")
    (folder,) = (tmp_path / "digits-mlp").iterdir()
    assert json.loads((folder / "provenance.json").read_text())["state"] == "failed"
    with pytest.raises(RunError, match="did not finish"):
        pt.load_run(folder)
