"""Train one seed of a verification in a worker process: its runs, and the claimed scores."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Generator, Mapping

from papertrial.claims.reach import Reach
from papertrial.errors import ClaimError, DivergedError
from papertrial.evaluate.metrics import best
from papertrial.progress import Returning
from papertrial.recipe.load import load_recipe, require_model
from papertrial.runs.run import Run
from papertrial.runs.train import training
from papertrial.store import run_folder
from papertrial.training.events import Evaluated, Started, Trained
from papertrial.verification.conditions import TRAINING_LIBRARIES
from papertrial.verification.registration import Wanted
from papertrial.verification.seed_task import SeedPosition, SeedTask, TrainedSeed, TrainingPlace
from papertrial.vocabulary import why_undefined


def train_seed(task: SeedTask, place: TrainingPlace) -> Generator[SeedPosition, None, TrainedSeed]:
    """Train a seed, and the same seed of every other side.

    Raises:
        DivergedError: the training diverged, or a claimed metric is not finite.
        ClaimError: a claim is about a split or a metric that the recipe does not have.
        PapertrialError: another error that the user can fix.
    """
    start = time.perf_counter()
    ours = yield from _train(task, place, None)
    theirs = []
    for arm in range(len(task.fixed) - 1):
        theirs.append((yield from _train(task, place, arm)))
    scores = []
    for wanted in task.wanted:
        arms = [] if wanted.arm is None else [theirs[wanted.arm]]
        scores.append(tuple(one for run in (ours, *arms) for one in claimed_scores(run, wanted)))
    kept = [run_folder.RunFolder(run.path).provenance for run in (ours, *theirs)]
    digest = hashlib.sha256()
    for run in (ours, *theirs):
        for model in run.models:
            digest.update((model.path / run_folder.WEIGHTS).read_bytes())
    return TrainedSeed(
        scores=tuple(scores),
        weights=digest.hexdigest(),
        seconds=time.perf_counter() - start,
        runs=tuple(str(run.path.relative_to(task.folder)) for run in (ours, *theirs)),
        data=tuple(
            {split: part.fingerprint for split, part in one.fixed_data.items()} for one in kept
        ),
        versions={name: kept[0].environment.versions[name] for name in TRAINING_LIBRARIES},
        packages={name: version for one in kept for name, version in one.packages.items()},
        reads={
            read.path: read.sha256 for one in kept for read in one.dependencies if not read.hashed
        },
    )


def claimed_scores(run: Run, wanted: Wanted) -> tuple[float, ...]:
    """Return the scores of a trained seed that a claim is about, from its run.

    This is one score, or for a curve the score at each registered point.

    Raises:
        ClaimError: the run did not compute a score.
        DivergedError: a score is not a finite number.
    """
    metrics = run.metrics.get(wanted.split, {})
    if wanted.metric not in metrics:
        raise ClaimError(
            f"claims: {run.recipe.name} has no {wanted.metric} on {wanted.split}; it has "
            + "; ".join(f"{split}: {', '.join(values)}" for split, values in run.metrics.items())
        )
    folder, name = run_folder.RunFolder(run.path), f"{wanted.split} {wanted.metric}"
    if wanted.reach is not None:
        return _curve(folder, name, wanted, wanted.reach)
    value = metrics[wanted.metric]
    if value is None:
        raise DivergedError(f"{name} is undefined: {why_undefined(wanted.metric)}")
    if wanted.best_epoch:
        value = best(wanted.facts, folder.evaluations(wanted.split, wanted.metric))
    return (_finite(value, name),)


def _curve(
    folder: run_folder.RunFolder, name: str, wanted: Wanted, reach: Reach
) -> tuple[float, ...]:
    found = folder.curve(wanted.split, wanted.metric, reach.unit)
    absent = [reach.at(point) for point in reach.points if point not in found]
    if absent:
        raise ClaimError(f"claims: {folder.path} has no {name} at {', '.join(absent)}")
    return tuple(_finite(found[point], f"{name} at {reach.at(point)}") for point in reach.points)


def _finite(value: object, name: str) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise DivergedError(f"{name} is not a finite number: {value}")
    return float(value)


def _train(
    task: SeedTask, place: TrainingPlace, arm: int | None
) -> Generator[SeedPosition, None, Run]:
    """Train a seed of one side in a new folder; leave a run of an earlier attempt as it is."""
    home = task.home(arm)
    part = "" if arm is None else f"versus {arm + 1}"
    recipe = require_model(load_recipe(home / run_folder.RECIPE, [f"seed={task.seed}"]))
    task.fixed[0 if arm is None else arm + 1].check(home / run_folder.RECIPE, recipe)
    folder = next(path for path in task.folders(arm) if not path.exists())
    training_of_seed = training(
        recipe, folder=folder, data=place.data, device=place.device, threads=place.threads
    )
    steps, side = None, part
    with Returning(training_of_seed) as events:
        for event in events:
            if isinstance(event, Started):
                steps = event.steps
                fold = f"fold {event.fold + 1} of {event.folds}" if event.folds else ""
                part = ", ".join(filter(None, (side, fold)))
                _check_splits(task, event.rows, arm)
                yield SeedPosition(part, 0, steps, "")
            elif isinstance(event, Trained):
                yield SeedPosition(
                    part, event.progress.step, steps, f"loss {event.progress.loss:.4g}"
                )
            elif not isinstance(event, Evaluated):
                yield SeedPosition(part, event.done, event.total, event.what)
    return events.value


def _check_splits(task: SeedTask, rows: Mapping[str, int], arm: int | None) -> None:
    """Check that the data of a seed's training have every split that a claim is about."""
    for wanted in task.wanted:
        # The other side of a difference needs the splits of that difference alone.
        if arm in (None, wanted.arm) and wanted.split not in rows:
            raise ClaimError(
                f"claims: there is no {wanted.split} split to compute {wanted.metric} on; the data "
                f"have {', '.join(rows)}; create one with data.splits.{wanted.split}"
            )
