"""What a recipe says -> objects that do it; what cannot work is told before the training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import papertrial as pt
from papertrial.errors import DataError, ModelError, PapertrialError
from papertrial.progress import finish
from papertrial.runs import prepare


def digits(runs: Path, *overrides: str, **options: Any) -> pt.Run:
    return pt.train(pt.load_recipe("digits-mlp", ["epochs=3", *overrides]), runs=runs, **options)


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (["model.out_features=8"], ModelError, r"must return \[32, 10\].*got \[32, 8\]"),
        (
            ["model.in_features=63"],
            ModelError,
            r"expects 63 inputs but receives 64 = 1 x 8 x 8, from the input \[32, 1, 8, 8\]",
        ),
        (["loss.use=torch.nn.NLLLoss"], ModelError, "use torch.nn.CrossEntropyLoss"),
        (["metrics=[mse]"], DataError, "'mse' is not a metric of classification"),
        (["metrics=[top10_accuracy]"], DataError, "always 1"),
        (["optimizer.lr=1e30"], PapertrialError, "diverged; lower optimizer.lr"),
        (["model={use: torch.nn.Flatten}"], ModelError, "must return"),
        (["data.splits.test=1797"], DataError, "cannot take 1797 of 1797 rows"),
    ],
)
def test_mistakes_are_told(
    overrides: list[str], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        digits(tmp_path, *overrides)


SLOPPY = """
import random
import numpy as np
import torch
from torch import nn

class Drawn(nn.Linear):
    def __init__(self):
        super().__init__(64, 10)
        noise = np.random.randn(10, 64) * random.random() / 8
        self.weight = nn.Parameter(torch.tensor(noise, dtype=torch.float32))

    def forward(self, x):
        return super().forward(x.flatten(1))

class Nothing(nn.Flatten):
    def forward(self, x):
        return super().forward(x)[:, :10]

def jitter(image):
    return image.roll(random.randint(0, 3), np.random.randint(1, 3))

def to_float(image):
    return image.float()

