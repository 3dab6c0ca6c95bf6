"""Short runs that the tests of reports share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch

import papertrial as pt
from papertrial.report.run_parts import RunParts, parts_of_runs


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def few() -> list[str]:
    """Overrides of digits-mlp for a short run with a validation part and without claims."""
    return [
        "epochs=2", "data.splits.validation=0.2", "metrics=[loss, accuracy]", "log_every=10",
        "claims=[]",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def digits(folder: Path, few: list[str]) -> Callable[..., pt.Run]:
    """Train digits-mlp for a short time with further overrides."""

    def train(*overrides: str) -> pt.Run:
        return pt.train(pt.load_recipe("digits-mlp", [*few, *overrides]), runs=folder)

    return train


@pytest.fixture(scope="session")
def seeds(digits: Callable[..., pt.Run]) -> list[pt.Run]:
    return [digits(f"seed={seed}") for seed in (3, 4)]


@pytest.fixture(scope="session")
def parts(seeds: list[pt.Run]) -> RunParts:
    return parts_of_runs(seeds)


@pytest.fixture
def copy(seeds: list[pt.Run], tmp_path: Path) -> pt.Run:
    """A copy of the first run, which a test may damage."""
    shutil.copytree(seeds[0].path, tmp_path / "run")
    return pt.load_run(tmp_path / "run")


@pytest.fixture(scope="session")
def answers() -> Callable[[pt.Run], tuple[np.ndarray, np.ndarray]]:
    """Read true and predicted classes [N] from a run's stored predictions."""

    def read(run: pt.Run) -> tuple[np.ndarray, np.ndarray]:
        kept = safetensors.torch.load_file(run.path / "predictions" / "test.safetensors")
        return kept["target"].numpy(), kept["output"].argmax(1).numpy()

    return read
