"""What a run keeps of itself: its summary and its provenance, as records."""

from __future__ import annotations

import hashlib

import torch

from papertrial.recipe.claims import Claim
from papertrial.recipe.digest import recipe_hash, training_hash
from papertrial.recipe.schema import Recipe
from papertrial.runs import prepare
from papertrial.store.provenance import environment, utc_now
from papertrial.store.run_records import (
    ClaimBesideRun,
    EvaluationLine,
    Metrics,
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
from papertrial.training.session import Outcome


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
    recipe: Recipe, parts: prepare.Parts, outcome: Outcome, seconds: Seconds
) -> RunSummary:
    """Return the final results of a training."""
    per_epoch = parts.samples.batches.steps
    rows = {name: len(split) for name, split in parts.samples.dataset.splits.items()}
    parameters = sum(p.numel() for p in parts.train.model.parameters())
    return RunSummary(
        recipe=recipe.name,
        seed=recipe.seed,
        device=str(parts.samples.batches.device),
        classes=tuple(parts.samples.task.state().get("classes", ())),
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
            _claim(claim, outcome.metrics.get(claim.split, {}), rows.get(claim.split), parameters)
            for claim in recipe.claims
        ),
        vocabulary=parts.vocabulary,
        epoch_seconds=tuple(outcome.epoch_seconds.values()),
        seconds=seconds,
    )


def _claim(claim: Claim, metrics: Metrics, rows: int | None, parameters: int) -> ClaimBesideRun:
    """Set a claim beside this run's number; one run is no verdict."""
    counts = {"parameters": parameters, "samples": rows}
    score = counts[claim.metric] if claim.metric in counts else metrics.get(claim.metric)
    return ClaimBesideRun(
        metric=claim.metric,
        split=claim.split,
        value=claim.number,
        printed=claim.printed,
        ours=score if isinstance(score, int | float) else None,
        not_judged=claim.not_judged,
    )


def provenance_of(
    recipe: Recipe, parts: prepare.Parts, device: torch.device, start: prepare.Start | None
) -> Provenance:
    """Return where a run that starts now comes from."""
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
        init_from=started_from,
        environment=environment(str(device), **machine(device)),
        started=utc_now(),
        state="running",
    )
