"""Runs: a recipe trained and kept with all that made its result, and opened again."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from papertrial import experiment
from papertrial.data import vectors
from papertrial.data.sources import data_folder
from papertrial.data.steps import finish
from papertrial.errors import RunError
from papertrial.evaluate.dry_run import dry_run
from papertrial.evaluate.inputs import inputs_from
from papertrial.evaluate.predictor import Answer, Predictor
from papertrial.evaluate.stored import predictions_to_bytes
from papertrial.recipe.content import content_of
from papertrial.recipe.dependency import Dependency
from papertrial.recipe.digest import recipe_hash, training_hash
from papertrial.recipe.load import load_recipe
from papertrial.recipe.portable import portable
from papertrial.recipe.reads import Read, watched
from papertrial.recipe.schema import Recipe
from papertrial.runs import store
from papertrial.runs.provenance import environment, utc_now
from papertrial.tasks import TASKS
from papertrial.tracing import check_there, check_unchanged, traced
from papertrial.training.checkpoint import load_weights, state_to_bytes, weights_to_bytes
from papertrial.training.device import machine, on_device
from papertrial.training.events import Evaluated, Event, Started, Trained
from papertrial.training.session import Outcome, session

_SAVE_EVERY = 30.0  # seconds between two writings of the state to resume from


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, its recipe, its results, and predictions from it."""

    path: Path
    recipe: Recipe
    summary: dict[str, Any] = field(repr=False)
    device: str = "auto"

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """The final metrics by split: metrics["test"]["accuracy"]."""
        metrics: dict[str, dict[str, Any]] = self.summary["metrics"]
        return metrics

    def predict(self, inputs: Any) -> list[Answer]:
        """Return an answer for each input; see `Predictor.predict` for what may be given."""
        with on_device(self.device, None):
            return self.predictor.predict(inputs)

    @cached_property
    def predictor(self) -> Predictor:
        """The trained model, with the preparation and the meaning it was trained with."""
        folder = store.RunFolder.open(self.path)
        check_there(folder.read_json(store.PROVENANCE), self.path)
        with on_device(self.device, None) as device:
            return _predictor(
                self.recipe,
                folder.read_json(store.PREPROCESS),
                folder.read(store.WEIGHTS),
                str(self.path / store.WEIGHTS),
                device,
            )


def load_run(path: str | Path, *, device: str = "auto") -> Run:
    """Open a finished run.

    Raises:
        RunError: the folder is no run, is damaged, or its run did not finish.
    """
    folder = store.RunFolder.open(Path(path))
    recipe = load_recipe(folder.path / store.RECIPE, check=False)
    summary = folder.read_json(store.METRICS)
    if not isinstance(summary, dict) or not {"metrics", "report", "classes"} <= set(summary):
        raise RunError(
            f"{folder.path / store.METRICS} is not what this version of papertrial writes; train "
            "the run again"
        )
    return Run(folder.path, recipe, summary, device)


