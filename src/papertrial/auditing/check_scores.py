"""Compute the scores again from the stored predictions, and compare with the recorded ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import torch

from papertrial.auditing.compare_json import EXACT, Tolerance, alike
from papertrial.auditing.finding import Finding, findings_of, shortened
from papertrial.auditing.recorded import Recorded
from papertrial.auditing.seed_run import UNREADABLE, SeedRun, why_unreadable
from papertrial.claims.reach import Reach
from papertrial.errors import DivergedError, PapertrialError
from papertrial.evaluate.evaluator import stream_of
from papertrial.evaluate.metrics import compute
from papertrial.progress import Step
from papertrial.report.run_results import read_predictions, task_of
from papertrial.runs.build import build_loss, build_metrics, to_device
from papertrial.runs.compare_environments import environment_differences, environment_here
from papertrial.runs.fold_results import mean_metrics
from papertrial.runs.run import Run
from papertrial.runs.trained_classes import classes_of_run
from papertrial.store.run_folder import METRICS, PREDICTIONS, RECORDS, RunFolder
from papertrial.store.run_records import EvaluationLine
from papertrial.store.verification_folder import OUTCOMES
from papertrial.training.mean_of_last import MeanOfLast
from papertrial.verification.registration import Wanted
from papertrial.verification.seed import claimed_scores
from papertrial.vocabulary import Metrics, MetricValue, SplitMetrics

# Relative. The same libraries on the same machine give the same sums; elsewhere a float32 loss is
# summed in another order. Counts must be the same everywhere.
_SAME, _ELSEWHERE = 1e-9, 1e-5
_COUNTED = re.compile(r"accuracy|top\d+_accuracy|confusion_matrix")


def check_scores(
    recorded: Recorded, sides: list[SeedRun], device: torch.device
) -> Iterator[Step | Finding]:
    """Compute every score again from the stored predictions, and compare with the recorded ones."""
    messages, count, now, near = list[str](), 0, environment_here(device), 0.0
    for done, side in enumerate(sides):
        yield Step("computing the scores again", done, len(sides), "runs")
        limit = _ELSEWHERE if environment_differences(side.provenance.environment, now) else _SAME
        near = max(near, limit)
        try:
            models = [(model, _scores_again(model.run, device)) for model in side.models]
            again = mean_metrics([scores for _, scores in models])
            reports = [(model, _reported_again(model.run, scores)) for model, scores in models]
            reported = mean_metrics([scores for _, scores in reports])
            messages += (
                f"{side}, {text}"
                for text in _claimed_scores(recorded, side, again, reported, limit)
            )
            for model, scores in reports:
                found = _other_scores(recorded, model, scores, limit)
                messages += (f"{model}, {text}" for text in found)
        except UNREADABLE as error:
            messages.append(
                f"{side}: its metrics cannot be computed again: {why_unreadable(error)}"
            )
            continue
        count += sum(len(metrics) for _, scores in models for metrics in scores.values())
    agrees = (
        f"{count} metrics of {len(sides)} runs, computed again from the stored predictions, are "
        f"those of {METRICS} and {OUTCOMES} (counts to the last bit, others to {near:g} relative)"
    )
    yield from findings_of("scores", messages, agrees)


def _scores_again(run: Run, device: torch.device) -> SplitMetrics:
    """Compute the scores of a run again, by split, from its stored outputs and targets.

    Raises:
        PapertrialError: predictions are absent or damaged.
    """
    task = task_of(run)
    loss = to_device(build_loss(run.recipe, classes_of_run(run)), device)
    again = {}
    for split, metrics in run.metrics.items():
        kept = read_predictions(run, split)
        again[split] = compute(
            list(metrics),
            task,
            kept.output,
            kept.target,
            loss,
            device,
            stream=stream_of(run.recipe.seed, split),
            own=build_metrics(run.recipe),
            losses=kept.losses,
        )
    return again


def _reported_again(run: Run, again: SplitMetrics) -> SplitMetrics:
    """Return the scores that a run reports, given those of its last evaluation.

    With `report: {mean-of-last: N}` they are means with the earlier evaluations in metrics.jsonl.
    """
    count = run.recipe.mean_of_last
    if count is None:
        return again
    mean = MeanOfLast(count)
    for line in RunFolder(run.path).lines():
        if isinstance(line, EvaluationLine):
            mean.add(line.split, line.step, line.metrics)
    for split, metrics in again.items():
        mean.add(split, run.summary.report.last_step, metrics)
    return {split: mean.mean(split) for split in again}


def _claimed_scores(
    recorded: Recorded,
    side: SeedRun,
    again: SplitMetrics,
    reported: SplitMetrics,
    limit: float,
) -> Iterator[str]:
    """Compare each score of a run that a claim is about in the three files that have it.

    `again` has the scores of its last evaluation, `reported` those that it reports.
    """
    for wanted, scores in zip(recorded.wanted, recorded.finished[side.seed].scores, strict=True):
        arm = None if wanted.arm is None else wanted.arm + 1
        if side.arm not in (0, arm):
            continue
        if wanted.reach is not None:
            yield from _claimed_curve(side, wanted, wanted.reach, scores, again, limit)
            continue
        name, metric, split = f"{wanted.split} {wanted.metric}", wanted.metric, wanted.split
        found: dict[str, MetricValue] = {OUTCOMES: scores[1 if side.arm else 0]}
        try:
            found[RECORDS if wanted.best_epoch else METRICS] = claimed_scores(side.run, wanted)[0]
        except (DivergedError, PapertrialError) as error:
            yield f"{name}: {why_unreadable(error)}"
            continue
        if not wanted.best_epoch:
            found[f"{PREDICTIONS}/{split}.safetensors"] = reported[split][metric]
        best = " of the best epoch" if wanted.best_epoch else ""
        yield from _unlike_scores(f"{name}{best}", metric, found, limit)


def _claimed_curve(
    side: SeedRun,
    wanted: Wanted,
    reach: Reach,
    scores: Sequence[float],
    again: SplitMetrics,
    limit: float,
) -> Iterator[str]:
    """Compare the scores of a curve with the stored history; the last one with the predictions.

    Predictions are those of the reported step, which is the last one if `report` is `last`.
    """
    name, metric, split = f"{wanted.split} {wanted.metric}", wanted.metric, wanted.split
    try:
        history = claimed_scores(side.run, wanted)
    except (DivergedError, PapertrialError) as error:
        yield f"{name}: {why_unreadable(error)}"
        return
    is_last = side.run.summary.report.step == side.run.summary.report.last_step
    for point, score, stored in zip(reach.points, scores, history, strict=True):
        found: dict[str, MetricValue] = {OUTCOMES: score, RECORDS: stored}
        if is_last and point == reach.points[-1]:
            found[f"{PREDICTIONS}/{split}.safetensors"] = again[split][metric]
        yield from _unlike_scores(f"{name} at {reach.at(point)}", metric, found, limit)


def _unlike_scores(
    name: str, metric: str, found: Mapping[str, MetricValue], limit: float
) -> Iterator[str]:
    """Say which of the places that have a score disagree about it."""
    values = list(found.values())
    agree = [
        [_near_score(metric, one, other, limit) for other in values].count(True) for one in values
    ]
    if min(agree) == len(values):
        return
    listed = ", ".join(f"{value} in {place}" for place, value in found.items())
    alone = [place for place, n in zip(found, agree, strict=True) if n == 1]
    changed = f"; {alone[0]} alone differs" if len(alone) == 1 else ""
    yield f"{name}: {listed}{changed}"


def _other_scores(
    recorded: Recorded, side: SeedRun, reported: SplitMetrics, limit: float
) -> Iterator[str]:
    """Compare the scores without a claim, and the last scores of each split in metrics.jsonl."""
    claimed = {
        (one.split, one.metric)
        for one in recorded.wanted
        if not one.best_epoch and one.reach is None and side.fold is None
    }
    last: dict[str, Metrics] = {}
    for line in RunFolder(side.run.path).lines():
        if isinstance(line, EvaluationLine):
            last[line.split] = line.metrics
    for split, metrics in side.run.metrics.items():
        for name, value in metrics.items():
            now = reported[split][name]
            if (split, name) not in claimed and not _near_score(name, value, now, limit):
                had, place = (
                    f"{shortened(value)} in {METRICS}",
                    f"{PREDICTIONS}/{split}.safetensors",
                )
                yield f"{split} {name}: {had}, {shortened(now)} from {place}"
        known = _last_metrics(side.run, split)
        if last.get(split) != known:
            yield f"{split}: the last evaluation in {RECORDS} is not what {METRICS} has"


def _last_metrics(run: Run, split: str) -> Metrics | None:
    """Return what metrics.json has of the evaluation that metrics.jsonl has last."""
    report = run.summary.report
    if report.rule == "mean-of-last":
        return (report.last_metrics or {}).get(split)
    return run.metrics[split]


def _near_score(name: str, one: MetricValue, other: MetricValue, limit: float) -> bool:
    """Tell whether a score computed again agrees with the recorded one; counts must be equal."""
    near = EXACT if _COUNTED.fullmatch(name) else Tolerance(limit, limit * 1e-3)
    return alike(one, other, near)
