"""Training, prediction and verification on a GPU: the same bits, the CPU's numbers, no waiting."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import papertrial as pt
from papertrial.data.files.data_folder import data_folder
from papertrial.progress import finish
from papertrial.runs.prepare import Parts, prepare
from papertrial.training.device import has_room, on_device
from papertrial.training.loop import fit

pytestmark = pytest.mark.cuda


def weights(run: pt.Run) -> bytes:
    return (run.path / "model.safetensors").read_bytes()


def predictions(run: pt.Run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run.path / "predictions").iterdir()}


@pytest.fixture
def parts(recipe: pt.Recipe, cuda: torch.device) -> Iterator[Parts]:
    """A training on the GPU with its first steps done, kept within its first epoch."""
    with on_device(str(cuda), None) as device:
        made = finish(prepare(recipe, data_folder(), device))
        take(made, 4)
        yield made


def take(parts: Parts, steps: int) -> list[float]:
    """Train until `steps` are done; return the losses that the loop reads, which is one."""
    events = fit(
        parts.train,
        parts.samples.batches,
        parts.objective,
        seed=0,
        steps=steps,
        clip_norm=1.0,
        every=(1000,),
    )
    return [progress.loss for progress in events]


def test_two_trainings_give_the_same_bits(
    recipe: pt.Recipe, cuda: torch.device, tmp_path: Path
) -> None:
    one, other = (pt.train(recipe, runs=tmp_path, device=str(cuda)) for _ in range(2))
    assert weights(one) == weights(other)
    assert predictions(one) == predictions(other)
    assert one.metrics == other.metrics


def test_another_seed_gives_other_bits(
    recipe: pt.Recipe, cuda: torch.device, tmp_path: Path
) -> None:
    other = recipe.model_copy(update={"seed": recipe.seed + 1})
    runs = [pt.train(r, runs=tmp_path, device=str(cuda)) for r in (recipe, other)]
    assert weights(runs[0]) != weights(runs[1])


def test_the_accuracy_is_that_of_the_cpu(cuda: torch.device, tmp_path: Path) -> None:
    recipe = pt.load_recipe("digits-mlp", ["claims=[]"])
    there, here = (pt.train(recipe, runs=tmp_path, device=d) for d in (str(cuda), "cpu"))
    # The same seed starts from the same weights: they differ by rounding, which training amplifies.
    # .0027 is the standard deviation between seeds that the recipe names.
    assert there.metrics["test"]["accuracy"] == pytest.approx(
        here.metrics["test"]["accuracy"], abs=3 * 0.0027 * 2**0.5
    )


def test_samples_and_targets_lie_on_the_device(parts: Parts, cuda: torch.device) -> None:
    for split in parts.samples.dataset.splits.values():
        assert split.x.take(slice(0, 2)).device.type == cuda.type
        assert split.y.device.type == cuda.type
    batch = parts.samples.batches.batch(0, 0, 0)
    assert (batch.x.device.type, batch.y.device.type) == (cuda.type, cuda.type)


def test_data_go_to_the_device_if_they_fit_into_a_quarter_of_what_is_free(
    cuda: torch.device,
) -> None:
    free, _ = torch.cuda.mem_get_info(cuda)
    assert has_room(cuda, 1 << 20)
    assert not has_room(cuda, free // 2)


@contextlib.contextmanager
def on_synchronisation(do: str) -> Iterator[None]:
    """Let torch raise an error or warn wherever the host waits for the device."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Synchronization debug mode is a prototype")
        torch.cuda.set_sync_debug_mode(do)
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_steps_never_wait_for_the_device(parts: Parts) -> None:
    # The loop reads the loss once, after its last step; nothing before that may synchronise.
    with (
        on_synchronisation("error"),
        pytest.raises(RuntimeError, match="called a synchronizing CUDA operation"),
    ):
        take(parts, 20)
    assert parts.train.step == 20


def test_more_steps_do_not_wait_more_often(parts: Parts) -> None:
    counts = []
    for until in (8, 24):
        with on_synchronisation("warn"), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            take(parts, until)
        counts.append(sum("called a synchronizing" in str(found.message) for found in caught))
    assert counts[0] > 0  # the loss: the mode does report
    assert counts[1] == counts[0]


def test_bf16_rounds_and_trains(cuda: torch.device, tmp_path: Path) -> None:
    words = ["claims=[]", "epochs=10"]
    exact = pt.train(pt.load_recipe("digits-mlp", words), runs=tmp_path, device=str(cuda))
    words.append("precision=bf16")
    rounded = pt.train(pt.load_recipe("digits-mlp", words), runs=tmp_path, device=str(cuda))
    assert weights(exact) != weights(rounded)
    assert rounded.metrics["test"]["accuracy"] == pytest.approx(
        exact.metrics["test"]["accuracy"], abs=0.02
    )


def test_a_run_of_the_device_predicts_on_the_cpu(
    recipe: pt.Recipe, cuda: torch.device, tmp_path: Path
) -> None:
    run = pt.train(recipe, runs=tmp_path, device=str(cuda))
    images = torch.arange(3 * 64, dtype=torch.uint8).reshape(3, 1, 8, 8).numpy()
    there, here = (pt.load_run(run.path, device=d).predict(images) for d in (str(cuda), "cpu"))
    for one, other in zip(there, here, strict=True):
        assert one.prediction == other.prediction
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-4)


def seeds_of(verification: pt.Verification) -> dict[int, tuple[Any, bytes]]:
    """The device and the weights of each seed's run."""
    found = {}
    for seed in verification.seeds:
        folder = verification.path / "seeds" / f"s{seed}"
        kept = json.loads((folder / "metrics.json").read_text())
        found[seed] = (kept["device"], (folder / "model.safetensors").read_bytes())
    return found


def test_workers_on_the_device_verify_as_one_does(
    cnn: dict[str, Any], cuda: torch.device, tmp_path: Path
) -> None:
    claim = {"metric": "accuracy", "value": 0.9, "tolerance": 0.3, "kind": "mean"}
    recipe = pt.load_recipe({**cnn, "claims": [claim]})
    one, two = (
        pt.verify(recipe, runs=tmp_path / str(n), device=str(cuda), workers=n) for n in (1, 2)
    )
    assert one.verdict == two.verdict == "REPRODUCED"
    assert {device.split(":")[0] for device, _ in seeds_of(two).values()} == {cuda.type}
    assert [weights for _, weights in seeds_of(one).values()] == [
        weights for _, weights in seeds_of(two).values()
    ]