def train(
    recipe: Recipe,
    *,
    runs: str | Path = "runs",
    data: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Run:
    """Train a recipe, evaluate it, and keep all that made the result in a new run folder.

    Args:
        recipe: what to do.
        runs: folder that run folders are made in.
        data: data folder; None for $PAPERTRIAL_DATA, else the platform's cache folder.
        device: "auto", "cpu", "mps", "cuda" or "cuda:N".
        threads: intra-op threads; None for torch's choice. The same recipe with the same number
            of threads on the same machine gives the same weights, bit for bit.

    Raises:
        PapertrialError: whatever is the user's to mend, before training where it can be told then.
    """
    return finish(training(recipe, runs=runs, data=data, device=device, threads=threads))


def training(
    recipe: Recipe,
    *,
    runs: str | Path = "runs",
    data: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    folder: Path | None = None,
) -> Generator[Event, None, Run]:
    """Do what `train` does, yielding what happens as it happens; the run is the return value.

    The run is kept in `folder`, which must not be there yet, in place of a new one under `runs`.
    """
    start = time.perf_counter()
    with on_device(device, threads) as where:
        store.check_writable(Path(runs) if folder is None else folder.parent)
        start_run, reads = start_from(recipe), list[Read]()
        copies, digest = portable(recipe, store.CODE), training_hash(recipe)
        home = data_folder(data)
        parts = yield from watched(experiment.prepare(recipe, home, where, start_run), reads)
        check_unchanged(recipe, copies.dependencies, "the run began")
        seconds = {"data": time.perf_counter() - start}
        kept = (
            store.RunFolder.create(Path(runs), recipe.name, digest, recipe.seed)
            if folder is None
            else store.RunFolder.at(folder)
        )
        record = _provenance(recipe, parts, where, start_run)
        record |= traced(copies, reads, _aside(recipe, home), _vectors(recipe, home))
        kept.write_json(store.PROVENANCE, {**record, "state": "running"})
        try:
            for name, content in copies.files.items():
                kept.write(name, content)
            kept.write(store.RECIPE, copies.text)
            outcome = yield from _train(recipe, parts, kept)
            seconds["train"] = sum(outcome.epoch_seconds.values())
            seconds["evaluate"] = outcome.evaluate_seconds
            seconds["total"] = time.perf_counter() - start
            kept.write_json(store.METRICS, _summary(recipe, parts, outcome, seconds))
        except BaseException as error:
            ended = isinstance(error, KeyboardInterrupt | GeneratorExit)
            state = "interrupted" if ended else "failed"
            kept.write_json(
                store.PROVENANCE,
                {**record, "state": state, "error": str(error), "ended": utc_now()},
            )
            raise
        kept.write_json(store.PROVENANCE, {**record, "state": "finished", "ended": utc_now()})
    return load_run(kept.path, device=device)  # which has the recipe's files as they were used


def _train(
    recipe: Recipe, parts: experiment.Parts, folder: store.RunFolder
) -> Generator[Event, None, Outcome]:
    yield _started(parts, folder.path)
    saved = time.perf_counter()
    with closing(_session(recipe, parts)) as events:
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                outcome: Outcome = end.value
                break
            folder.append(store.RECORDS, event.record())
            yield event
            if isinstance(event, Trained) and time.perf_counter() - saved > _SAVE_EVERY:
                saved = time.perf_counter()
                folder.write(store.STATE, state_to_bytes(parts.train.state_dict()))
    if outcome.state is not None:
        folder.write(store.STATE, state_to_bytes(outcome.state))
    for split, output in outcome.outputs.items():
        name = f"{store.PREDICTIONS}/{split}.safetensors"
        rows = parts.samples.dataset.splits[split]
        folder.write(name, predictions_to_bytes(output, rows))
    folder.write(store.WEIGHTS, weights_to_bytes(parts.train.model))
    folder.write_json(store.PREPROCESS, _described(recipe, parts))
    return outcome


def _session(
    recipe: Recipe, parts: experiment.Parts
) -> Generator[Trained | Evaluated, None, Outcome]:
    """Train and evaluate the parts as the recipe says."""
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
    )


def start_from(recipe: Recipe) -> experiment.Start | None:
    """Read the run that the recipe starts from, None where it starts from none."""
    if recipe.init_from is None:
        return None
    folder = store.RunFolder.open(Path(recipe.init_from))
    return experiment.Start(folder.read(store.WEIGHTS), folder.read_json(store.PREPROCESS))


def _vectors(recipe: Recipe, home: Path) -> list[Dependency]:
    """Return the word vectors that are known by a name: a file in the data folder."""
    wanted = recipe.data.text.vectors if recipe.data.text else None
    found = None if wanted is None or Path(wanted).is_absolute() else vectors.find(wanted, home)
    if wanted is None or found is None:
        return []
    path, content = found[0], content_of(found[0])
    about = (str(path), content.bytes, content.sha256)
    return [Dependency("vectors", wanted, *about, copied=False, hashed=False)]


def _aside(recipe: Recipe, home: Path) -> list[Path]:
    """Return where data and the start run are, whose content is kept in other ways."""
    named = (recipe.data.path, recipe.init_from)
    return [home, *(Path(path) for path in named if path is not None)]


