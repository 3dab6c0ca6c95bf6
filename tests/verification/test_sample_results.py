"""What seeds scored on each sample reaches verdicts, reports and audits from stored predictions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch

import papertrial as pt
from papertrial.auditing.audit import audit
from papertrial.errors import ClaimError, RunError
from papertrial.report.report_files import read_report
from papertrial.store.verification_folder import VerificationFolder
from papertrial.verification.registration import wanted_of
from papertrial.verification.sample_results import outcome_of

NEW: dict[str, Any] = {"metric": "accuracy", "about": "new-samples"}
TREE: dict[str, Any] = {
    "name": "new",
    "task": "image-classification",
    "data": {"source": "digits", "splits": {"test": 0.5}, "batch_size": 64, "limit": 300},
    "model": {"use": "papertrial.models.MLP", "args": [64, [16], 10]},
    "loss": "torch.nn.CrossEntropyLoss",
    "optimizer": {"use": "torch.optim.Adam", "lr": 0.01},
    "epochs": 3,
    "metrics": ["loss", "accuracy", "top2_accuracy"],
    "verify": {"max_seeds": 6},
    "claims": [
        {**NEW, "kind": "at-least", "value": 0.2},
        {**NEW, "kind": "better", "versus": {"set": {"epochs": 1}}},
        {"metric": "top2_accuracy", "kind": "single-run", "value": 0.9, "tolerance": 0.001},
        {"metric": "loss", "kind": "at-most", "value": 9},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished verification with six seeds of two sides, for reading only."""
    recipe = pt.load_recipe(TREE)
    return pt.verify(recipe, runs=tmp_path_factory.mktemp("runs"), workers=1, device="cpu").path


@pytest.fixture
def copied(done: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(done, tmp_path / done.name))


def test_results_of_samples_are_read_from_the_runs_and_stored_nowhere_else(done: Path) -> None:
    folder = VerificationFolder(done)
    wanted = wanted_of(folder.registered)
    assert [one.new_samples for one in wanted] == [True, True, False, False]
    for record in folder.outcomes():
        outcome = outcome_of(done, record, wanted)
        ours, gain, *others = outcome.correct
        assert others == [None, None]
        assert ours is not None
        assert gain is not None
        right, gains = (np.frombuffer(one, dtype=np.int8) for one in (ours, gain))
        assert len(right) == len(gains) == folder.registered.rows[0]["test"]
        assert right.mean() == pytest.approx(record.scores[0][0], abs=1e-12)
        assert gains.mean() == pytest.approx(record.scores[1][0] - record.scores[1][1], abs=1e-12)
        assert set(gains) == {-1, 0, 1}
    assert "correct" not in (done / "outcomes.jsonl").read_text()


def test_the_report_has_both_intervals_of_each_accuracy(done: Path) -> None:
    at_least, better, single, loss = read_report(done).claims
    assert loss.new_samples is None
    for claim in (at_least, better, single):
        both = claim.new_samples
        assert both is not None
        (low, high), (new_low, new_high) = both.on_test_set, both.on_new_samples
        assert None not in (low, high, new_low, new_high)
        assert new_low < low < high < new_high  # type: ignore[operator]
        assert (both.seeds, both.samples) == (6, 300)
    assert at_least.new_samples is not None
    assert at_least.new_samples.level == at_least.level
    assert (at_least.low, at_least.high) == pytest.approx(at_least.new_samples.on_new_samples)
    assert single.new_samples is not None
    assert (single.low, single.high) == pytest.approx(single.new_samples.on_test_set)
    assert [claim.about for claim in (at_least, better, single)] == [
        "new-samples", "new-samples", "test-set",
    ]  # fmt: skip
    assert at_least.verdict == "REPRODUCED"
    text = (done / "report.md").read_text()
    assert "## On new test samples" in text
    assert "6 seeds, 300 samples" in text
    assert "On new test samples" in (done / "report.html").read_text()


def test_an_audit_decides_again_from_the_samples(done: Path) -> None:
    made = audit(done, retrain=False, seed=0)
    assert [str(one) for one in made.differences] == []


def test_a_stopped_verification_reads_the_samples_of_the_seeds_that_ended(copied: Path) -> None:
    runs = copied.parent / "runs"
    (runs / "new").mkdir(parents=True)
    folder = Path(shutil.move(copied, runs / "new" / copied.name))
    before = read_report(folder).claims
    outcomes = folder / "outcomes.jsonl"
    lines = outcomes.read_text().splitlines(keepends=True)
    outcomes.write_text("".join(lines[:-1]))
    shutil.rmtree(folder / json.loads(lines[-1])["runs"][0])
    state = json.loads((folder / "verification.json").read_text())
    state["state"] = "interrupted"
    (folder / "verification.json").write_text(json.dumps(state))
    again = pt.verify(pt.load_recipe(TREE), runs=runs, workers=1, device="cpu")
    assert again.path == folder
    after = read_report(folder).claims
    assert [c.new_samples for c in after] == [c.new_samples for c in before]
    assert [(c.verdict, c.low) for c in after] == [(c.verdict, c.low) for c in before]


def swap_two_samples(path: Path) -> None:
    """Make one right sample wrong, and a wrong one right: the accuracy stays as it was."""
    tensors = {key: one.clone() for key, one in safetensors.torch.load_file(path).items()}
    right = tensors["output"].argmax(1) == tensors["target"]
    good, bad = int(right.nonzero()[0]), int((~right).nonzero()[0])
    tensors["output"][good] = -tensors["output"][good]
    tensors["output"][bad] = 0
    tensors["output"][bad, tensors["target"][bad]] = 20
    safetensors.torch.save_file(tensors, path)


def remove_rows(path: Path) -> None:
    tensors = {key: one[:-1].clone() for key, one in safetensors.torch.load_file(path).items()}
    safetensors.torch.save_file(tensors, path)


@pytest.mark.parametrize(
    ("change", "check"),
    [(Path.unlink, "verdicts"), (remove_rows, "scores"), (swap_two_samples, "verdicts")],
)
def test_changed_predictions_are_found_and_do_not_end_the_audit(
    copied: Path, change: Callable[[Path], None], check: str
) -> None:
    record = VerificationFolder(copied).outcomes()[2]
    change(copied / record.runs[0] / "predictions" / "test.safetensors")
    found = audit(copied, retrain=False, seed=record.seed)
    assert check in {one.check for one in found.differences}
    assert "report" in {one.check for one in found.findings}  # which comes later


def test_other_samples_on_the_other_side_are_refused_before_the_first_seed(tmp_path: Path) -> None:
    versus = {"set": {"data.splits.test": 0.4}}
    tree = {**TREE, "claims": [{**NEW, "kind": "better", "versus": versus}]}
    with pytest.raises(ClaimError, match=r"different test samples.*or about: test-set"):
        pt.verify(pt.load_recipe(tree), runs=tmp_path, workers=1, device="cpu")
    assert not list(tmp_path.glob("*/*/seeds"))


def test_two_sides_with_other_samples_cannot_be_compared(copied: Path) -> None:
    folder = VerificationFolder(copied)
    record = folder.outcomes()[0]
    remove_rows(copied / record.runs[1] / "predictions" / "test.safetensors")
    with pytest.raises(RunError, match="cannot be compared sample by sample"):
        outcome_of(copied, record, wanted_of(folder.registered))
