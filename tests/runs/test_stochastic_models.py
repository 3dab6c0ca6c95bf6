"""Models that draw in evaluation: trained, evaluated again, audited, predicted with, checked."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import papertrial as pt
from papertrial.recipe.load import load_recipe
from papertrial.runs.evaluate import evaluate_run
from papertrial.runs.train import training
from papertrial.store import run_folder
from papertrial.store.run_records import EvaluationLine

NETS = '''
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class Noisy(nn.Module):
    """Draws in training and in evaluation."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.fc = nn.Linear(10, 1)

    def forward(self, x):
        return self.fc(x + DRAWS[self.kind](x))


class Vae(nn.Module):
    """Predicts from a code that it draws."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(10, 8)
        self.decoder = nn.Linear(4, 1)

    def forward(self, x):
        mean, log_variance = self.encoder(x).chunk(2, 1)
        return self.decoder(mean + torch.randn_like(mean) * (log_variance / 2).exp())


class Quiet(nn.Module):
    """Draws in training alone."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 1)

    def forward(self, x):
        return self.fc(x + torch.randn_like(x) if self.training else x)


class Unseeded(nn.Module):
    """Has a generator of its own."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 1)
        self.draws = np.random.default_rng(0)

    def forward(self, x):
        return self.fc(x) + self.draws.normal()


DRAWS = {
    "torch": torch.randn_like,
    "dropout": F.dropout,
    "numpy": lambda x: torch.from_numpy(np.random.normal(size=x.shape)).float(),
    "Python": lambda x: random.gauss(0, 1),
}


def noisy_loss(output, target):
    return F.mse_loss(output * (1 + 0.1 * random.random()), target) * (1 + np.random.rand())
'''
DRAWS = ["torch", "dropout", "numpy", "Python"]
CLAIM = {"metric": "mse", "split": "test", "value": 26000, "tolerance": 9000, "kind": "expected"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the models, that relative paths begin in."""
    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Without it, `check` warns that two epochs cannot reach the targets.
SCALED = ["data.target_transform=standardize"]


def recipe(model: Any, **more: Any) -> dict[str, Any]:
    return {
        "name": "drawn",
        "task": "regression",
        "data": {
            "source": "diabetes",
            "splits": {"validation": 60, "test": 60},
            "batch_size": 64,
            "transform": ["papertrial.transforms.Standardize"],
        },
        "model": model,
        "loss": "torch.nn.MSELoss",
        "optimizer": {"use": "torch.optim.Adam", "lr": 0.1},
        "evaluate": {"batch_size": 25},
        "metrics": ["loss", "mse"],
        "epochs": 2,
        **more,
    }


def noisy(kind: str) -> dict[str, Any]:
    return {"use": "./nets.py:Noisy", "kind": kind}


def train(model: Any, name: str = "runs", **more: Any) -> pt.Run:
    return pt.train(load_recipe(recipe(model, **more)), runs=Path(name), device="cpu")


def use_up() -> None:
    torch.rand(5)
    random.random()
    np.random.rand(3)


@pytest.mark.parametrize("model", [*map(noisy, DRAWS), "./nets.py:Vae"], ids=[*DRAWS, "VAE"])
def test_the_end_of_a_training_and_evaluate_give_the_same_numbers(model: Any) -> None:
    run = train(model)
    use_up()
    first = evaluate_run(run)
    assert first.metrics == run.metrics
    use_up()
    assert evaluate_run(run).metrics == first.metrics
    assert evaluate_run(pt.load_run(run.path, device="cpu")).metrics == first.metrics


def test_another_set_has_the_same_numbers_each_time(here: Path) -> None:
    draws = np.random.default_rng(0)
    for name in ("own", "other"):
        rows = [",".join(f"{value:.3f}" for value in row) for row in draws.normal(size=(40, 11))]
        header = ",".join([*(f"x{i}" for i in range(10)), "y"])
        (here / f"{name}.csv").write_text("\n".join([header, *rows]))
    data = {"source": "table", "path": "own.csv", "table": {"target": "y"}, "batch_size": 8}
    run = train(noisy("numpy"), data=data)
    first = evaluate_run(run, "other.csv").metrics
    use_up()
    assert evaluate_run(run, "other.csv").metrics == first


@pytest.mark.parametrize("kind", DRAWS)
def test_how_often_a_training_is_evaluated_changes_no_weights(kind: str) -> None:
    often = {"test": "every-epoch", "interval": "step", "every": 1, "batch_size": 7}
    plain, evaluated = train(noisy(kind), "plain"), train(noisy(kind), "often", evaluate=often)
    one, other = ((run.path / run_folder.WEIGHTS).read_bytes() for run in (plain, evaluated))
    kinds = [line.kind for line in run_folder.RunFolder(evaluated.path).lines()]
    assert kinds.count("evaluation") > 10
    assert one == other


@pytest.mark.parametrize(
    "model", [*map(noisy, DRAWS), {"use": "torch.nn.LazyLinear", "out_features": 1}]
)
def test_what_others_draw_while_a_training_runs_changes_no_weights(model: Any) -> None:
    made = load_recipe(recipe(model, loss="./nets.py:noisy_loss"))
    plain = pt.train(made, runs=Path("plain"), device="cpu")
    events = training(made, runs=Path("shown"), device="cpu")
    while True:
        try:
            next(events)
        except StopIteration as end:
            shown: pt.Run = end.value
            break
        use_up()
    one, other = ((run.path / run_folder.WEIGHTS).read_bytes() for run in (plain, shown))
    assert one == other


