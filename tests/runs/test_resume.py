"""A training that was stopped continues to the bits that it would have reached."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

import papertrial as pt
from papertrial.errors import RunError, TrainingStopped
from papertrial.runs.resume_run import resume
from papertrial.store.checkpoints import CHECKPOINTS, read_checkpoint
from papertrial.store.run_folder import RunFolder
from papertrial.training import checkpoint_times
from papertrial.training.checkpoint import state_from_bytes

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
        "source": "digits", "limit": 240, "splits": {"validation": 0.2, "test": 0.2}, "batch_size": 32,
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
                "model": {"use": "torch.nn.Sequential", "args": [*LAYERS[:2], *LAYERS[3:4], LAYERS[5]]}},
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
        try:
            if run is None:
                return pt.train(pt.load_recipe(tree), runs=folder, threads=1)
            return resume(run)
        except TrainingStopped as stopped:
            assert (stopped.step, stopped.signal) == (stop, signal.SIGTERM)
            run = stopped.run
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
