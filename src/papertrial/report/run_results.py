"""What the folders of finished runs say about a recipe: curves, spreads, confusion, per class.

The runs given to a function are seeds of one recipe, S of them, or a single one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
from torch import Tensor

from papertrial.errors import RunError
from papertrial.evaluate.metrics import scalars
from papertrial.runs.run import Run
from papertrial.store.run_folder import PREDICTIONS, RunFolder
from papertrial.store.run_records import Provenance, StepLine
from papertrial.tasks.classification import Classification
from papertrial.tasks.task import Task

BATCHES = "train (batches)"  # the mean loss of the training batches since the record before
_MOST_POINTS = 500  # of a curve
_MOST_CLASSES = 200  # whose confusion matrix is kept: more cannot be read


@dataclass(frozen=True)
class Stored:
    """What a run predicted for a split: raw outputs [N, ...], targets [N, ...] and ids [N]."""

    output: Tensor
    target: Tensor
    ids: np.ndarray


def stored(run: Run, split: str) -> Stored:
    """Read what a run predicted for a split.

    Raises:
        RunError: it is absent or damaged.
    """
    name = f"{PREDICTIONS}/{split}.safetensors"
    try:
        tensors = safetensors.torch.load(RunFolder(run.path).read(name))
        kept = Stored(tensors["output"], tensors["target"], tensors["ids"].numpy())
    except (safetensors.SafetensorError, KeyError) as error:
        rule = f"{run.path / name} is damaged ({error}); train the run again"
        raise RunError(rule) from error
    if not len(kept.output) == len(kept.target) == len(kept.ids):
        rule = "has not as many outputs as targets and ids"
        raise RunError(f"{run.path / name} is damaged: it {rule}; train the run again")
    return kept


def task_of(run: Run) -> Task:
    """Return what the run's outputs mean; RunError where its preprocess.json is damaged."""
    return run.preprocessing.make_task()


def judged_split(run: Run) -> str:
    """Return the split that a run is judged by: test, else validation, else train."""
    return list(run.metrics)[-1]


def spreads(runs: Sequence[Run]) -> dict[str, dict[str, dict[str, float]]]:
    """Return each metric that is one number, by split and name, over the S runs.

    For one run {"value"}; for more {"mean", "sd", "low", "high"}, the SD with S - 1 in the
    denominator, low and high the smallest and the largest. A metric that some run lacks is left
    out.
    """
    result: dict[str, dict[str, dict[str, float]]] = {}
    for split, metrics in runs[0].metrics.items():
        result[split] = {}
        for name in scalars(metrics):
            values = [scalars(run.metrics.get(split, {})).get(name) for run in runs]
            numbers = [float(value) for value in values if value is not None]
            if len(numbers) == len(runs):
                result[split][name] = _spread(numbers)
    return result


def _spread(numbers: Sequence[float]) -> dict[str, float]:
    if len(numbers) == 1:
        return {"value": numbers[0]}
    return {
        "mean": float(np.mean(numbers)),
        "sd": float(np.std(numbers, ddof=1)),
        "low": min(numbers),
        "high": max(numbers),
    }


