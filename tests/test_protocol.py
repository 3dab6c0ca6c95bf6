"""Which epoch is reported, what chose it, and who looked at the test split."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from sklearn.metrics import accuracy_score, log_loss

import papertrial as pt
from papertrial.cli.train import describe_run_result
from papertrial.errors import InvalidRecipeError
from papertrial.runs.evaluate import evaluate_run

# The rate grows tenfold an epoch, so that an epoch in the middle is the best.
WORSENS = [
    "data.splits.validation=0.2",
    "epochs=4",
    "scheduler={use: torch.optim.lr_scheduler.ExponentialLR, gamma: 10}",
]
PER_EPOCH = 23  # batches of 32 of 718 rows
RULES = {
    "best-on-validation": ("validation", []),
    "best-on-test": ("test", ["evaluate.test=every-epoch"]),
}


def digits(runs: Path, *overrides: str) -> pt.Run:
    return pt.train(pt.load_recipe("digits-mlp", overrides), runs=runs)


def evaluations(run: pt.Run) -> list[dict[str, Any]]:
    lines = (run.path / "metrics.jsonl").read_text().splitlines()
    return [r for r in map(json.loads, lines) if r["kind"] == "evaluation"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pt.Run]:
    folder = tmp_path_factory.mktemp("runs")
    made = {
        rule: digits(folder, *WORSENS, f"report={rule}", *more) for rule, (_, more) in RULES.items()
    }
    return {**made, "last": digits(folder, *WORSENS)}


def test_the_last_epoch_is_reported_where_nothing_else_is_asked(runs: dict[str, pt.Run]) -> None:
    assert runs["last"].summary.report.to_plain() == {
        "rule": "last",
        "step": 4 * PER_EPOCH,
        "epoch": 4,
        "last_step": 4 * PER_EPOCH,
        "planned_steps": 4 * PER_EPOCH,
        "last_epoch": 4,
        "last_metrics": None,
        "test_evaluations": 0,
        "optimistic": False,
        "evaluations": 1,
        "skipped_steps": 0,
        "metric": None,
    }


@pytest.mark.parametrize("rule", RULES)
def test_the_best_epoch_is_the_one_with_the_best_evaluation_of_the_split_that_chooses(
    rule: str, runs: dict[str, pt.Run]
) -> None:
    report, (split, _) = runs[rule].summary.report, RULES[rule]
    curve = {
        record["step"]: record["metrics"]["accuracy"]
        for record in evaluations(runs[rule])[::-1]
        if record["split"] == split
    }
    assert set(curve) == {PER_EPOCH * epoch for epoch in (1, 2, 3, 4)}
    assert report.step == max(curve, key=lambda step: curve[step]) == PER_EPOCH * report.epoch
    assert report.last_epoch == 4
    assert report.epoch < 4
    assert curve[report.step] == runs[rule].metrics[split]["accuracy"]


@pytest.mark.parametrize("rule", RULES)
def test_metrics_and_stored_predictions_are_those_of_the_best_epoch(
    rule: str, runs: dict[str, pt.Run]
) -> None:
    run = runs[rule]
    for split, metrics in run.metrics.items():
        stored = safetensors.torch.load_file(run.path / "predictions" / f"{split}.safetensors")
        truth = stored["target"].numpy()
        assert metrics["accuracy"] == accuracy_score(truth, stored["output"].argmax(1).numpy())
        shares = stored["output"].double().softmax(1).numpy()
        assert metrics["loss"] == pytest.approx(log_loss(truth, shares), rel=1e-5)
    assert evaluate_run(pt.load_run(run.path)).metrics == run.metrics


@pytest.mark.parametrize("rule", RULES)
def test_the_weights_kept_are_those_of_a_training_that_ends_with_the_best_epoch(
    rule: str, runs: dict[str, pt.Run], tmp_path: Path
) -> None:
    run = runs[rule]
    short = digits(tmp_path, *WORSENS, f"epochs={run.summary.report.epoch}")
    kept, ends = ((r.path / "model.safetensors").read_bytes() for r in (run, short))
    assert kept == ends
    assert run.metrics == short.metrics


@pytest.mark.parametrize("rule", RULES)
def test_the_last_epochs_numbers_stand_beside_and_its_state_is_kept(
    rule: str, runs: dict[str, pt.Run]
) -> None:
    run, last = runs[rule], runs["last"]
    assert run.summary.report.last_metrics == last.metrics
    assert run.metrics["validation"]["accuracy"] > last.metrics["validation"]["accuracy"]
    states = [torch.load(r.path / "state.pt", weights_only=True) for r in (run, last)]
    assert states[0]["step"] == states[1]["step"] == 4 * PER_EPOCH
    for name, value in states[0]["model"].items():
        assert torch.equal(value, states[1]["model"][name])


@pytest.mark.parametrize("rule", ["last", "best-on-validation"])
def test_the_test_split_is_left_alone_until_the_end(rule: str, runs: dict[str, pt.Run]) -> None:
    looked = [record["step"] for record in evaluations(runs[rule]) if record["split"] == "test"]
    report = runs[rule].summary.report
    assert looked == ([4 * PER_EPOCH] if rule == "last" else [4 * PER_EPOCH, report.step])
    assert report.test_evaluations == 0
    assert not report.optimistic
    assert not any("test split" in line for line in describe_run_result(runs[rule].summary))


def test_a_choice_by_the_test_split_is_told_as_optimistic_with_the_last_number(
    runs: dict[str, pt.Run],
) -> None:
    run = runs["best-on-test"]
    report = run.summary.report
    assert report.optimistic
    assert report.test_evaluations == 3  # and once more at the end
    last = runs["last"].metrics["test"]
    lines = describe_run_result(run.summary)
    assert lines[0] == f"reported: epoch {report.epoch} of 4, the best on test by accuracy"
    assert lines[1].startswith("OPTIMISTIC: the epoch was chosen by the test split")
    assert (
        f"at the last epoch: loss {last['loss']:.6g}, accuracy {last['accuracy']:.6g}" in (lines[1])
    )


def test_a_choice_by_the_validation_part_is_told_without_that_mark(
    runs: dict[str, pt.Run],
) -> None:
    run = runs["best-on-validation"]
    epoch = run.summary.report.epoch
    line, claim = describe_run_result(run.summary)
    assert line == f"reported: epoch {epoch} of 4, the best on validation by accuracy"
    assert "(not judged: the setting differs: data.splits.validation=0.2, epochs=4," in claim


@pytest.mark.parametrize("rule", ["last", "best-on-validation"])
def test_a_test_curve_is_counted_and_told_and_chooses_nothing(
    rule: str, runs: dict[str, pt.Run], tmp_path: Path
) -> None:
    run = digits(tmp_path, *WORSENS, f"report={rule}", "evaluate.test=every-epoch")
    assert run.summary.report.test_evaluations == 3
    lines = [line for line in describe_run_result(run.summary) if "test split" in line]
    assert len(lines) == 1
    assert "3 times before the end" in lines[0]
    assert "chose nothing" in lines[0]
    assert run.metrics == runs[rule].metrics
    counts = Counter(record["split"] for record in evaluations(run))
    assert counts["test"] == (4 if rule == "last" else 5)


def test_best_means_the_report_metric_and_less_of_a_loss_is_better(tmp_path: Path) -> None:
    run = digits(tmp_path, *WORSENS, "report=best-on-validation", "report_metric=loss")
    losses = [
        (record["metrics"]["loss"], record["step"])
        for record in evaluations(run)
        if record["split"] == "validation"
    ]
    assert run.summary.report.step == min(losses)[1] < 4 * PER_EPOCH
    assert run.metrics["validation"]["loss"] == min(losses)[0]


def test_a_best_epoch_that_is_the_last_has_nothing_beside_it(tmp_path: Path) -> None:
    run = digits(
        tmp_path, "data.splits.validation=0.2", "epochs=2", "report=best-on-test",
        "evaluate.test=every-epoch",
    )  # fmt: skip
    report = run.summary.report
    assert (report.epoch, report.last_metrics, report.optimistic) == (2, None, True)
    accuracy = run.metrics["test"]["accuracy"]
    assert f"accuracy {accuracy:.6g}" in describe_run_result(run.summary)[1]


def test_choosing_by_the_test_split_must_be_said_twice() -> None:
    with pytest.raises(InvalidRecipeError, match=r"report: .*set evaluate\.test: every-epoch"):
        pt.load_recipe("digits-mlp", ["report=best-on-test"])


def test_early_stopping_ends_the_training_and_counts_its_epochs(tmp_path: Path) -> None:
    run = digits(tmp_path, *WORSENS, "epochs=50", "early_stopping={monitor: accuracy, patience: 2}")
    report = run.summary.report
    curve = [r["metrics"]["accuracy"] for r in evaluations(run) if r["split"] == "validation"][:-1]
    best = curve.index(max(curve)) + 1
    assert report.epoch == report.last_epoch == best + 2 == len(curve) < 50
    assert report.step == PER_EPOCH * report.epoch
    assert len(run.summary.epoch_seconds) == report.epoch
    assert [r["step"] for r in evaluations(run) if r["split"] == "test"] == [report.step]


def test_early_stopping_reports_the_best_epoch_where_asked(tmp_path: Path) -> None:
    run = digits(
        tmp_path, *WORSENS, "epochs=50", "early_stopping={monitor: accuracy, patience: 2}",
        "report=best-on-validation",
    )  # fmt: skip
    report = run.summary.report
    assert report.last_epoch == report.epoch + 2
    assert evaluate_run(run).metrics == run.metrics


def test_early_stopping_needs_a_validation_part() -> None:
    with pytest.raises(InvalidRecipeError, match=r"early_stopping.monitor: needs a validation par"):
        pt.load_recipe("digits-mlp", ["early_stopping.patience=2"])
