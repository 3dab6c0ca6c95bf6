"""One seed of a verification, trained in a worker process: its runs, and the scores claimed of."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from papertrial.errors import ClaimError, DivergedError
from papertrial.recipe.load import load_recipe
from papertrial.runs.run import Run
from papertrial.runs.run_documents import best_epoch
from papertrial.runs.train import training
from papertrial.store import run_folder
from papertrial.store.verification_folder import SEEDS, VERSUS
from papertrial.training.events import Evaluated, Started, Trained

_TRAINS = ("papertrial", "torch", "torchvision", "numpy")  # another version may give other bits


@dataclass(frozen=True)
class Wanted:
    """A score that a claim is about; `arm` is the other side of a difference, or None."""

    metric: str
    split: str
    best_epoch: bool = False
    arm: int | None = None


@dataclass(frozen=True)
class Task:
    """A seed to train: the verification's folder, and what is wanted of it."""

    folder: Path
    seed: int
    wanted: tuple[Wanted, ...]
    arms: int  # other sides of differences


@dataclass(frozen=True)
class Place:
    """Where a worker trains: as it is given to each of its seeds."""

    device: str
    threads: int
    data: str | None


@dataclass(frozen=True)
class At:
    """How far a seed is."""

    part: str
    done: int
    total: int | None
    text: str


def train_seed(task: Task, place: Place) -> Generator[At, None, dict[str, Any]]:
    """Train a seed, and the same seed of every other side; return what outcomes.jsonl keeps of it.

    Raises:
        DivergedError: the training diverged, or a claimed metric is no finite number.
        ClaimError: a claim is about a split or a metric that the recipe does not have.
        PapertrialError: whatever else is the user's to mend.
    """
    start = time.perf_counter()
    ours = yield from _train(task, place, None)
    theirs = []
    for arm in range(task.arms):
        theirs.append((yield from _train(task, place, arm)))
    scores = []
    for wanted in task.wanted:
        arms = [] if wanted.arm is None else [theirs[wanted.arm]]
        scores.append([score(run, wanted) for run in (ours, *arms)])
    kept = [run_folder.RunFolder(run.path).provenance for run in (ours, *theirs)]
    digest = hashlib.sha256()
    for run in (ours, *theirs):
        digest.update((run.path / run_folder.WEIGHTS).read_bytes())
    return {
        "scores": scores,
        "weights": digest.hexdigest(),
        "runs": [str(run.path.relative_to(task.folder)) for run in (ours, *theirs)],
        "seconds": time.perf_counter() - start,
        "data": [{split: part.fingerprint for split, part in one.data.items()} for one in kept],
        "versions": {name: kept[0].environment.versions[name] for name in _TRAINS},
    }


def score(run: Run, wanted: Wanted) -> float:
    """Return the number of a run that a claim is about.

    Raises:
        ClaimError: the run does not have it.
        DivergedError: it is no finite number.
    """
    metrics = run.metrics.get(wanted.split, {})
    if wanted.metric not in metrics:
        raise ClaimError(
            f"claims: {run.recipe.name} has no {wanted.metric} on {wanted.split}; it has "
            + "; ".join(f"{split}: {', '.join(values)}" for split, values in run.metrics.items())
        )
    value = metrics[wanted.metric]
    if wanted.best_epoch:
        value = best_epoch(run_folder.RunFolder(run.path), wanted.split, wanted.metric)
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise DivergedError(f"{wanted.split} {wanted.metric} is no finite number, but {value}")
    return float(value)


def _train(task: Task, place: Place, arm: int | None) -> Generator[At, None, Run]:
    """Train one side, in a folder of its own; one that a stop left half done is left as it is."""
    home = task.folder if arm is None else task.folder / VERSUS / str(arm)
    part = "" if arm is None else f"versus {arm + 1}"
    recipe = load_recipe(home / run_folder.RECIPE, [f"seed={task.seed}"])
    name = f"s{task.seed}" if arm is None else f"s{task.seed}-versus{arm + 1}"
    places = (
        task.folder / SEEDS / (name + tail) for tail in ("", *(f"-{i}" for i in range(2, 99)))
    )
    folder = next(path for path in places if not path.exists())
    events = training(
        recipe, folder=folder, data=place.data, device=place.device, threads=place.threads
    )
    steps: int | None = None
    while True:
        try:
            event = next(events)
        except StopIteration as end:
            run: Run = end.value
            return run
        if isinstance(event, Started):
            steps = event.steps
            _check_splits(task, event.rows, arm)
            yield At(part, 0, steps, "")
        elif isinstance(event, Trained):
            yield At(part, event.progress.step, steps, f"loss {event.progress.loss:.4g}")
        elif isinstance(event, Evaluated):
            continue
        else:
            yield At(part, event.done, event.total, event.what)


def _check_splits(task: Task, rows: Mapping[str, int], arm: int | None) -> None:
    for wanted in task.wanted:
        # The other side of a difference needs the splits of that difference alone.
        if arm in (None, wanted.arm) and wanted.split not in rows:
            raise ClaimError(
                f"claims: there is no {wanted.split} split to find {wanted.metric} on; the data "
                f"have {', '.join(rows)}; draw one with data.splits.{wanted.split}"
            )