class Tempered(nn.CrossEntropyLoss):
    def __init__(self):
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(()))
"""


@pytest.fixture
def sloppy(tmp_path: Path) -> Path:
    path = tmp_path / "sloppy.py"
    path.write_text(SLOPPY)
    return path


def test_pythons_and_numpys_generators_are_the_seeds_too(sloppy: Path, tmp_path: Path) -> None:
    changes = [f"model={{use: {sloppy}:Drawn}}", f"data.augment=[{sloppy}:jitter]", "epochs=1"]
    runs = [digits(tmp_path, *changes, f"seed={seed}") for seed in (1, 1, 2)]
    weights = [(run.path / "model.safetensors").read_bytes() for run in runs]
    assert weights[0] == weights[1] != weights[2]


def test_a_run_predicts_with_the_files_that_it_was_trained_with(
    sloppy: Path, tmp_path: Path
) -> None:
    run = digits(tmp_path, f"model={{use: {sloppy}:Drawn}}", "epochs=1")
    sloppy.write_text(SLOPPY.replace("x.flatten(1)", "x.flatten(1) * 0"))
    image = np.full((1, 8, 8), 200, np.uint8)
    assert run.predict(image) == pt.load_run(run.path).predict(image)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ("model={use: FILE:Nothing}", ModelError, "has no parameter to train"),
        ("data.augment=[FILE:to_float]", DataError, "move what converts .* to data.transform"),
        ("data.transform=[{use: papertrial.transforms.RandomCrop, padding: 1}]", DataError, "augm"),
        ("loss.use=FILE:Tempered", ModelError, "has parameters, which no optimizer"),
        ("data.splits.validation=0.9999", DataError, "one of the parts would be empty"),
    ],
)
def test_what_would_go_wrong_silently_or_late_is_told(
    change: str, error: type[Exception], message: str, sloppy: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        digits(tmp_path / "runs", change.replace("FILE", str(sloppy)))
    assert not list((tmp_path / "runs").iterdir())


def test_a_last_batch_that_cannot_be_normalised_is_told_before_the_training(
    tmp_path: Path,
) -> None:
    layers = [
        "{use: torch.nn.Flatten}",
        "{use: torch.nn.BatchNorm1d, num_features: 64}",
        "{use: torch.nn.Linear, in_features: 64, out_features: 10}",
    ]
    model = f"model={{use: torch.nn.Sequential, args: [{', '.join(layers)}]}}"
    with pytest.raises(ModelError, match=r"^data.batch_size: .*more than one value per channel"):
        digits(tmp_path, model, "data.batch_size=299")  # 898 = 3 * 299 + 1


VALIDATION = ["data.splits.validation=0.2"]  # of 898 rows: 718 stay, in 23 batches
PLATEAU = "scheduler={use: torch.optim.lr_scheduler.ReduceLROnPlateau, monitor: loss}"
LATE = {
    "a scheduler": [PLATEAU, "evaluate.every=4"],
    "early stopping": ["early_stopping={patience: 1}", "evaluate.every=4"],
    "the choice of an epoch": ["report=best-on-validation", "evaluate.every=4"],
    "a choice by steps": [
        "report=best-on-validation", "evaluate={every: 70, interval: step}",
    ],
}  # fmt: skip


@pytest.mark.parametrize("listener", LATE)
def test_what_waits_for_an_evaluation_that_comes_too_late_is_told_before_the_run_is_made(
    listener: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"evaluate.every: the first evaluation comes after \d\d"):
        digits(tmp_path, *VALIDATION, *LATE[listener])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("report", ["last", "best-on-test"])
def test_an_evaluation_that_nothing_waits_for_may_come_late(report: str, tmp_path: Path) -> None:
    evaluate = "evaluate={every: 4, test: every-epoch}"
    run = digits(tmp_path, *VALIDATION, evaluate, "epochs=2", f"report={report}")
    assert set(run.metrics) == {"train", "validation", "test"}


@pytest.mark.parametrize(
    "listens",
    [PLATEAU, "early_stopping={patience: 1}", "report=best-on-validation"],
)
def test_a_folder_without_a_validation_part_is_told_to_what_needs_one(
    listens: str, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / "own" / name).mkdir(parents=True)
        for shade in range(6):
            pixels = np.full((8, 8), 40 * shade + 20 * (name == "b"), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "own" / name / f"{shade}.png")
    own = ["data.source=image-folder", f"data.path={tmp_path / 'own'}", "data.splits={}"]
    with pytest.raises(DataError, match=r"needs a validation part; set data\.splits\.val"):
        digits(tmp_path / "runs", *own, "model.out_features=2", listens, data=tmp_path)
    assert not list((tmp_path / "runs").iterdir())


@pytest.mark.parametrize("when", ["every-epoch", "every-interval"])
def test_a_test_curve_needs_a_test_part(when: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"{when} needs a test part; set data\.splits"):
        digits(tmp_path, "data.splits.test=null", f"evaluate.test={when}")


def parts(*overrides: str) -> prepare.Parts:
    recipe = pt.load_recipe("digits-mlp", overrides)
    return finish(prepare.prepare(recipe, Path(), torch.device("cpu")))


def test_a_full_batch_is_the_whole_training_part() -> None:
    made = parts("data.batch_size=full", "epochs=7")
    assert made.samples.batches.steps == 1
    assert made.steps == 7
    batch = made.samples.batches.batch(0, 0, 0)
    assert len(batch.x) == len(made.samples.dataset.train) == 898


def test_a_limit_keeps_so_many_rows_of_each_part_and_the_splits_seed_draws_them() -> None:
    whole = parts("data.splits.validation=0.2").samples.dataset
    few = parts("data.splits.validation=0.2", "data.limit=200").samples.dataset
    rows = {name: len(split) for name, split in few.splits.items()}
    assert rows == {"train": 200, "validation": 180, "test": 200}
    for name, split in few.splits.items():
        ids = split.ids.tolist()
        assert ids == sorted(ids)
        assert set(ids) <= set(whole.splits[name].ids.tolist())
    for seed, same in (("seed=5", True), ("data.splits.seed=5", False)):
        other = parts("data.splits.validation=0.2", "data.limit=200", seed).samples.dataset
        assert (other.train.ids.tolist() == few.train.ids.tolist()) is same


def test_what_listens_to_a_metric_has_it_computed() -> None:
    made = parts("data.splits.validation=0.2", "metrics=[f1]", "early_stopping.monitor=loss")
    assert made.evaluator.metrics == ("f1", "loss")
    chosen = parts("data.splits.validation=0.2", "metrics=[f1]", "report=best-on-validation")
    assert chosen.evaluator.metrics == ("f1", "accuracy")