def test_the_best_epoch_is_evaluated_as_when_it_was_chosen() -> None:
    evaluate = {"test": "every-epoch", "batch_size": 25}
    made = {"report": "best-on-test", "report_metric": "mse", "epochs": 2, "evaluate": evaluate}
    # With this rate the error rises again after the first epochs.
    run = train(noisy("Python"), **made, optimizer={"use": "torch.optim.SGD", "lr": 0.15})
    step = run.summary.report.step
    curve = [
        line.metrics
        for line in run_folder.RunFolder(run.path).lines()
        if isinstance(line, EvaluationLine) and line.split == "test" and line.step == step
    ]
    assert step < run.summary.report.last_step
    assert len(curve) == 2
    assert curve[0] == curve[1] == run.metrics["test"]


@pytest.mark.parametrize("kind", DRAWS)
def test_predict_gives_the_same_answers_to_the_same_inputs(kind: str) -> None:
    run = train(noisy(kind), epochs=1)
    x = np.tile(np.linspace(-0.1, 0.1, 10), (60, 1))
    before = random.getstate(), torch.get_rng_state().tolist()
    first = [answer.prediction for answer in run.predict(x)]
    assert (random.getstate(), torch.get_rng_state().tolist()) == before
    use_up()
    assert [answer.prediction for answer in run.predict(x)] == first
    reopened = pt.load_run(run.path, device="cpu")
    assert [answer.prediction for answer in reopened.predict(x)] == first
    # Rows are alike, and each batch of 25 has draws of its own.
    assert first[0] != first[25]


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A verification of a model and a loss that draw, for reading only."""
    folder = tmp_path_factory.mktemp("verified")
    (folder / "nets.py").write_text(NETS)
    with contextlib.chdir(folder):
        made = recipe(noisy("dropout"), loss="./nets.py:noisy_loss", claims=[CLAIM], epochs=1)
        return pt.verify(load_recipe(made), runs=folder / "runs", workers=1, device="cpu").path


@pytest.fixture
def copied(verified: Path, tmp_path: Path) -> Path:
    """A copy of it, in which seed 0 has other predictions."""
    path = Path(shutil.copytree(verified, tmp_path / "copy"))
    stored = path / "seeds" / "s0" / run_folder.PREDICTIONS / "test.safetensors"
    tensors = {name: value.clone() for name, value in safetensors.torch.load_file(stored).items()}
    tensors["output"][3] += 1
    safetensors.torch.save_file(tensors, stored)
    return path


def test_a_verification_of_a_model_and_a_loss_that_draw_passes_its_audit(verified: Path) -> None:
    use_up()
    # The first seed of a process, where modules are imported that draw as they are.
    audit = pt.audit(verified, seed=0, device="cpu")
    assert [str(finding) for finding in audit.differences] == []
    said = {finding.check: finding for finding in audit.findings}
    assert said["predictions"].message.endswith("on the data, bit for bit")
    assert said["retraining"].message.endswith(
        "same weights, bit for bit; same predictions, scores"
    )


def test_predictions_changed_afterwards_are_still_found(copied: Path) -> None:
    made = pt.audit(copied, seed=0, retrain=False, device="cpu")
    assert {"scores", "predictions"} <= {finding.check for finding in made.differences}


def test_draws_of_another_device_are_not_compared(copied: Path) -> None:
    path = copied / "seeds" / "s0" / run_folder.PROVENANCE
    kept = json.loads(path.read_text())
    kept["environment"]["device"] = "cuda:0"
    path.write_text(json.dumps(kept))
    made = pt.audit(copied, seed=0, retrain=False, device="cpu")
    (found,) = (finding for finding in made.findings if finding.check == "predictions")
    assert found.ok
    assert found.warning
    assert "cpu draws other ones than cuda:0" in found.message


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (noisy("torch"), "randn_like in the model (Noisy)"),
        (noisy("dropout"), "dropout in the model (Noisy)"),
        (noisy("numpy"), "numpy"),
        (noisy("Python"), "Python"),
        ("./nets.py:Vae", "randn_like in the model (Vae)"),
    ],
)
def test_check_warns_of_a_model_that_draws(model: Any, named: str) -> None:
    report = pt.check(recipe(model), SCALED, device="cpu")
    (found,) = report.problems
    assert report.ok
    assert (found.severity, found.where) == ("warning", "model")
    assert "stochastic in evaluation" in found.message
    assert named in found.message


def test_check_warns_of_a_loss_that_draws() -> None:
    model = {"use": "torch.nn.Linear", "in_features": 10, "out_features": 1}
    report = pt.check(recipe(model, loss="./nets.py:noisy_loss"), SCALED, device="cpu")
    assert [(found.severity, found.where) for found in report.problems] == [("warning", "loss")]
    assert "stochastic in evaluation" in report.problems[0].message


def test_check_says_nothing_of_a_model_that_draws_in_training_alone() -> None:
    assert pt.check(recipe("./nets.py:Quiet"), SCALED, device="cpu").problems == []


def test_a_model_with_a_generator_of_its_own_is_refused() -> None:
    report = pt.check(recipe("./nets.py:Unseeded"), device="cpu")
    assert [found.severity for found in report.problems] == ["warning", "error"]
    assert "the same seed must give the same result" in report.problems[0].message
    assert "the same random seed" in report.problems[1].message
    assert "global generators" in report.problems[1].message
