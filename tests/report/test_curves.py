"""Learning curves, checked with the lines of metrics.jsonl."""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import papertrial as pt
from papertrial.report.curves import BATCHES
from papertrial.report.run_parts import RunParts, parts_of_runs
from papertrial.store.report_record import Curve, Spread
from papertrial.store.run_records import StepLine

Digits = Callable[..., pt.Run]


def records(run: pt.Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]


def write_losses(folder: Path, points: list[tuple[int, float]]) -> None:
    """Write lines of metrics.jsonl with these (step, loss)."""
    lines = [
        StepLine(epoch=1, step=step, loss=loss, headline="accuracy", score=0.5, lr=0.1,
                 samples_per_second=1.0).to_json(indent=None)
        for step, loss in points
    ]  # fmt: skip
    (folder / "metrics.jsonl").write_text("".join(line + "\n" for line in lines))


def curve_of(folders: list[Path], points: list[list[tuple[int, float]]]) -> Curve:
    """The curve of the batches of runs with these (step, loss)."""
    for folder, lines in zip(folders, points, strict=True):
        write_losses(folder, lines)
    (curve,) = parts_of_runs([pt.load_run(folder) for folder in folders]).curves
    return curve


def test_curves_are_mean_and_range_of_the_records(seeds: list[pt.Run], parts: RunParts) -> None:
    curves = {(curve.split, curve.metric): curve for curve in parts.curves}
    per_epoch = 23  # 718 training rows by 32
    curve = curves["validation", "accuracy"]
    assert (curve.x, curve.x_label, curve.seeds) == ((1.0, 2.0), "epoch", 2)
    first = [
        next(r["metrics"]["accuracy"] for r in records(run)
             if r["kind"] == "evaluation" and (r["split"], r["step"]) == ("validation", per_epoch))
        for run in seeds
    ]  # fmt: skip
    assert curve.mean[0] == pytest.approx(statistics.mean(first))
    assert (curve.low[0], curve.high[0]) == (min(first), max(first))
    batches = curves[BATCHES, "loss"]
    assert batches.x[:2] == (10 / per_epoch, 20 / per_epoch)
    assert batches.x[-1] == 2.0
    assert curves["test", "loss"].x == (2.0,)  # evaluated once, at the end
    assert (BATCHES, "accuracy") not in curves


def test_curves_count_steps_where_evaluations_fall_within_epochs(digits: Digits) -> None:
    made = ["epochs=null", "steps=25", "evaluate={every: 10, interval: step}"]
    run = digits(*made)
    found = parts_of_runs([run])
    curve = next(c for c in found.curves if (c.split, c.metric) == ("validation", "loss"))
    assert (curve.x, curve.x_label) == ((10, 20, 25), "step")
    assert found.metrics["test"]["loss"] == Spread(value=run.metrics["test"]["loss"])


def test_long_curves_are_thinned_to_their_end(copy: pt.Run) -> None:
    write_losses(copy.path, [(step, step / 2) for step in range(1, 2347)])
    (curve,) = parts_of_runs([copy]).curves
    assert 400 < len(curve.x) <= 500
    assert curve.x[-1] == 2346 / 23
    assert curve.mean[-1] == 1173


def test_records_of_few_batches_are_joined_to_the_next(copy: pt.Run) -> None:
    # Steps 20 to 23 end an epoch: 3 batches, and noise, joined to the 7 after them.
    lines = [(10, 4.0), (20, 3.0), (23, 9.0), (30, 2.0), (40, 1.0), (42, 6.0)]
    curve = curve_of([copy.path], [lines])
    assert [x * 23 for x in curve.x] == pytest.approx([10, 20, 30, 42])
    assert curve.mean == pytest.approx((4, 3, (3 * 9 + 7 * 2) / 10, (10 * 1 + 2 * 6) / 12))


def test_runs_that_logged_at_other_steps_are_interpolated(
    seeds: list[pt.Run], tmp_path: Path
) -> None:
    folders = [Path(shutil.copytree(r.path, tmp_path / r.path.name)) for r in seeds]
    curve = curve_of(folders, [[(10, 4.0), (20, 2.0), (30, 1.0)], [(15, 3.0), (25, 1.0)]])
    assert [x * 23 for x in curve.x] == pytest.approx([15, 20, 25])
    assert curve.mean == pytest.approx((3.0, 2.0, 1.25))
    assert (curve.low[0], curve.high[0]) == (3.0, 3.0)
