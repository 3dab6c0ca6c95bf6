"""A training that was stopped continues to the bits that it would have reached."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

import papertrial as pt
from papertrial.errors import RunError, TrainingStopped
from papertrial.runs.train import resuming
from papertrial.store.checkpoints import CHECKPOINTS, drop_later, read_checkpoint
from papertrial.store.run_folder import RunFolder
from papertrial.store.run_lock import writing_alone
from papertrial.training import checkpoint_times
from papertrial.training.checkpoint import state_from_bytes
from papertrial.training.events import Event, Started

LAYERS = [
    {"use": "torch.nn.Flatten"},
    {"use": "torch.nn.Linear", "in_features": 64, "out_features": 16},
    {"use": "torch.nn.BatchNorm1d", "num_features": 16},
    {"use": "torch.nn.ReLU"},
    {"use": "torch.nn.Dropout", "p": 0.3},
    {"use": "torch.nn.Linear", "in_features": 16, "out_features": 10},
]
BASE: dict[str, Any] = {
    "name": "stopped",
    "task": "image-classification",
    "data": {
        "source": "digits", "limit": 240, "splits": {"validation": 0.2, "test": 0.2},
        "batch_size": 32,
        "transform": ["papertrial.transforms.Normalize"],
    },
    "model": {"use": "torch.nn.Sequential", "args": LAYERS},
    "loss": "torch.nn.CrossEntropyLoss",
    "optimizer": {"use": "torch.optim.Adam", "lr": 0.01},
    "epochs": 3,
    "log_every": 2,
}  # fmt: skip
# What a training keeps from step to step, each in one of these.
KINDS: dict[str, dict[str, Any]] = {
    "momentum, cosine, average, best": {
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1, "momentum": 0.9},
        "scheduler": {"use": "torch.optim.lr_scheduler.CosineAnnealingLR", "T_max": 15,
                      "interval": "step"},
        "average": {"use": "ema", "decay": 0.8},
        "report": "best-on-validation",
    },
    "plateau, early stopping, mixup": {
        "scheduler": {"use": "torch.optim.lr_scheduler.ReduceLROnPlateau", "patience": 0,
                      "monitor": "loss"},
        "early_stopping": {"monitor": "loss", "patience": 2},
        "objective": {"use": "papertrial.objectives.Mixup", "alpha": 0.4},
    },
    "two optimizers, swa, mean of last": {
        "optimizer": {"use": "torch.optim.Adam", "lr": 0.01,
                      "groups": [{"ndim": 2, "use": "torch.optim.SGD", "lr": 0.1}]},
        "average": {"use": "swa", "start": 1},
        "report": {"mean-of-last": 2},
        "evaluate": {"test": "every-epoch"},
    },
    "closure": {"optimizer": {"use": "torch.optim.LBFGS", "lr": 0.1, "max_iter": 2},
                "model": {"use": "torch.nn.Sequential",
                          "args": [LAYERS[0], LAYERS[1], LAYERS[3], LAYERS[5]]}},
}  # fmt: skip


class StopAfter(checkpoint_times.CheckpointTimes):
    """Asks, as a signal does, after some steps; `steps` also stores that often."""

    after = 0

    def due(self, step: int, *, end_of_epoch: bool = False) -> bool:
        if step >= self.after > 0:
            signal.raise_signal(signal.SIGTERM)
        return super().due(step, end_of_epoch=end_of_epoch)


def _train(
    tree: Mapping[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch, *stops: int
) -> pt.Run:
    """Train, stopped after each of some steps, and resumed."""
    run = None
    for stop in (*stops, 0):
        monkeypatch.setattr(StopAfter, "after", stop)
        monkeypatch.setattr("papertrial.runs.train_parts.CheckpointTimes", StopAfter)
        recipe = pt.load_recipe(tree)
        if stop == 0:
            return (
                pt.train(recipe, runs=folder, threads=1)
                if run is None
                else pt.train(recipe, resume=run)
            )
        with pytest.raises(TrainingStopped) as stopped:
            _ = (
                pt.train(recipe, runs=folder, threads=1)
                if run is None
                else pt.train(recipe, resume=run)
            )
        assert (stopped.value.step, stopped.value.signal) == (stop, signal.SIGTERM)
        run = stopped.value.run
        assert RunFolder(Path(run)).provenance.state == "interrupted"
    raise AssertionError("the last part is not stopped")


def _bytes(run: pt.Run) -> dict[str, Any]:
    """Return all that a run has computed, without times."""
    folder = RunFolder(run.path)
    files = ["model.safetensors", *(f"predictions/{split}.safetensors" for split in run.metrics)]
    lines = [json.loads(text) for _, text in folder.read_lines("metrics.jsonl")]
    for line in lines:
        line.pop("samples_per_second", None)
    return {
        **{name: folder.read(name) for name in files},
        "lines": lines,
        "metrics": run.metrics,
        "report": run.summary.report,
        "state": _plain(state_from_bytes(folder.read("state.pt"), "state.pt")),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.dtype, value.tolist()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("kind", KINDS)
def test_stopped_and_resumed_gives_the_bits_of_an_uninterrupted_run(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = {**BASE, **KINDS[kind]}
    whole = _bytes(_train(tree, tmp_path / "whole", monkeypatch))
    for stops in ((1, 6, 7), (24,)):
        run = _train(tree, tmp_path / "-".join(map(str, stops)), monkeypatch, *stops)
        assert _bytes(run) == whole
        assert [one.step for one in RunFolder(run.path).provenance.resumed] == list(stops)
        assert not (run.path / CHECKPOINTS).exists()


@pytest.fixture(scope="module")
def stopped_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that was stopped after 9 steps, with checkpoints at 8 and 9."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StopAfter, "after", 9)
        patch.setattr("papertrial.runs.train_parts.CheckpointTimes", StopAfter)
        with pytest.raises(TrainingStopped) as stopped:
            pt.train(pt.load_recipe(BASE), runs=tmp_path_factory.mktemp("runs"), threads=1)
    return Path(stopped.value.run)


@pytest.fixture
def stopped(stopped_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stopped_run, tmp_path / "run"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return _bytes(pt.train(pt.load_recipe(BASE), runs=tmp_path_factory.mktemp("whole"), threads=1))


def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(
    stopped: Path, whole: dict[str, Any]
) -> None:
    newest = stopped / CHECKPOINTS / "step-9.pt"
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    found = read_checkpoint(RunFolder(stopped))
    assert found is not None
    assert found.mark.step == 8
    assert str(newest) in found.damaged[0]
    events = resuming(stopped)
    started = [event for event in _events(events) if isinstance(event, Started)]
    assert str(newest) in started[0].notes[0]
    assert _bytes(pt.load_run(stopped)) == whole  # records after step 8 are not doubled


def test_without_a_checkpoint_the_training_starts_again(
    stopped: Path, whole: dict[str, Any]
) -> None:
    shutil.rmtree(stopped / CHECKPOINTS)
    assert _bytes(pt.train(resume=stopped)) == whole


def test_a_process_that_was_killed_leaves_a_run_to_resume(
    stopped: Path, whole: dict[str, Any]
) -> None:
    folder = RunFolder(stopped)
    record = folder.provenance.model_copy(update={"state": "running"})
    folder.write_record("provenance.json", record)
    with (stopped / "metrics.jsonl").open("ab") as file:
        file.write(b'{"format": 1, "kind": "st')  # torn
    assert _bytes(pt.train(resume=stopped)) == whole


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("all checkpoints", "step-8.pt"),
        ("lines", "metrics.jsonl"),
        ("recipe", "recipe"),
        ("data", "train data"),
        ("torch", "torch 1.0 then"),
        ("finished", "finished"),
    ],
)
def test_what_cannot_be_resumed_says_why(stopped: Path, change: str, named: str) -> None:
    folder = RunFolder(stopped)
    record = folder.provenance
    if change == "all checkpoints":
        for file in (stopped / CHECKPOINTS).glob("*.pt"):
            file.write_bytes(b"")
    if change == "lines":
        (stopped / "metrics.jsonl").write_bytes(b"")
    if change == "recipe":
        text = (stopped / "recipe.yaml").read_text()
        (stopped / "recipe.yaml").write_text(text.replace("lr: 0.01", "lr: 0.02"))
    if change == "data":
        other = record.data["train"].model_copy(update={"fingerprint": "0" * 64})
        record = record.model_copy(update={"data": {**record.data, "train": other}})
    if change == "torch":
        there = record.environment
        there = there.model_copy(update={"versions": {**there.versions, "torch": "1.0"}})
        record = record.model_copy(update={"environment": there})
    if change == "finished":
        record = record.model_copy(update={"state": "finished"})
    folder.write_record("provenance.json", record)
    with pytest.raises(RunError, match=named):
        pt.train(resume=stopped)
    if change == "torch":
        run = pt.train(resume=stopped, allow_different=True)
        (resumed,) = RunFolder(run.path).provenance.resumed
        assert any("torch 1.0 then" in one for one in resumed.different)


def test_another_recipe_or_seed_is_refused(stopped: Path) -> None:
    with pytest.raises(RunError, match="another recipe or seed"):
        pt.train(pt.load_recipe(BASE, ["seed=1"]), resume=stopped)
    with pytest.raises(RunError, match="a recipe to train"):
        pt.train()


def test_a_run_that_another_process_writes_is_refused(stopped: Path) -> None:
    with writing_alone(RunFolder(stopped)), pytest.raises(RunError, match=f"{os.getpid()}"):
        pt.train(resume=stopped)


def test_a_run_is_locked_before_anything_of_it_is_read(
    stopped: Path, whole: dict[str, Any]
) -> None:
    first = resuming(stopped)
    next(first)  # it has read the checkpoint, and not begun to train
    with pytest.raises(RunError, match=f"{os.getpid()}"):
        pt.train(resume=stopped)
    first.close()
    assert (stopped / ".lock").exists()  # all who want the lock want this file
    assert _bytes(pt.train(resume=stopped)) == whole
    assert not (stopped / ".lock").exists()


def test_checkpoints_after_the_one_in_use_are_dropped(stopped: Path) -> None:
    drop_later(RunFolder(stopped), 8)
    names = sorted(path.name for path in (stopped / CHECKPOINTS).iterdir())
    assert names == ["step-8.json", "step-8.pt"]


def test_folds_that_finished_are_not_trained_again(tmp_path: Path) -> None:
    data = {**BASE["data"], "splits": {"folds": 2}}
    claim = {"metric": "parameters", "kind": "exact", "value": 1000}
    recipe = pt.load_recipe({**BASE, "epochs": 1, "data": data, "claims": [claim]})
    run = pt.train(recipe, runs=tmp_path, threads=1)
    folder = RunFolder(run.path)
    folder.write_record(
        "provenance.json", folder.provenance.model_copy(update={"state": "interrupted"})
    )
    (run.path / "metrics.json").unlink()
    weights = [(run.path / f"fold-{i}" / "model.safetensors").stat().st_mtime_ns for i in (0, 1)]
    again = pt.train(resume=run.path)
    assert weights == [
        (run.path / f"fold-{i}" / "model.safetensors").stat().st_mtime_ns for i in (0, 1)
    ]
    assert again.metrics == run.metrics
    (kept,) = again.summary.claims
    assert kept.ours == 64 * 16 + 16 + 2 * 16 + 16 * 10 + 10
    assert kept == run.summary.claims[0]


def _events(events: Generator[Event, None, Any]) -> Iterator[Event]:
    yield from events
