"""The records of a run: its summary, its provenance and the lines of metrics.jsonl."""

from __future__ import annotations

import hashlib

import torch

from papertrial.evaluate.metrics import best
from papertrial.recipe.claims import Claim
from papertrial.recipe.digest import recipe_hash, training_hash
from papertrial.recipe.schema import Recipe
from papertrial.runs import prepare
from papertrial.runs.samples import StartRun
from papertrial.runs.tracing import Traced
from papertrial.store.provenance import environment, utc_now
from papertrial.store.run_folder import RunFolder
from papertrial.store.run_records import (
    ClaimBesideRun,
    EvaluationLine,
    Provenance,
    ReportedStep,
    RunSummary,
    Seconds,
    SplitData,
    StartedFrom,
    StepLine,
)
from papertrial.training.device import machine
from papertrial.training.events import Evaluated, Trained
from papertrial.training.session import TrainingResult
from papertrial.vocabulary import MetricValue


def line_of(event: Trained | Evaluated) -> StepLine | EvaluationLine:
    """Return what metrics.jsonl stores of an event."""
    if isinstance(event, Evaluated):
        return EvaluationLine(split=event.split, step=event.step, metrics=event.metrics)
    at = event.progress
    return StepLine(
        epoch=at.epoch,
        step=at.step,
        loss=at.loss,
        headline=event.headline,
        score=event.score,
        lr=at.lr,
        samples_per_second=at.samples_per_second,
    )


def summary_of(
    recipe: Recipe,
    parts: prepare.Parts,
    outcome: TrainingResult,
    seconds: Seconds,
    folder: RunFolder,
) -> RunSummary:
    """Return the final results of a training whose metrics.jsonl is in `folder`."""
    per_epoch = parts.samples.batches.steps
    return RunSummary(
        recipe=recipe.name,
        seed=recipe.seed,
        device=str(parts.samples.batches.device),
        classes=parts.samples.task.class_names,
        metrics=outcome.metrics,
        report=ReportedStep(
            rule=recipe.report,
            step=outcome.step,
            epoch=-(-outcome.step // per_epoch),
            last_step=outcome.last_step,
            last_epoch=-(-outcome.last_step // per_epoch),
            last_metrics=outcome.last,
            planned_steps=parts.steps,
            test_evaluations=outcome.test_evaluations,
            optimistic=recipe.report == "best-on-test",
        ),
        claims=tuple(
            _claim_beside(claim, recipe, parts, outcome, folder) for claim in recipe.claims
        ),
        vocabulary=parts.vocabulary,
        epoch_seconds=tuple(outcome.epoch_seconds.values()),
        seconds=seconds,
    )


def _claim_beside(
    claim: Claim, recipe: Recipe, parts: prepare.Parts, outcome: TrainingResult, folder: RunFolder
) -> ClaimBesideRun:
    """Return a claim beside the number of this run, None if the run has none."""
    splits = parts.samples.dataset.splits
    score: MetricValue | int = outcome.metrics.get(claim.split, {}).get(claim.metric)
    if claim.metric == "parameters":
        score = sum(p.numel() for p in parts.train.model.parameters())
    elif claim.metric == "samples":
        score = len(splits[claim.split]) if claim.split in splits else None
    elif claim.kind == "difference":
        score = None  # needs a run of the other side as well
    elif claim.best_epoch_on_test:
        curve = recipe.evaluate.test == "every-epoch"
        score = best_epoch(folder, claim.split, claim.metric) if curve else None
    return ClaimBesideRun(
        metric=claim.metric,
        split=claim.split,
        kind=claim.kind,
        side=claim.judged_side,
        value=claim.number,
        printed=claim.printed,
        runs=claim.runs,
        best_epoch_on_test=claim.best_epoch_on_test,
        ours=score if isinstance(score, int | float) else None,
        not_judged=claim.not_judged,
    )


def best_epoch(folder: RunFolder, split: str, metric: str) -> float | None:
    """Return the best value of a metric over the evaluations of a split; None without any."""
    lines = (line for line in folder.lines() if isinstance(line, EvaluationLine))
    return best(metric, (line.metrics.get(metric) for line in lines if line.split == split))


def provenance_of(
    recipe: Recipe,
    parts: prepare.Parts,
    files: Traced,
    device: torch.device,
    start: StartRun | None,
) -> Provenance:
    """Return the provenance of a run that starts now."""
    started_from = None
    if start is not None and recipe.init_from is not None:
        digest = hashlib.sha256(start.weights).hexdigest()
        started_from = StartedFrom(run=recipe.init_from, weights_sha256=digest)
    return Provenance(
        recipe=recipe.name,
        seed=recipe.seed,
        recipe_hash=recipe_hash(recipe),
        training_hash=training_hash(recipe),
        data={
            name: SplitData(rows=len(split), fingerprint=split.fingerprint)
            for name, split in parts.samples.original.splits.items()
        },
        notes=tuple(parts.samples.original.notes),
        dependencies=files.dependencies,
        not_covered=files.not_covered,
        packages=files.packages,
        init_from=started_from,
        environment=environment(str(device), **machine(device)),
        started=utc_now(),
        state="running",
    )
