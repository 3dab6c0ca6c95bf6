"""Make the records of a run: its summary, its provenance and the lines of metrics.jsonl."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from papertrial.evaluate.metrics import best
from papertrial.reading_note import ReadingNote
from papertrial.recipe.claims import Claim
from papertrial.recipe.digest import recipe_hash, training_hash
from papertrial.recipe.schema import Recipe
from papertrial.runs import prepare
from papertrial.runs.prepare import Start
from papertrial.runs.traced_files import TracedFiles
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
from papertrial.training.session_state import TrainingResult
from papertrial.vocabulary import MetricValue


def make_line(event: Trained | Evaluated) -> StepLine | EvaluationLine:
    """Make the record that metrics.jsonl stores of a training event."""
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


def make_summary(
    recipe: Recipe,
    parts: prepare.Parts,
    outcome: TrainingResult,
    seconds: Seconds,
    folder: RunFolder,
) -> RunSummary:
    """Make the record of a training's final results; its metrics.jsonl is in `folder`."""
    per_epoch = parts.samples.batches.steps
    return RunSummary(
        recipe=recipe.name,
        seed=recipe.seed,
        device=str(parts.samples.batches.device),
        classes=parts.samples.task.class_names,
        metrics=outcome.metrics,
        report=ReportedStep(
            rule=recipe.report_rule,
            step=outcome.step,
            epoch=-(-outcome.step // per_epoch),
            last_step=outcome.last_step,
            last_epoch=-(-outcome.last_step // per_epoch),
            last_metrics=outcome.last,
            planned_steps=parts.steps,
            test_evaluations=outcome.test_evaluations,
            optimistic=recipe.report == "best-on-test",
            evaluations=recipe.mean_of_last or 1,
            skipped_steps=outcome.skipped_steps,
            metric=None if parts.choice is None else parts.choice.metric.name,
        ),
        claims=tuple(
            make_claim_beside_run(claim, _score(claim, recipe, parts, outcome, folder))
            for claim in recipe.claims
        ),
        vocabulary=parts.start.vocabulary,
        epoch_seconds=tuple(outcome.epoch_seconds.values()),
        seconds=seconds,
    )


def _score(
    claim: Claim, recipe: Recipe, parts: prepare.Parts, outcome: TrainingResult, folder: RunFolder
) -> MetricValue | int:
    """Return the number of this run that a claim is about; None if absent."""
    splits = parts.samples.dataset.splits
    score: MetricValue | int = outcome.metrics.get(claim.split, {}).get(claim.metric)
    if claim.metric == "parameters":
        score = sum(p.numel() for p in parts.train.model.parameters())
    elif claim.metric == "samples":
        score = len(splits[claim.split]) if claim.split in splits else None
    elif claim.kind == "difference":
        score = None  # needs a run of the other side as well
    elif claim.by is not None:
        curve = folder.curve(claim.split, claim.metric, claim.by.unit)
        score = curve.get(claim.by.point)
    elif claim.best_epoch_on_test:
        every = recipe.evaluate.test == "every-epoch"
        values = folder.evaluations(claim.split, claim.metric)
        score = best(claim.facts, values) if every else None
    return score


def make_claim_beside_run(claim: Claim, score: MetricValue | int) -> ClaimBesideRun:
    """Make the record of a claim beside the number of a run, which is None if absent."""
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


def make_provenance(
    recipe: Recipe,
    data: Mapping[str, SplitData],
    files: TracedFiles,
    device: torch.device,
    start: Start | None = None,
    *,
    notes: Sequence[ReadingNote] = (),
    drawn_from: Mapping[str, SplitData] | None = None,
) -> Provenance:
    """Make the record of the provenance of a run that starts now.

    Args:
        recipe: of the run.
        data: its splits, or with folds the parts before they are cut.
        files: what it depends on.
        device: of the training.
        start: what is known of the weights that it starts from; None for a run with folds.
        notes: what reading the data left out or changed.
        drawn_from: the parts before splits are cut, if these follow the training seed.
    """
    start = start or Start()
    started = {one.key: one for one in start.weights}.get("init_from")
    from_there = None
    if started is not None:
        from_there = StartedFrom(run=started.source, weights_sha256=started.sha256)
    return Provenance(
        recipe=recipe.name,
        seed=recipe.seed,
        recipe_hash=recipe_hash(recipe),
        training_hash=training_hash(recipe),
        data=dict(data),
        drawn_from=None if drawn_from is None else dict(drawn_from),
        notes=tuple(notes),
        dependencies=files.dependencies,
        not_covered=files.not_covered,
        packages=files.packages,
        init_from=from_there,
        initial_weights=start.weights,
        frozen=None if start.frozen is None else start.frozen.text,
        environment=environment(str(device), **machine(device)),
        started=utc_now(),
        state="running",
    )