def _started(parts: experiment.Parts, path: Path) -> Started:
    samples, notes = parts.samples, list(parts.samples.original.notes)
    words = parts.facts.get("vocabulary", {})
    if "coverage" in words:
        notes.append(f"{words['vectors']} has {words['coverage']:.1%} of {words['words']:,} words")
    return Started(
        path,
        str(samples.batches.device),
        sum(p.numel() for p in parts.train.model.parameters()),
        {name: len(split) for name, split in samples.dataset.splits.items()},
        -(-parts.steps // samples.batches.steps),
        parts.steps,
        tuple(notes),
    )


def _summary(
    recipe: Recipe, parts: experiment.Parts, outcome: Outcome, seconds: dict[str, float]
) -> dict[str, Any]:
    """Return the final results, as metrics.json keeps them."""
    per_epoch = parts.samples.batches.steps
    splits = parts.samples.dataset.splits
    counted = {name: {"samples": len(split)} for name, split in splits.items()}
    ours = {name: {**counted.get(name, {}), **outcome.metrics[name]} for name in outcome.metrics}
    parameters = sum(p.numel() for p in parts.train.model.parameters())
    return {
        "recipe": recipe.name,
        "seed": recipe.seed,
        "device": str(parts.samples.batches.device),
        "classes": parts.samples.task.state().get("classes", []),
        "metrics": outcome.metrics,
        "report": {
            "rule": recipe.report,
            "step": outcome.step,
            "epoch": -(-outcome.step // per_epoch),
            "last_step": outcome.last_step,
            "last_epoch": -(-outcome.last_step // per_epoch),
            "last_metrics": outcome.last,
            "planned_steps": parts.steps,
            "test_evaluations": outcome.test_evaluations,
            "optimistic": recipe.report == "best-on-test",
        },
        "claims": [_claim(claim, ours, parameters) for claim in recipe.claims],
        **parts.facts,
        "epoch_seconds": list(outcome.epoch_seconds.values()),
        "seconds": seconds,
    }


def _claim(claim: Any, ours: dict[str, dict[str, Any]], parameters: int) -> dict[str, Any]:
    """Set a claim beside this run's number; one run is no verdict."""
    score = ours.get(claim.split, {}).get(claim.metric)
    return {
        "metric": claim.metric,
        "split": claim.split,
        "value": claim.number,
        "printed": claim.printed,
        "ours": parameters if claim.metric == "parameters" else score,
        "not_judged": claim.not_judged,
    }


def _provenance(
    recipe: Recipe, parts: experiment.Parts, device: torch.device, start: experiment.Start | None
) -> dict[str, Any]:
    started_from = {
        "run": recipe.init_from,
        "weights_sha256": hashlib.sha256(start.weights if start else b"").hexdigest(),
    }
    return {
        "recipe": recipe.name,
        "seed": recipe.seed,
        "recipe_hash": recipe_hash(recipe),
        "training_hash": training_hash(recipe),
        "data": {
            name: {"rows": len(split), "fingerprint": split.fingerprint}
            for name, split in parts.samples.original.splits.items()
        },
        "notes": list(parts.samples.original.notes),
        **({"init_from": started_from} if start is not None else {}),
        **machine(device),
        **environment(),
        "started": utc_now(),
    }


def _described(recipe: Recipe, parts: experiment.Parts) -> dict[str, Any]:
    """Return what a run must know to predict, as plain JSON."""
    samples = parts.samples
    return {
        "task": recipe.task,
        "meaning": samples.task.state(),
        "inputs": samples.inputs.state(),
        "pipeline": samples.state,
    }


def _predictor(
    recipe: Recipe, described: dict[str, Any], weights: bytes, where: str, device: torch.device
) -> Predictor:
    """Make what predicts from what `_described` returned and the weights kept in `where`."""
    model, state = experiment.build_model(recipe), described["pipeline"]
    pipeline = experiment.build_pipeline(recipe, state["kind"], augment=False)
    if any(torch.nn.parameter.is_lazy(p) for p in model.parameters()):
        shape = state["shape"] or [512]  # of texts: long enough for any layer
        blank = torch.zeros(2, *shape, dtype=getattr(torch, state["dtype"]))
        dry_run(model, pipeline.apply(blank, state))
    load_weights(model, weights, where)
    return Predictor(
        model.to(device),
        task=TASKS[described["task"]].from_state(described["meaning"]),
        inputs=inputs_from(described),
        pipeline=pipeline,
        state=state,
        device=device,
        precision=recipe.precision,
        batch_size=recipe.evaluate.batch_size,
    )
