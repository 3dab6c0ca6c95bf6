"""The report of a single run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import papertrial as pt
from papertrial.recipe.load import to_tree
from papertrial.report.report_files import write_report
from papertrial.report.run_report import run_report
from papertrial.store.report_record import Report, Spread


def test_the_report_of_a_run_has_every_part_and_no_verdict(seeds: list[pt.Run]) -> None:
    run = seeds[0]
    report = run_report(run)
    assert Report.from_json(report.to_json(), "report.json") == report
    accuracy = run.metrics["test"]["accuracy"]
    assert report.headline.startswith(
        f"digits-mlp, one run (seed 3): test accuracy {accuracy:.6g}. "
    )
    assert "papertrial verify" not in report.headline  # it has no claims
    assert (report.kind, report.verdict, report.claims) == ("run", None, ())
    assert report.metrics["test"]["accuracy"] == Spread(value=accuracy)
    kept = json.loads((run.path / "provenance.json").read_text())
    threads = kept["environment"]["threads"]
    command = f"papertrial train {run.path}/recipe.yaml --threads {threads} --device cpu"
    assert report.command == command
    rows = dict(report.provenance)
    assert rows["recipe hash"] == kept["recipe_hash"]
    assert "/" not in rows["command"].split()[0]


def test_claims_stand_beside_what_the_run_gave(folder: Path, few: list[str]) -> None:
    chosen = [*few, "evaluate.test=every-epoch", "report=best-on-test"]
    claim = {
        "metric": "accuracy", "value": "75 %", "printed": "75 %", "tolerance": "2 points",
        "kind": "single-run", "where": "Table 1", "best_epoch_on_test": True,
    }  # fmt: skip
    setting = to_tree(pt.load_recipe("digits-mlp", chosen))
    run = pt.train(pt.load_recipe({**setting, "claims": [claim]}), runs=folder)
    report = run_report(run)
    (made,) = report.claims
    ours = run.metrics["test"]["accuracy"]
    assert (made.value, made.mean, made.n, made.runs) == (0.75, ours, 1, 1)
    assert made.band == pytest.approx((0.745 - 0.02, 0.755 + 0.02))
    assert (made.verdict, made.where, made.optimistic) == (None, "Table 1", True)
    assert made.scores == ((0, ours),)
    assert made.reported.startswith("0.75 (printed: 75 %), a single run")
    assert report.headline.startswith(
        f"digits-mlp, one run (seed 0): test accuracy {ours:.6g} (optimistic). "
    )
    assert "`papertrial verify`" in report.headline
    assert report.warnings[0].startswith("OPTIMISTIC: the epoch was chosen by the test split")


def test_counts_that_are_claimed_stand_apart(folder: Path, few: list[str]) -> None:
    claims = [
        {"metric": "parameters", "value": 4810, "kind": "exact"},
        {"metric": "samples", "split": "train", "value": 900, "kind": "exact"},
    ]
    setting = to_tree(pt.load_recipe("digits-mlp", [*few, "epochs=1"]))
    run = pt.train(pt.load_recipe({**setting, "claims": claims}), runs=folder)
    report = run_report(run)
    assert report.claims == ()
    counts = [(one.metric, one.split, one.value, one.ours, one.verdict) for one in report.exact]
    assert counts == [("parameters", None, 4810, 4810, None), ("samples", "train", 900, 718, None)]
    assert "papertrial verify" not in report.headline
    write_report(run.path, report)
    assert "| parameters | 4,810 | 4,810 |" in (run.path / "report.md").read_text()
