"""Train a recipe into a run folder, with everything needed to reproduce the result."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from papertrial.data.files.data_folder import data_folder
from papertrial.data.sources.spec import LoadedSet
from papertrial.evaluate.preprocessing import Preprocessing
from papertrial.evaluate.stored_predictions import predictions_to_bytes
from papertrial.evaluate.training_statistics import TrainingStatistics
from papertrial.numbers import percent
from papertrial.progress import Returning, finish
from papertrial.recipe.digest import training_hash
from papertrial.recipe.load import require_model
from papertrial.recipe.portable import Portable, portable
from papertrial.recipe.reads import Read, watched
from papertrial.recipe.schema import AnyRecipe, Recipe
from papertrial.runs import prepare
from papertrial.runs.fitted_model import network_of
from papertrial.runs.fold_recipes import fold_recipes
from papertrial.runs.fold_results import make_fold_summary, out_of_fold, with_files_of_folds
from papertrial.runs.init_from import read_start_run
from papertrial.runs.load_data import data_of_runs, load_whole, split_data
from papertrial.runs.make_records import make_line, make_provenance, make_summary
from papertrial.runs.named_network import trace_pretrained
from papertrial.runs.run import Run, load_run
from papertrial.runs.traced_files import (
    check_unchanged,
    stored_elsewhere,
    trace_files,
    trace_hub,
    trace_vectors,
)
from papertrial.store import run_folder
from papertrial.store.provenance import utc_now
from papertrial.store.run_records import Provenance, Seconds
from papertrial.training.checkpoint import state_to_bytes, weights_to_bytes
from papertrial.training.device import on_device
from papertrial.training.events import Evaluated, Event, Started, Trained
from papertrial.training.session import TrainingResult, session

_SAVE_EVERY = 30.0  # seconds between two writings of the state to resume from


def train(
    recipe: AnyRecipe,
    *,
    runs: str | Path = "runs",
    data: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Run:
    """Train a recipe into a new run folder, with everything needed to reproduce the result.

    Args:
        recipe: a recipe with a model.
        runs: the folder for new run folders.
        data: the data folder; None for $PAPERTRIAL_DATA, else the platform's cache folder.
        device: "auto", "cpu", "mps", "cuda" or "cuda:N".
        threads: intra-op threads; None for torch's choice. The same recipe with the same number
            of threads on the same machine gives the same weights, bit for bit.

    Raises:
        PapertrialError: the recipe, the data or the machine has a fault, reported before the
            training if possible.
    """
    return finish(
        training(require_model(recipe), runs=runs, data=data, device=device, threads=threads)
    )


def training(
    recipe: Recipe,
    *,
    runs: str | Path = "runs",
    data: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    folder: Path | None = None,
) -> Generator[Event, None, Run]:
    """Do what `train` does, yielding events; the run is the return value.

    The run is stored in `folder`, which must not exist, instead of a new folder under `runs`.
    """
    train_all = _training_folds if recipe.data.splits.count else _training_model
    return (
        yield from train_all(
            recipe, runs=Path(runs), data=data, device=device, threads=threads, folder=folder
        )
    )


@dataclass(frozen=True)
class _Whole:
    """A set that is loaded once for all folds, and the files that were read for it."""

    loaded: LoadedSet
    reads: tuple[Read, ...]


def _training_model(
    recipe: Recipe,
    *,
    runs: Path,
    data: str | Path | None,
    device: str,
    threads: int | None,
    folder: Path | None,
    whole: _Whole | None = None,
) -> Generator[Event, None, Run]:
    """Train the model of a recipe without folds, or of one fold."""
    start = time.perf_counter()
    with on_device(device, threads) as on:
        run_folder.check_writable(runs if folder is None else folder.parent)
        start_run, reads = read_start_run(recipe), list(whole.reads if whole else ())
        copies, digest = portable(recipe, run_folder.CODE), training_hash(recipe)
        home = data_folder(data)
        aside = stored_elsewhere(recipe, home)
        preparing = prepare.prepare(recipe, home, on, start_run, whole.loaded if whole else None)
        parts = yield from watched(preparing, reads, aside)
        check_unchanged(recipe, copies.dependencies, "the run began")
        prepared = time.perf_counter()
        stored = (
            run_folder.RunFolder.create(runs, recipe.name, digest, recipe.seed)
            if folder is None
            else run_folder.RunFolder.at(folder)
        )
        others = [*trace_vectors(recipe, home), *trace_pretrained(recipe), *trace_hub(recipe)]
        files = trace_files(copies, reads, aside, others)
        samples = parts.samples
        record = make_provenance(
            recipe,
            split_data(samples.original),
            files,
            on,
            parts.start,
            notes=samples.original.notes,
            drawn_from=samples.drawn_from,
        )
        with _recorded(stored, record, copies):
            outcome = yield from _train(recipe, parts, stored)
            seconds = Seconds(
                data=prepared - start,
                train=sum(outcome.epoch_seconds.values()),
                evaluate=outcome.evaluate_seconds,
                total=time.perf_counter() - start,
            )
            summary = make_summary(recipe, parts, outcome, seconds, stored)
            stored.write_record(run_folder.METRICS, summary)
        finished = record.model_copy(update={"state": "finished", "ended": utc_now()})
        stored.write_record(run_folder.PROVENANCE, finished)
    return load_run(stored.path, device=device)  # with the copies of the recipe's files


@contextlib.contextmanager
def _recorded(stored: run_folder.RunFolder, record: Provenance, copies: Portable) -> Iterator[None]:
    """Write what a run starts from, and record how the block ends if it raises."""
    stored.write_record(run_folder.PROVENANCE, record)
    try:
        for name, content in copies.files.items():
            stored.write(name, content)
        stored.write(run_folder.RECIPE, copies.text)
        yield
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt | GeneratorExit)
        ended = {"state": "interrupted" if stopped else "failed", "error": str(error)}
        stored.write_record(
            run_folder.PROVENANCE, record.model_copy(update={**ended, "ended": utc_now()})
        )
        raise


def _training_folds(
    recipe: Recipe,
    *,
    runs: Path,
    data: str | Path | None,
    device: str,
    threads: int | None,
    folder: Path | None,
) -> Generator[Event, None, Run]:
    """Train a model for each fold of a recipe, one after another; the run has their means."""
    start, home, reads = time.perf_counter(), data_folder(data), list[Read]()
    with on_device(device, threads) as on:
        run_folder.check_writable(runs if folder is None else folder.parent)
        copies, digest = portable(recipe, run_folder.CODE), training_hash(recipe)
        start_run = read_start_run(recipe)
        aside = stored_elsewhere(recipe, home)
        loaded = yield from watched(load_whole(recipe, home, start_run), reads, aside)
        parts = data_of_runs(recipe, loaded.dataset)
        files = trace_files(copies, reads, aside)
        record = make_provenance(recipe, parts, files, on)
    whole = _Whole(loaded._replace(table=None), tuple(reads))
    stored = (
        run_folder.RunFolder.create(runs, recipe.name, digest, recipe.seed)
        if folder is None
        else run_folder.RunFolder.at(folder)
    )
    count, parameters = recipe.data.splits.count, 0
    with _recorded(stored, record, copies):
        folds = []
        for number, one in enumerate(fold_recipes(recipe)):
            place = stored.path / run_folder.fold_name(number)
            check_unchanged(recipe, copies.dependencies, "the run began")
            events = _training_model(
                one, runs=runs, data=data, device=device, threads=threads, folder=place, whole=whole
            )
            with Returning(events) as trained:
                for event in trained:
                    if isinstance(event, Started):
                        parameters = event.parameters
                        event = replace(event, fold=number, folds=count)  # noqa: PLW2901
                    yield event
            folds.append(trained.value)
        each = recipe.data.splits.folds or count
        stored.write(run_folder.TESTED, out_of_fold(folds, each))
        seconds = time.perf_counter() - start
        summary = make_fold_summary(recipe, folds, parameters, seconds)
        stored.write_record(run_folder.METRICS, summary)
    finished = with_files_of_folds(record, folds)
    ended = {"state": "finished", "ended": utc_now()}
    stored.write_record(run_folder.PROVENANCE, finished.model_copy(update=ended))
    return load_run(stored.path, device=device)


def _train(
    recipe: Recipe, parts: prepare.Parts, folder: run_folder.RunFolder
) -> Generator[Event, None, TrainingResult]:
    yield _started(parts, folder.path)
    saved = time.perf_counter()
    with Returning(_train_parts(recipe, parts)) as events:
        for event in events:
            folder.append_record(run_folder.RECORDS, make_line(event))
            yield event
            if isinstance(event, Trained) and time.perf_counter() - saved > _SAVE_EVERY:
                saved = time.perf_counter()
                folder.write(run_folder.STATE, state_to_bytes(parts.train.state_dict()))
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


def _train_parts(
    recipe: Recipe, parts: prepare.Parts
) -> Generator[Trained | Evaluated, None, TrainingResult]:
    """Train the prepared parts of a recipe, yielding events; the result is the return value."""
    return session(
        parts.train,
        parts.samples.batches,
        parts.objective,
        parts.evaluator,
        seed=recipe.seed,
        steps=parts.steps,
        clip_norm=recipe.clip_norm,
        log_every=recipe.log_every,
        evaluations=parts.evaluations,
        choice=parts.choice,
        stopping=parts.stopping,
        mean=parts.mean,
    )


def _started(parts: prepare.Parts, path: Path) -> Started:
    samples = parts.samples
    notes = [*(note.text for note in samples.original.notes), *samples.task.notes]
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
