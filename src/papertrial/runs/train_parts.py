"""Train the prepared parts of a recipe, and store checkpoints and results in the run folder."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path

from papertrial.errors import TrainingStopped
from papertrial.evaluate.preprocessing import Preprocessing
from papertrial.evaluate.stored_predictions import predictions_to_bytes
from papertrial.evaluate.training_statistics import TrainingStatistics
from papertrial.numbers import percent
from papertrial.progress import Returning
from papertrial.recipe.schema import Recipe
from papertrial.runs import prepare
from papertrial.runs.fitted_model import network_of
from papertrial.runs.make_records import make_line
from papertrial.runs.resume import Resumption
from papertrial.runs.stop_request import stop_requests
from papertrial.store import run_folder
from papertrial.store.checkpoints import write_checkpoint
from papertrial.store.run_folder import RunFolder
from papertrial.training.checkpoint import state_to_bytes, weights_to_bytes
from papertrial.training.checkpoint_times import CheckpointTimes
from papertrial.training.events import Evaluated, Event, Rested, Started, Trained
from papertrial.training.session import session
from papertrial.training.session_state import SessionState, TrainingResult


def train_parts(
    recipe: Recipe, parts: prepare.Parts, folder: RunFolder, left: Resumption | None
) -> Generator[Event, None, TrainingResult]:
    """Train from the beginning, or from what a stopped training left, and store the results."""
    whole, times = (
        SessionState(parts.train, parts.choice, parts.stopping, parts.mean),
        CheckpointTimes(),
    )
    if left is not None:
        left.rewind()
        if left.state is not None:
            whole.load_state_dict(left.state)
    yield _started(parts, folder.path, left)
    with (
        stop_requests(times) as asked,
        Returning(train_session(recipe, parts, whole, times)) as events,
    ):
        for event in events:
            if isinstance(event, Rested):
                began = time.perf_counter()
                write_checkpoint(folder, event.step, state_to_bytes(whole.state_dict()))
                times.stored(time.perf_counter() - began)
                if asked.signal is not None:
                    raise TrainingStopped(str(folder.path), event.step, asked.signal)
            else:
                folder.append_record(run_folder.RECORDS, make_line(event))
                yield event
    outcome = events.value
    if outcome.state is not None:
        folder.write(run_folder.STATE, state_to_bytes(outcome.state))
    for split, kept in outcome.outputs.items():
        name = f"{run_folder.PREDICTIONS}/{split}.safetensors"
        rows = parts.samples.dataset.splits[split]
        folder.write(name, predictions_to_bytes(kept, rows))
    folder.write(run_folder.WEIGHTS, weights_to_bytes(parts.train.evaluated))
    if parts.train.objective is not None and parts.train.objective_trains:
        folder.write(run_folder.OBJECTIVE, weights_to_bytes(parts.train.objective))
    network = network_of(recipe, parts.train.model)
    if network is not None:
        folder.write_record(run_folder.NETWORK, network)
    samples = parts.samples
    preprocessing = Preprocessing.of(recipe.task, samples.task, samples.inputs, samples.state)
    folder.write_record(run_folder.PREPROCESS, preprocessing)
    resized = recipe.data.image is not None and recipe.data.image.size is not None
    seen = TrainingStatistics.of(samples.original, resized=resized)
    if seen is not None:
        folder.write_record(run_folder.STATISTICS, seen)
    return outcome


def train_session(
    recipe: Recipe, parts: prepare.Parts, whole: SessionState, times: CheckpointTimes
) -> Generator[Trained | Evaluated | Rested, None, TrainingResult]:
    """Train the prepared parts of a recipe, yielding events; the result is the return value."""
    return session(
        whole,
        parts.samples.batches,
        parts.objective,
        parts.evaluator,
        seed=recipe.seed,
        steps=parts.steps,
        clip_norm=recipe.clip_norm,
        log_every=recipe.log_every,
        evaluations=parts.evaluations,
        checkpoints=times,
    )


def _started(parts: prepare.Parts, path: Path, left: Resumption | None) -> Started:
    samples = parts.samples
    notes = [*(note.text for note in samples.original.notes), *samples.task.notes]
    if left is not None:
        notes += [*left.damaged, f"continues after {left.step:,} of {parts.steps:,} steps"]
    words = parts.start.vocabulary
    if words is not None and words.coverage is not None:
        notes.append(f"{words.vectors} has {percent(words.coverage)} of {words.words:,} words")
    notes += parts.start.lines
    return Started(
        path,
        str(samples.batches.device),
        sum(p.numel() for p in parts.train.model.parameters()),
        {name: len(split) for name, split in samples.dataset.splits.items()},
        -(-parts.steps // samples.batches.steps),
        parts.steps,
        tuple(notes),
    )
