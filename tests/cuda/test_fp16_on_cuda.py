"""fp16 with scaled losses, and averaged weights, on a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import papertrial as pt

pytestmark = pytest.mark.cuda


def test_fp16_trains_to_the_same_bits_and_about_the_accuracy_of_fp32(
    cnn: dict[str, Any], cuda: torch.device, tmp_path: Path
) -> None:
    half = pt.load_recipe(cnn, ["precision=fp16", "epochs=6"])
    one, other = (pt.train(half, runs=tmp_path, device=str(cuda)) for _ in range(2))
    weights = [(run.path / "model.safetensors").read_bytes() for run in (one, other)]
    assert weights[0] == weights[1]
    whole = pt.train(pt.load_recipe(cnn, ["epochs=6"]), runs=tmp_path, device=str(cuda))
    # Both see 169 steps; of the first, fp16 skips those whose scaled gradients overflow.
    assert one.metrics["test"]["accuracy"] == pytest.approx(
        whole.metrics["test"]["accuracy"], abs=0.05
    )
    assert one.summary.report.skipped_steps < 10
    state = torch.load(one.path / "state.pt", weights_only=True)
    assert state["scaling"]["skipped"] == one.summary.report.skipped_steps
    assert state["scaling"]["scale"] > 0


def test_a_run_in_fp16_is_evaluated_on_the_cpu(
    cnn: dict[str, Any], cuda: torch.device, tmp_path: Path
) -> None:
    from papertrial.runs.evaluate import evaluate_run

    run = pt.train(pt.load_recipe(cnn, ["precision=fp16"]), runs=tmp_path, device=str(cuda))
    there = evaluate_run(pt.load_run(run.path, device="cpu")).metrics["test"]["accuracy"]
    assert there == pytest.approx(run.metrics["test"]["accuracy"], abs=0.01)


@pytest.mark.parametrize(
    "average", [{"use": "ema", "decay": 0.95}, {"use": "swa", "start": 1}], ids=["ema", "swa"]
)
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_averages_are_the_same_bits(
    cnn: dict[str, Any],
    average: dict[str, Any],
    precision: str,
    cuda: torch.device,
    tmp_path: Path,
) -> None:
    recipe = pt.load_recipe({**cnn, "average": average, "precision": precision})
    one, other = (pt.train(recipe, runs=tmp_path, device=str(cuda)) for _ in range(2))
    weights = [(run.path / "model.safetensors").read_bytes() for run in (one, other)]
    assert weights[0] == weights[1]
    assert one.metrics == other.metrics
    assert one.metrics["test"]["accuracy"] > 0.5
