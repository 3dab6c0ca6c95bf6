"""The learning curves of finished runs: mean and range over the seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from papertrial.claims.reach import Unit
from papertrial.evaluate.metrics import scalars
from papertrial.report.run_results import read_provenance, task_of
from papertrial.runs.run import Run
from papertrial.store.report_record import Curve
from papertrial.store.run_folder import RunFolder
from papertrial.store.run_records import StepLine

BATCHES = "train (batches)"  # the mean loss of the training batches since the line before
_MOST_POINTS = 500  # of a curve


def curves(runs: Sequence[Run]) -> tuple[Curve, ...]:
    """Return the learning curves of S runs: the loss, the headline metric and the claimed ones.

    A curve has values at the steps that all runs have (see `_aligned`), thinned to 500. `x` counts
    epochs if every evaluation was made at the end of one, else optimizer steps. If no split has two
    points of a metric, the metric has no curves.
    """
    per_epoch = _steps_per_epoch(runs[0])
    points = [_mean_points([_points(model) for model in run.models]) for run in runs]
    evaluated = {
        step for one in points for (split, _), at in one.items() for step in at if split != BATCHES
    }
    by_epoch = all(step % per_epoch == 0 for step in evaluated)
    found = []
    for split, metric in points[0]:
        series = [one.get((split, metric), {}) for one in points]
        if split == BATCHES:
            series = [_joined(at) for at in series]
        unit: Unit = "epoch" if by_epoch else "step"
        curve = curve_over_seeds(split, metric, unit, series, per_epoch if by_epoch else 1)
        found += [curve] if curve.x else []
    drawn = {curve.metric for curve in found if len(curve.x) > 1}
    return tuple(curve for curve in found if curve.metric in drawn)


def curve_over_seeds(
    split: str, metric: str, unit: Unit, series: Sequence[dict[int, float]], per_x: int = 1
) -> Curve:
    """Return the learning curve over S seeds, empty if they have no steps in common.

    Args:
        split: the split.
        metric: the metric.
        unit: what x counts.
        series: for each seed its value at each step.
        per_x: steps in one unit of x.
    """
    steps, values = _aligned(series)
    return Curve(
        split=split,
        metric=metric,
        x_label=unit,
        x=tuple(step / per_x if per_x > 1 else step for step in steps),
        mean=tuple(values.mean(0).tolist()) if steps else (),
        low=tuple(values.min(0).tolist()) if steps else (),
        high=tuple(values.max(0).tolist()) if steps else (),
        seeds=len(series),
    )


def _joined(at: dict[int, float]) -> dict[int, float]:
    """Join losses on a learning curve that cover few batches to the next ones.

    Returns {last step: mean loss since the step before}.

    A line of metrics.jsonl is written before every evaluation, so some lines cover only a few
    batches. Next to lines that cover a hundred, their noise looks like a spike. Each point returned
    covers at least half as many steps as the longest line.
    """
    lengths = dict(zip(at, np.diff([0, *at]).tolist(), strict=True))
    least = max(lengths.values(), default=0) / 2
    joined: dict[int, float] = {}
    steps = total = 0.0
    for step, loss in at.items():
        steps, total = steps + lengths[step], total + lengths[step] * loss
        if steps >= least:
            joined[step] = total / steps
            steps = total = 0.0
    if steps and joined:  # what remains at the end joins the last point
        last = next(reversed(joined))
        before = list(joined)[-2] if len(joined) > 1 else 0
        whole = last - before
        joined[next(reversed(at))] = (joined.pop(last) * whole + total) / (whole + steps)
    return joined


def _aligned(series: Sequence[dict[int, float]]) -> tuple[list[int], np.ndarray]:
    """Return at most 500 steps that the curves of all S runs have, and the values [S, steps].

    If the runs have fewer than half of the steps of the shortest in common, each run's values are
    interpolated between its steps, over the range that all runs cover: a mean over changing sets of
    runs would jump.
    """
    common = sorted(set(series[0]).intersection(*series[1:]))
    fewest = min(map(len, series))
    if 2 * len(common) >= fewest:
        steps = _thinned(common)
        return steps, np.array([[at[step] for step in steps] for at in series])
    first, last = max(min(at) for at in series), min(max(at) for at in series)
    steps = _thinned(sorted({step for at in series for step in at if first <= step <= last}))
    return steps, np.array([np.interp(steps, list(at), list(at.values())) for at in series])


def _mean_points(
    folds: Sequence[dict[tuple[str, str], dict[int, float]]],
) -> dict[tuple[str, str], dict[int, float]]:
    """Return the means of the points on learning curves over the folds of a run."""
    if len(folds) == 1:
        return folds[0]
    found = {}
    for key in folds[0]:
        steps, values = _aligned([one.get(key, {}) for one in folds])
        found[key] = dict(zip(steps, values.mean(0).tolist(), strict=True)) if steps else {}
    return found


def _points(run: Run) -> dict[tuple[str, str], dict[int, float]]:
    """Return a run's points on learning curves, {(split, metric): {step: value}}."""
    claimed = [claim.metric for claim in run.recipe.claims]
    wanted = dict.fromkeys(["loss", task_of(run).headline, *claimed])
    points: dict[tuple[str, str], dict[int, float]] = {}
    for line in RunFolder(run.path).lines():
        if isinstance(line, StepLine):
            points.setdefault((BATCHES, "loss"), {})[line.step] = line.loss
            continue
        values = scalars(line.metrics)
        for metric in wanted:
            if metric in values:
                points.setdefault((line.split, metric), {})[line.step] = values[metric]
    return points


def _steps_per_epoch(run: Run) -> int:
    size = run.recipe.data.batch_size
    rows = read_provenance(run.models[0]).data["train"].rows
    return 1 if size == "full" else -(-int(rows) // int(size))


def _thinned(steps: list[int]) -> list[int]:
    """Return every k-th step of a curve, including the last one, so that at most 500 remain."""
    every = -(-len(steps) // _MOST_POINTS)
    return steps[::-1][::every][::-1] if steps else steps