def curves(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return how loss, headline metric and claimed metrics went, mean and range over the S runs.

    Each curve has {"split", "metric", "x_label", "x", "mean", "low", "high", "seeds"} at the places
    that all runs have (see `_alike`), thinned to 500. x counts epochs where every evaluation came
    at the end of one, else optimizer steps. A metric of which no split has two points has no
    curves.
    """
    per_epoch = _steps_per_epoch(runs[0])
    told = [_points(run) for run in runs]
    evaluated = {
        step for one in told for (split, _), at in one.items() for step in at if split != BATCHES
    }
    by_epoch = all(step % per_epoch == 0 for step in evaluated)
    found = []
    for split, metric in told[0]:
        series = [one.get((split, metric), {}) for one in told]
        if split == BATCHES:
            series = [_evened(at) for at in series]
        steps, values = _alike(series)
        if not steps:
            continue
        found.append(
            {
                "split": split,
                "metric": metric,
                "x_label": "epoch" if by_epoch else "step",
                "x": [step / per_epoch if by_epoch else step for step in steps],
                "mean": values.mean(0).tolist(),
                "low": values.min(0).tolist(),
                "high": values.max(0).tolist(),
                "seeds": len(runs),
            }
        )
    drawn = {curve["metric"] for curve in found if len(curve["x"]) > 1}
    return [curve for curve in found if curve["metric"] in drawn]


def _evened(at: dict[int, float]) -> dict[int, float]:
    """Join records over few batches to the next ones, {last step: mean loss since the one before}.

    A record ends where an evaluation is due, so some are of a handful of batches: beside those of a
    hundred their noise is a spike. Here each is of half of the longest at least.
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
    if steps and joined:  # what is left at the end: to the last of them
        last = next(reversed(joined))
        before = list(joined)[-2] if len(joined) > 1 else 0
        whole = last - before
        joined[next(reversed(at))] = (joined.pop(last) * whole + total) / (whole + steps)
    return joined


def _alike(series: Sequence[dict[int, float]]) -> tuple[list[int], Any]:
    """Return steps that all S runs have, 500 at most, and their values [S, steps] there.

    Where fewer than half of the steps of the shortest are common to all, each run's values are
    interpolated between its own steps, where all of them have some: a mean over now these, now
    those runs would jump.
    """
    common = sorted(set(series[0]).intersection(*series[1:]))
    fewest = min(map(len, series))
    if 2 * len(common) >= fewest:
        steps = _thinned(common)
        return steps, np.array([[at[step] for step in steps] for at in series])
    first, last = max(min(at) for at in series), min(max(at) for at in series)
    steps = _thinned(sorted({step for at in series for step in at if first <= step <= last}))
    return steps, np.array([np.interp(steps, list(at), list(at.values())) for at in series])


def _points(run: Run) -> dict[tuple[str, str], dict[int, float]]:
    """Return {(split, metric): {step: value}} of a run's records."""
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
    size, rows = run.recipe.data.batch_size, provenance(run).data["train"].rows
    return 1 if size == "full" else -(-int(rows) // int(size))


def provenance(run: Run) -> Provenance:
    """Return where a run's result came from."""
    return RunFolder(run.path).provenance


def _thinned(steps: list[int]) -> list[int]:
    """Return every k-th step, the last one among them, so that few are left."""
    every = -(-len(steps) // _MOST_POINTS)
    return steps[::-1][::every][::-1] if steps else steps


@dataclass(frozen=True)
class ByClass:
    """What became of the classes: see `by_class`."""

    confusion: dict[str, Any] | None
    per_class: list[dict[str, Any]]


def by_class(runs: Sequence[Run]) -> ByClass:
    """Return confusion matrix [K, K], and precision, recall, F1 and support of each class.

    Both are means over the S runs, computed by scikit-learn from the stored predictions of the
    split that the runs are judged by, whatever metrics the recipe asked for. A row of the matrix is
    a true class, a column a predicted one; a class that is never predicted has precision 0. For
    regression there is neither.
    """
    from sklearn.metrics import (  # noqa: PLC0415  (slow to import)
        confusion_matrix,
        precision_recall_fscore_support,
    )

    task, split = task_of(runs[0]), judged_split(runs[0])
    if not isinstance(task, Classification):
        return ByClass(None, [])
    matrices, scores = [], []
    labels = list(range(len(task.classes)))
    for run in runs:
        kept = stored(run, split)
        truth, answer = kept.target.numpy(), task.logits(kept.output).argmax(1).numpy()
        matrices.append(confusion_matrix(truth, answer, labels=labels))
        scores.append(
            precision_recall_fscore_support(truth, answer, labels=labels, zero_division=0)
        )
    means = np.mean(np.array(scores, dtype=float), axis=0).T  # [K, 4]
    names = ("precision", "recall", "f1", "support")
    return ByClass(
        {
            "split": split,
            "classes": list(task.classes),
            "matrix": np.mean(matrices, axis=0).tolist(),
            "seeds": len(runs),
        }
        if len(labels) <= _MOST_CLASSES
        else None,
        [
            {"class": name, **dict(zip(names, row.tolist(), strict=True))}
            for name, row in zip(task.classes, means, strict=True)
        ],
    )
