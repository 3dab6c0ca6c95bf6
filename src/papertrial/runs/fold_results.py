"""The results of a run with folds: means of metrics over the folds, and predictions of all rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import safetensors.torch
import torch

from papertrial.evaluate.metrics import scalars
from papertrial.recipe.schema import Recipe
from papertrial.runs.make_records import make_claim_beside_run
from papertrial.runs.run import Run
from papertrial.store.run_folder import TESTED, RunFolder
from papertrial.store.run_records import (
    FoldScores,
    Provenance,
    ReportedStep,
    RunSummary,
    Seconds,
)
from papertrial.vocabulary import MetricValue, SplitMetrics


def mean_metrics(folds: Sequence[SplitMetrics]) -> SplitMetrics:
    """Return the mean of each metric over the folds, by split; of a matrix of counts the sum.

    The mean does not weight a fold by its rows. A metric that is undefined in a fold is None.
    """
    return {
        split: {name: _mean([fold[split][name] for fold in folds]) for name in metrics}
        for split, metrics in folds[0].items()
    }


def _mean(values: Sequence[MetricValue]) -> MetricValue:
    numbers = [one for one in values if isinstance(one, int | float)]
    if len(numbers) == len(values):
        return _exact_mean(numbers)
    by_class = [one for one in values if isinstance(one, dict)]
    if len(by_class) == len(values):
        return {name: _exact_mean([one[name] for one in by_class]) for name in by_class[0]}
    counts = [one for one in values if isinstance(one, list)]
    if len(counts) == len(values):
        total: list[list[int]] = np.sum(counts, axis=0).tolist()
        return total
    return None


def _exact_mean(values: Sequence[float]) -> float:
    """Return a mean that does not depend on the order, so that equal scores have an SD of 0."""
    return math.fsum(values) / len(values)


def out_of_fold(folds: Sequence[Run], each: int) -> bytes:
    """Return the test predictions of all folds, as the bytes of one safetensors file.

    The rows are in the order of the data; those of the second repetition follow the first.

    Args:
        folds: the runs of all folds.
        each: number of folds of one repetition.

    Raises:
        RunError: a fold has no predictions.
    """
    kept = [safetensors.torch.load(RunFolder(fold.path).read(TESTED)) for fold in folds]
    repetitions = [kept[first : first + each] for first in range(0, len(kept), each)]
    names = [name for name in kept[0] if name != "losses"]  # of batches, which are not rows
    ordered = [_in_order(parts, names) for parts in repetitions]
    return bytes(
        safetensors.torch.save({name: torch.cat([one[name] for one in ordered]) for name in names})
    )


def _in_order(
    parts: Sequence[Mapping[str, torch.Tensor]], names: Sequence[str]
) -> dict[str, torch.Tensor]:
    order = torch.cat([part["ids"] for part in parts]).argsort(stable=True)
    return {name: torch.cat([part[name] for part in parts])[order] for name in names}


def make_fold_summary(recipe: Recipe, folds: Sequence[Run], seconds: float) -> RunSummary:
    """Make the record of the results of a run: the means over its folds, and each fold's scores.

    Args:
        recipe: of the run.
        folds: the finished runs of its folds.
        seconds: wall-clock time of the whole run.
    """
    metrics = mean_metrics([fold.metrics for fold in folds])
    parts = [fold.summary for fold in folds]
    claims = []
    for claim in recipe.claims:
        score = None if claim.is_gain else metrics.get(claim.split, {}).get(claim.metric)
        if claim.metric == "parameters":
            model = folds[0].predictor.prepared.model
            score = sum(one.numel() for one in model.parameters())
        claims.append(make_claim_beside_run(claim, score))
    return RunSummary(
        recipe=recipe.name,
        seed=recipe.seed,
        device=parts[0].device,
        classes=parts[0].classes,
        metrics=metrics,
        report=_reported(parts),
        claims=tuple(claims),
        vocabulary=None,
        epoch_seconds=(),
        seconds=Seconds(
            data=sum(one.seconds.data for one in parts),
            train=sum(one.seconds.train for one in parts),
            evaluate=sum(one.seconds.evaluate for one in parts),
            total=seconds,
        ),
        folds=tuple(
            fold_scores(fold, number, recipe.data.splits.folds or 1)
            for number, fold in enumerate(folds)
        ),
    )


def fold_scores(run: Run, number: int, each: int) -> FoldScores:
    """Return the scores of a fold, and the size of its parts."""
    repeat, fold = divmod(number, each)
    kept = RunFolder(run.path).provenance.data
    return FoldScores(
        repeat=repeat,
        fold=fold,
        rows={split: part.rows for split, part in kept.items()},
        metrics={split: scalars(metrics) for split, metrics in run.metrics.items()},
    )


def _reported(parts: Sequence[RunSummary]) -> ReportedStep:
    """Return the longest training of the folds, and how often the test parts were evaluated."""
    longest = max((one.report for one in parts), key=lambda report: report.last_step)
    last = [one.report.last_metrics for one in parts]
    known = [one for one in last if one is not None]
    return longest.model_copy(
        update={
            "last_metrics": mean_metrics(known) if len(known) == len(last) else None,
            "test_evaluations": max(one.report.test_evaluations for one in parts),
        }
    )


def with_files_of_folds(record: Provenance, folds: Sequence[Run]) -> Provenance:
    """Return the provenance of a run with the files and packages that its folds used."""
    kept = [record, *(RunFolder(fold.path).provenance for fold in folds)]
    dependencies = {(one.kind, one.name, one.path): one for part in kept
                    for one in part.dependencies}  # fmt: skip
    first = kept[1]  # the folds start from the same weights
    return record.model_copy(
        update={
            "init_from": first.init_from,
            "initial_weights": first.initial_weights,
            "frozen": first.frozen,
            "dependencies": tuple(dependencies.values()),
            "not_covered": tuple(dict.fromkeys(note for part in kept for note in part.not_covered)),
            "packages": {k: v for part in kept for k, v in part.packages.items()},
            "notes": tuple(dict.fromkeys(note for part in kept for note in part.notes)),
        }
    )
