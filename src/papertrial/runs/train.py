"""Train a recipe into a run folder, with everything needed to reproduce the result."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from papertrial.data.files.data_folder import data_folder
from papertrial.data.sources.spec import LoadedSet
from papertrial.errors import RunError
from papertrial.progress import Returning, finish
from papertrial.recipe.digest import training_hash
from papertrial.recipe.load import require_model
from papertrial.recipe.portable import Portable, portable
from papertrial.recipe.reads import Read, watched
from papertrial.recipe.schema import AnyRecipe, Recipe
from papertrial.runs import prepare
from papertrial.runs.fold_recipes import fold_recipes
from papertrial.runs.fold_results import make_fold_summary, out_of_fold, with_files_of_folds
from papertrial.runs.init_from import read_start_run
from papertrial.runs.load_data import data_of_runs, load_whole, split_data
from papertrial.runs.make_records import make_provenance, make_summary
from papertrial.runs.named_network import trace_pretrained
from papertrial.runs.resume import Continue, Resumption, check_same_recipe, recipe_to_resume
from papertrial.runs.run import Run, load_run
from papertrial.runs.traced_files import (
    check_unchanged,
    stored_elsewhere,
    trace_files,
    trace_hub,
    trace_vectors,
)
from papertrial.runs.train_parts import train_parts
from papertrial.store import run_folder
from papertrial.store.checkpoints import remove_checkpoints
from papertrial.store.provenance import utc_now
from papertrial.store.run_folder import PROVENANCE, RunFolder
from papertrial.store.run_lock import writing_alone
from papertrial.store.run_records import Provenance, Seconds
from papertrial.training.device import on_device
from papertrial.training.events import Event, Started


def train(
    recipe: AnyRecipe | None = None,
    *,
    runs: str | Path = "runs",
    data: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    resume: str | Path | None = None,
    allow_different: bool = False,
) -> Run:
    """Train a recipe into a new run folder, with everything needed to reproduce the result.

    Ctrl-C, SIGTERM or SIGHUP stops the training after its step: its state is stored, and
    `TrainingStopped`, a KeyboardInterrupt, is raised. With `resume` a training continues, to the
    bits that it would have reached.

    Args:
        recipe: a recipe with a model; may be omitted with `resume`.
        runs: the folder for new run folders.
        data: the data folder; None for $PAPERTRIAL_DATA, else the platform's cache folder.
        device: "auto", "cpu", "mps", "cuda" or "cuda:N".
        threads: intra-op threads; None for torch's choice, or with `resume` for the number that the
            run was begun with. The same recipe with the same number of threads on the same machine
            gives the same weights, bit for bit.
        resume: the folder of a run that was stopped, to continue there.
        allow_different: resume in an environment that may give other bits, and mark the run.

    Raises:
        PapertrialError: the recipe, the data or the machine has a fault, reported before the
            training if possible; or the run to resume finished, is damaged, was begun with another
            recipe or in another environment, or its data have changed.
    """
    if resume is None:
        if recipe is None:
            raise RunError("name a recipe to train, or a run to resume")
        return finish(
            training(require_model(recipe), runs=runs, data=data, device=device, threads=threads)
        )
    path = Path(resume)
    if recipe is not None:
        check_same_recipe(require_model(recipe), path)
    return finish(
        resuming(path, data=data, device=device, threads=threads, allow_different=allow_different)
    )


def resuming(
    run: Path,
    *,
    data: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    allow_different: bool = False,
) -> Generator[Event, None, Run]:
    """Do what `train` does with `resume`, yielding events; the run is the return value."""
    recipe, folder = recipe_to_resume(run), RunFolder(run)
    # Before anything that the training continues from is read: another process could change it.
    with writing_alone(folder):
        there = folder.provenance.environment
        return (
            yield from training(
                recipe,
                data=data,
                device=there.device if device == "auto" else device,
                threads=threads or there.threads,
                folder=run,
                begun=Continue(allow_different),
            )
        )


def training(
    recipe: Recipe,
    *,
    runs: str | Path = "runs",
    data: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    folder: Path | None = None,
    begun: Continue | None = None,
) -> Generator[Event, None, Run]:
    """Do what `train` does, yielding events; the run is the return value.

    The run is stored in `folder`, which must not exist, instead of a new folder under `runs`. If it
    is `begun`, the folder exists, the caller holds its lock, and the training continues there.
    """
    train_all = _training_folds if recipe.data.splits.count else _training_model
    return (
        yield from train_all(
            recipe,
            runs=Path(runs),
            data=data,
            device=device,
            threads=threads,
            folder=folder,
            begun=begun,
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
    begun: Continue | None = None,
    whole: _Whole | None = None,
) -> Generator[Event, None, Run]:
    """Train the model of a recipe without folds, or of one fold."""
    start = time.perf_counter()
    with on_device(device, threads) as on:
        run_folder.check_writable(runs if folder is None else folder.parent)
        left, continued = _what_is_left(folder, begun, on)
        start_run, reads = read_start_run(recipe), list(whole.reads if whole else ())
        copies, digest = portable(recipe, run_folder.CODE), training_hash(recipe)
        home = data_folder(data)
        aside = stored_elsewhere(recipe, home)
        preparing = prepare.prepare(recipe, home, on, start_run, whole.loaded if whole else None)
        parts = yield from watched(preparing, reads, aside)
        check_unchanged(recipe, copies.dependencies, "the run began")
        prepared = time.perf_counter()
        stored = left.folder if left else _new_folder(recipe, runs, digest, folder)
        others = [*trace_vectors(recipe, home), *trace_pretrained(recipe), *trace_hub(recipe)]
        files = trace_files(copies, reads, aside, others)
        samples = parts.samples
        data_now = split_data(samples.original)
        record = continued or make_provenance(
            recipe,
            data_now,
            files,
            on,
            parts.start,
            notes=samples.original.notes,
            drawn_from=samples.drawn_from,
        )
        with _writing(stored, left), _recorded(stored, record, copies):
            if left is not None:
                left.check_data(data_now)
            outcome = yield from train_parts(recipe, parts, stored, left)
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
        remove_checkpoints(stored)
    return load_run(stored.path, device=device)  # with the copies of the recipe's files


def _what_is_left(
    folder: Path | None, begun: Continue | None, device: torch.device
) -> tuple[Resumption | None, Provenance | None]:
    """Return what a run that did not end left, and its provenance from now on."""
    if begun is None or folder is None:
        return None, None
    left = Resumption.of(RunFolder(folder))
    return left, left.continued(device, allow_different=begun.allow_different)


def _writing(stored: RunFolder, left: Resumption | None) -> contextlib.AbstractContextManager[None]:
    """Hold the lock of the folder of a new run; that of one that continues is held already."""
    return writing_alone(stored) if left is None else contextlib.nullcontext()


def _new_folder(recipe: Recipe, runs: Path, digest: str, folder: Path | None) -> RunFolder:
    if folder is None:
        return RunFolder.create(runs, recipe.name, digest, recipe.seed)
    return RunFolder.at(folder)


@contextlib.contextmanager
def _recorded(stored: RunFolder, record: Provenance, copies: Portable) -> Iterator[None]:
    """Write what a run starts from, and record how the block ends if it raises."""
    stored.write_record(run_folder.PROVENANCE, record)
    try:
        if not stored.has(run_folder.RECIPE):
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
    begun: Continue | None = None,
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
        left, continued = _what_is_left(folder, begun, on)
        if left is not None:
            left.check_data(parts)
        record = continued or make_provenance(recipe, parts, files, on)
    whole = _Whole(loaded._replace(table=None), tuple(reads))
    stored = left.folder if left else _new_folder(recipe, runs, digest, folder)
    count = recipe.data.splits.count
    with _writing(stored, left), _recorded(stored, record, copies):
        folds = []
        for number, one in enumerate(fold_recipes(recipe)):
            place = stored.path / run_folder.fold_name(number)
            check_unchanged(recipe, copies.dependencies, "the run began")
            there = RunFolder(place)
            if begun is not None and there.has(PROVENANCE):
                if there.provenance.state == "finished":
                    folds.append(load_run(place, device=device))
                    continue
            elif begun is not None:
                there.remove()  # it was stopped before anything was recorded
            events = _training_model(
                one,
                runs=runs,
                data=data,
                device=device,
                threads=threads,
                folder=place,
                begun=begun if there.has(PROVENANCE) else None,
                whole=whole,
            )
            with Returning(events) as trained:
                for event in trained:
                    if isinstance(event, Started):
                        event = replace(event, fold=number, folds=count)  # noqa: PLW2901
                    yield event
            folds.append(trained.value)
        each = recipe.data.splits.folds or count
        stored.write(run_folder.TESTED, out_of_fold(folds, each))
        seconds = time.perf_counter() - start
        summary = make_fold_summary(recipe, folds, seconds)
        stored.write_record(run_folder.METRICS, summary)
        finished = with_files_of_folds(record, folds)
        ended = {"state": "finished", "ended": utc_now()}
        stored.write_record(run_folder.PROVENANCE, finished.model_copy(update=ended))
    return load_run(stored.path, device=device)
