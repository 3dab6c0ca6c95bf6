"""The one place that joins a recipe and the engine: recipe -> objects -> train -> run folder."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from papertrial.data import sources
from papertrial.data.batches import Batches
from papertrial.data.column import Dataset
from papertrial.data.pipeline import Pipeline, State
from papertrial.data.splits import cut
from papertrial.data.streams import derive, seed_all
from papertrial.errors import ModelError, PapertrialError
from papertrial.evaluate.dry_run import dry_run
from papertrial.evaluate.metrics import check_finite, check_metrics, compute
from papertrial.evaluate.predict import autocast, forward
from papertrial.evaluate.predictor import Answer, Predictor
from papertrial.evaluate.stored import predictions_to_bytes
from papertrial.recipe.build import build
from papertrial.recipe.digest import recipe_hash, training_hash
from papertrial.recipe.load import load_recipe
from papertrial.recipe.portable import portable
from papertrial.recipe.resolve import resolve
from papertrial.recipe.schema import Recipe, Slot
from papertrial.runs import store
from papertrial.runs.provenance import environment, utc_now
from papertrial.tasks import TASKS, make_task
from papertrial.tasks.losses import check_loss
from papertrial.tasks.task import Task
from papertrial.training.checkpoint import (
    check_weights,
    load_weights,
    state_to_bytes,
    weights_to_bytes,
)
from papertrial.training.device import has_room, numerics, pick_device
from papertrial.training.events import Evaluated, Event, Started, Trained
from papertrial.training.loop import fit
from papertrial.training.objective import Objective
from papertrial.training.optim import Schedule, fused_arguments, trainable
from papertrial.training.state import TrainState

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
        with numerics(pick_device(self.device)):
            return self._predictor.predict(inputs)

    @cached_property
    def _predictor(self) -> Predictor:
        folder = store.RunFolder.open(self.path)
        known = folder.read_json(store.PREPROCESS)
        device = pick_device(self.device)
        model = _build_model(self.recipe.model)
        pipeline = _build_pipeline(self.recipe, known["pipeline"]["kind"], augment=False)
        state = known["pipeline"]
        if any(torch.nn.parameter.is_lazy(p) for p in model.parameters()):
            blank = torch.zeros(2, *state["shape"], dtype=getattr(torch, state["dtype"]))
            dry_run(model, pipeline.apply(blank, state))
        load_weights(model, folder.read(store.WEIGHTS), str(self.path / store.WEIGHTS))
        return Predictor(
            model.to(device),
            task=TASKS[known["task"]].from_state(known["meaning"]),
            pipeline=pipeline,
            state=state,
            device=device,
            precision=self.recipe.precision,
            batch_size=self.recipe.evaluate.batch_size,
        )


def load_run(path: str | Path, *, device: str = "auto") -> Run:
    """Open a finished run.

    Raises:
        RunError: the folder is no run, is damaged, or its run did not finish.
    """
    folder = store.RunFolder.open(Path(path))
    recipe = load_recipe(folder.path / store.RECIPE, check=False)
    return Run(folder.path, recipe, folder.read_json(store.METRICS), device)


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
    steps = training(recipe, runs=runs, data=data, device=device, threads=threads)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            run: Run = end.value
            return run


def training(
    recipe: Recipe,
    *,
    runs: str | Path = "runs",
    data: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Generator[Event, None, Run]:
    """Do what `train` does, yielding what happens as it happens; the run is the return value."""
    start = time.perf_counter()
    if threads is not None and threads < 1:
        raise PapertrialError(f"threads >= 1 must hold, got {threads}")
    store.check_writable(Path(runs))
    where = pick_device(device)
    with numerics(where, threads):
        parts = _prepare(recipe, sources.data_folder(data), where)
        seconds = {"data": time.perf_counter() - start, "train": 0.0, "evaluate": 0.0}
        folder = store.RunFolder.create(Path(runs), recipe.name, training_hash(recipe), recipe.seed)
        record = _provenance(recipe, parts, where)
        folder.write_json(store.PROVENANCE, {**record, "state": "running"})
        try:
            text, files = portable(recipe, store.CODE)
            for name, content in files.items():
                folder.write(name, content)
            folder.write(store.RECIPE, text)
            summary = yield from _train(recipe, parts, folder, seconds)
            seconds["total"] = time.perf_counter() - start
            folder.write_json(store.METRICS, summary)
        except BaseException as error:
            ended = isinstance(error, KeyboardInterrupt | GeneratorExit)
            state = "interrupted" if ended else "failed"
            folder.write_json(
                store.PROVENANCE,
                {**record, "state": state, "error": str(error), "ended": utc_now()},
            )
            raise
        folder.write_json(store.PROVENANCE, {**record, "state": "finished", "ended": utc_now()})
    return load_run(folder.path, device=device)  # which has the recipe's files as they were used


@dataclass
class _Parts:
    """Everything a recipe names, built."""

    dataset: Dataset
    task: Task
    metrics: tuple[str, ...]
    pipeline: Pipeline
    state: State
    batches: Batches
    objective: Objective
    train: TrainState
    device: torch.device
    fingerprints: dict[str, str]


def _prepare(recipe: Recipe, data: Path, device: torch.device) -> _Parts:
    """Build and check all that the recipe names, so that what cannot work fails now."""
    seed_all(device, derive(recipe.seed, "init"))
    model = _build_model(recipe.model)
    loss = _build("loss", recipe.loss)
    cuts = recipe.data.splits
    dataset = cut(
        sources.load(recipe.data.source, data),
        validation=cuts.validation,
        test=cuts.test,
        draw=cuts.draw,
        stratify=cuts.stratify,
        seed=cuts.seed,
    )
    task = make_task(recipe.task, dataset)
    metrics = recipe.metrics or task.metrics
    monitor = recipe.scheduler.monitor if recipe.scheduler else None
    check_metrics((*metrics, *([monitor] if monitor else ())), task)
    pipeline = _build_pipeline(recipe, dataset.kind, augment=True)
    state = pipeline.fit(dataset.train.x)
    fingerprints = {name: split.fingerprint for name, split in dataset.splits.items()}
    dataset = dataset.to(device) if has_room(device, dataset.nbytes) else dataset
    batches = Batches(
        dataset.train,
        recipe.data.batch_size,
        shuffle=recipe.data.shuffle,
        pipeline=pipeline,
        state=state,
        device=device,
    )
    first = batches.batch(recipe.seed, 0, 0)
    model = model.to(device)
    loss = loss.to(device) if isinstance(loss, nn.Module) else loss
    with autocast(device, recipe.precision):
        output = dry_run(model, first.x).float()
        if len(dataset.train) % recipe.data.batch_size and batches.steps > 1:
            dry_run(model, batches.batch(recipe.seed, 0, batches.steps - 1).x)  # a smaller one
    task.check_output(output, first.y)
    check_weights(model)
    train = _build_training(recipe, model)
    reduction = check_loss(loss, task, output, dataset.train.y)
    objective = Objective(
        model,
        loss,
        task,
        precision=recipe.precision,
        accumulate=recipe.accumulate,
        reduction=reduction,
        device=device,
    )
    return _Parts(
        dataset, task, metrics, pipeline, state, batches, objective, train, device, fingerprints
    )


def _train(
    recipe: Recipe, parts: _Parts, folder: store.RunFolder, seconds: dict[str, float]
) -> Generator[Event, None, dict[str, Any]]:
    per_epoch = parts.batches.steps
    steps = recipe.steps or (recipe.epochs or 1) * per_epoch
    every = recipe.evaluate.every * (per_epoch if recipe.evaluate.interval == "epoch" else 1)
    evaluates = parts.dataset.validation is not None
    if parts.train.schedule.monitor is not None and every > steps:
        rule = f"the first evaluation comes after {every} steps, the training has {steps}"
        raise ModelError(f"scheduler.monitor: {rule}; lower evaluate.every")
    yield Started(
        folder.path,
        str(parts.device),
        sum(p.numel() for p in parts.train.model.parameters()),
        {name: len(split) for name, split in parts.dataset.splits.items()},
        -(-steps // per_epoch),
        steps,
    )
    epoch_seconds: dict[int, float] = {}
    saved = time.perf_counter()
    for progress in fit(
        parts.train,
        parts.batches,
        parts.objective,
        seed=recipe.seed,
        steps=steps,
        clip_norm=recipe.clip_norm,
        every=(recipe.log_every, every) if evaluates else (recipe.log_every,),
    ):
        epoch_seconds[progress.epoch] = progress.epoch_seconds
        score = parts.task.batch_score(progress.output, progress.target).item()
        trained = Trained(progress, parts.task.headline, score)
        folder.append(store.RECORDS, trained.record())
        yield trained
        if evaluates and progress.step % every == 0 and progress.step < steps:
            event, _ = _evaluate(recipe, parts, "validation", seconds)
            parts.train.schedule.evaluated(event.metrics)
            folder.append(store.RECORDS, event.record())
            yield event
        if progress.step == steps or time.perf_counter() - saved > _SAVE_EVERY:
            saved = time.perf_counter()
            folder.write(store.STATE, state_to_bytes(parts.train.state_dict()))
    metrics = {}
    for split in parts.dataset.splits:
        event, output = _evaluate(recipe, parts, split, seconds)
        metrics[split] = event.metrics
        name = f"{store.PREDICTIONS}/{split}.safetensors"
        folder.write(name, predictions_to_bytes(output, parts.dataset.splits[split]))
        folder.append(store.RECORDS, event.record())
        yield event
    folder.write(store.WEIGHTS, weights_to_bytes(parts.train.model))
    folder.write_json(store.PREPROCESS, _known(recipe, parts))
    seconds["train"] = sum(epoch_seconds.values())
    return {
        "recipe": recipe.name,
        "seed": recipe.seed,
        "device": str(parts.device),
        "metrics": metrics,
        "epoch_seconds": list(epoch_seconds.values()),
        "seconds": seconds,
    }


def _evaluate(
    recipe: Recipe, parts: _Parts, split: str, seconds: dict[str, float]
) -> tuple[Evaluated, Tensor]:
    start = time.perf_counter()
    rows = parts.dataset.splits[split]
    output = forward(
        parts.train.model,
        rows.x,
        pipeline=parts.pipeline,
        state=parts.state,
        device=parts.device,
        precision=recipe.precision,
        batch_size=recipe.evaluate.batch_size,
    )
    names = list(parts.metrics)
    monitor = recipe.scheduler.monitor if recipe.scheduler else None
    names += [monitor] if monitor is not None and monitor not in names else []
    metrics = compute(names, parts.task, output, rows.y, parts.objective.loss, parts.device)
    check_finite(metrics, output, split, parts.train.step)
    seconds["evaluate"] += time.perf_counter() - start
    return Evaluated(split, parts.train.step, metrics), output


def _build(where: str, slot: Slot, supplied: Any = None) -> Any:
    return build(where, slot.use, slot.args, slot.kwargs, supplied)


def _build_model(slot: Slot) -> nn.Module:
    model = _build("model", slot)
    if not isinstance(model, nn.Module):
        raise ModelError(f"model: {slot.use} must give a torch.nn.Module, got {type(model)}")
    return model


def _build_pipeline(recipe: Recipe, kind: Any, *, augment: bool) -> Pipeline:
    def listed(name: str, slots: Iterable[Slot]) -> list[Any]:
        return [_build(f"data.{name}.{i}", slot) for i, slot in enumerate(slots)]

    augmentations = listed("augment", recipe.data.augment) if augment else []
    return Pipeline(kind, listed("transform", recipe.data.transform), augmentations)


def _build_training(recipe: Recipe, model: nn.Module) -> TrainState:
    slot, kwargs = recipe.optimizer, recipe.optimizer.kwargs
    fused = fused_arguments(resolve(slot.use), kwargs, model)
    optimizer = build("optimizer", slot.use, slot.args, {**kwargs, **fused}, trainable(model))
    if not isinstance(optimizer, torch.optim.Optimizer):
        rule = f"optimizer: {slot.use} must give a torch.optim.Optimizer"
        raise ModelError(f"{rule}, got {type(optimizer)}")
    if recipe.scheduler is None:
        return TrainState(model, optimizer, Schedule())
    chosen = recipe.scheduler
    scheduler = _build("scheduler", chosen, optimizer)
    if not callable(getattr(scheduler, "step", None)):
        rule = f"scheduler: {chosen.use} must give an object with step()"
        raise ModelError(f"{rule}, got {type(scheduler)}")
    return TrainState(model, optimizer, Schedule(scheduler, chosen.interval, chosen.monitor))


def _known(recipe: Recipe, parts: _Parts) -> dict[str, Any]:
    return {"task": recipe.task, "meaning": parts.task.state(), "pipeline": parts.state}


def _provenance(recipe: Recipe, parts: _Parts, device: torch.device) -> dict[str, Any]:
    return {
        "recipe": recipe.name,
        "seed": recipe.seed,
        "recipe_hash": recipe_hash(recipe),
        "training_hash": training_hash(recipe),
        "data": {
            name: {"rows": len(split), "fingerprint": parts.fingerprints[name]}
            for name, split in parts.dataset.splits.items()
        },
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "threads": torch.get_num_threads(),
        **environment(),
        "started": utc_now(),
    }
