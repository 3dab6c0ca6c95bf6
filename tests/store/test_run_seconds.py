"""The durations of the finished runs in a folder, by what they trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from papertrial.store.run_folder import RunFolder
from papertrial.store.run_seconds import run_seconds
from papertrial.store.verification_folder import VerificationFolder


@pytest.fixture
def root(verified: Path, tmp_path: Path) -> Path:
    """A folder of runs with one verification, of five seeds with two sides each."""
    shutil.copytree(verified, tmp_path / verified.parent.name / verified.name)
    return tmp_path


def test_runs_inside_verifications_count_for_their_side(root: Path, verified: Path) -> None:
    ours, theirs = VerificationFolder(verified).registered.digests
    found = run_seconds(root, {ours})
    assert [(run.device, run.threads) for run in found] == [("cpu", 1)] * 5
    assert {run.training_hash for run in found} == {ours}
    assert len(run_seconds(root, {ours, theirs})) == 10
    folders = [RunFolder(path.parent) for path in root.glob("*/*/seeds/**/metrics.json")]
    totals = [one.summary.seconds.total for one in folders if one.provenance.training_hash == ours]
    assert sorted(run.seconds for run in found) == sorted(totals)


def test_others_and_damaged_runs_are_skipped(root: Path, verified: Path) -> None:
    ours = VerificationFolder(verified).registered.training_hash
    assert run_seconds(root, {"of another training"}) == []
    assert run_seconds(root / "none", {ours}) == []
    first, second, *_ = (
        folder
        for path in sorted(root.glob("*/*/seeds/**/provenance.json"))
        if (folder := RunFolder(path.parent)).provenance.training_hash == ours
    )
    (first.path / "metrics.json").write_text("{")
    text = (second.path / "provenance.json").read_text()
    assert '"state": "finished"' in text
    (second.path / "provenance.json").write_text(
        text.replace('"state": "finished"', '"state": "interrupted"')
    )
    assert len(run_seconds(root, {ours})) == 3
