"""`papertrial judge` on the published runs under examples/: the verdicts that its README states."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from scipy import stats

import papertrial as pt
from papertrial.errors import ScoresError

FOLDER = Path(__file__).parents[2] / "examples" / "published-runs"
CLAIM = {"metric": "val_loss", "value": 3.28, "kind": "at-most"}


def column(name: str, of: str) -> list[float]:
    with (FOLDER / name).open() as file:
        return [float(row[of]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("name", "runs", "mean", "p"),
    [  # as the sources print them
        ("soft-cap.csv", 80, 3.2791, 0.0001),
        ("xsa-gated.csv", 11, 3.2789, 0.00561),
        ("record-80.csv", 7, 3.2799, 0.264),
        ("cross-entropy-kernel.csv", 4, 3.2785, 0.006),
    ],
)
def test_the_numbers_are_those_of_the_sources(name: str, runs: int, mean: float, p: float) -> None:
    scores = column(name, "val_loss")
    assert len(scores) == runs
    assert sum(scores) / runs == pytest.approx(mean, abs=5.1e-5)
    found = stats.ttest_1samp(scores, 3.28, alternative="less").pvalue
    digits = len(str(p).split(".")[1])
    assert round(found, digits) == p


@pytest.mark.parametrize(
    ("name", "evidence", "at_5", "at_1", "fixed_at_1"),
    [
        ("soft-cap.csv", 338.006473, "REPRODUCED", "REPRODUCED", "REPRODUCED"),
        ("xsa-gated.csv", 15.280283, "UNDECIDED", "UNDECIDED", "REPRODUCED"),
        ("record-80.csv", 0.649968, "UNDECIDED", "UNDECIDED", "UNDECIDED"),
    ],
)
def test_the_verdicts(name: str, evidence: float, at_5: str, at_1: str, fixed_at_1: str) -> None:
    path = FOLDER / name
    found = pt.judge(path, CLAIM)
    assert found.results[0].evidence is not None
    assert found.results[0].evidence.after[-1][1] == pytest.approx(evidence, rel=1e-6)
    assert found.verdict == at_5
    assert pt.judge(path, CLAIM, alpha=0.01).verdict == at_1
    assert pt.judge(path, CLAIM, alpha=0.01, horizon="fixed").verdict == fixed_at_1


def test_four_runs_are_too_few() -> None:
    with pytest.raises(ScoresError, match="4 scores of finished runs, and at least 5"):
        pt.judge(FOLDER / "cross-entropy-kernel.csv", CLAIM)


def test_the_new_record_is_faster() -> None:
    # The first seven of the eleven runs, so that both sides have as many.
    ours, theirs = (
        column(f"{name}.csv", "milliseconds")[:7] for name in ("xsa-gated", "record-80")
    )
    claim = {"metric": "milliseconds", "kind": "better", "better": "lower", "pairing": "none"}
    found = pt.judge({"milliseconds": ours, "record": theirs}, claim, versus_column="record")
    assert found.verdict == "REPRODUCED"
