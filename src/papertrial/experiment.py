"""The one place that joins a recipe and the engine: what a recipe says -> objects that do it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from papertrial.data import vectors, word_vectors
from papertrial.data.batches import Batches
from papertrial.data.column import Dataset
from papertrial.data.encode import encode
from papertrial.data.layout import Layout
from papertrial.data.pipeline import Pipeline, State
from papertrial.data.ragged import texts_of
from papertrial.data.sources.opening import open_source
from papertrial.data.splits import check_parts, cut, limit
from papertrial.data.steps import Step, Steps
from papertrial.data.streams import derive, generators_kept, seed_all
from papertrial.data.table import Impute
from papertrial.data.tokens import Vocabulary
from papertrial.errors import DataError, ModelError
from papertrial.evaluate.dry_run import dry_run
from papertrial.evaluate.evaluator import Evaluator
from papertrial.evaluate.inputs import (
    ImageInputs,
    Inputs,
    TableInputs,
    TextInputs,
    difference,
    inputs_from,
)
from papertrial.evaluate.metrics import check_metrics
from papertrial.evaluate.predict import autocast
from papertrial.recipe.build import build
from papertrial.recipe.resolve import resolve
from papertrial.recipe.schema import Columns, Images, Recipe, Slot, Text
from papertrial.tasks import TASKS, make_task
from papertrial.tasks.losses import check_loss
from papertrial.tasks.task import Task
from papertrial.training.checkpoint import check_kept, load_weights
from papertrial.training.device import has_room
from papertrial.training.objective import Objective
from papertrial.training.optim import Schedule, fused_arguments, trainable
from papertrial.training.selection import Choice, EarlyStopping
from papertrial.training.session import Evaluations
from papertrial.training.state import TrainState


@dataclass(frozen=True)
class Samples:
    """A set as it is learnt from: cut, its texts as tokens; and how it is read and prepared."""

    dataset: Dataset
    original: Dataset  # texts as texts
    task: Task
    inputs: Inputs
    pipeline: Pipeline
    state: State
    batches: Batches


@dataclass(frozen=True)
class Parts:
    """Everything a recipe names, built."""

    samples: Samples
    objective: Objective
    train: TrainState
    evaluator: Evaluator
    evaluations: Evaluations
    choice: Choice | None
    stopping: EarlyStopping | None
    steps: int
    facts: dict[str, Any]  # kept with the run


@dataclass(frozen=True)
class Start:
    """The run that a recipe starts from: its weights, and what they are weights for."""

    weights: bytes
    described: dict[str, Any]


def prepare(
    recipe: Recipe, folder: Path, device: torch.device, start: Start | None = None
) -> Generator[Step, None, Parts]:
    """Build and check all that the recipe names, so that what cannot work fails now.

    Args:
        recipe: what to do.
        folder: the data folder.
        device: where.
        start: the run that `init_from` names.
    """
    seed(recipe, device)
    model, loss = build_model(recipe), build_loss(recipe)
    with generators_kept(device):  # lazy layers draw their weights in `assemble`
        samples = yield from open_data(recipe, folder, device, start)
        facts = yield from initialise(recipe, model, samples, folder, start)
    return assemble(recipe, model, loss, samples, facts)


def seed(recipe: Recipe, device: torch.device) -> None:
    """Put the generators where the recipe's weights are drawn from."""
    seed_all(device, derive(recipe.seed, "init"))


def open_data(
    recipe: Recipe, folder: Path, device: torch.device, start: Start | None = None
) -> Generator[Step, None, Samples]:
    """Load the set, cut its splits, and fit on its training part all that is learnt there.

    What numbers the inputs, a vocabulary or a table's layout, is the start run's where there is
    one: its weights are for those numbers.
    """
    data = recipe.data
    given = inputs_from(start.described) if start else None
    known = given.layout if isinstance(given, TableInputs) else None
    wanted = data.table.features if data.table else None
    if known is not None and wanted is not None and list(wanted) != list(known.columns):
        had = f"{recipe.init_from} takes the columns {list(known.columns)}"
        raise DataError(f"init_from: {had}, not {list(wanted)}, so its weights do not fit")
    loaded, layout = yield from load_source(recipe, folder, known)
    original = cut_splits(recipe, loaded)
    task = make_task(recipe.task, original)
    inputs: Inputs
    if original.kind == "text":
        yield Step(f"learning the vocabulary of {original.name}", 0, None, "texts")
        words = given.vocabulary if isinstance(given, TextInputs) else None
        inputs = TextInputs(words or _vocabulary(data.text or Text(), original))
        dataset = encode(original, inputs.vocabulary)
    elif original.kind == "table":
        columns = layout or Layout.numeric(original.features)
        inputs = TableInputs(columns, data.table.delimiter if data.table else None)
        dataset = original
    else:
        inputs, dataset = ImageInputs(original.train.x.shape), original
    if start and (differs := difference(given, inputs)):
        raise DataError(f"init_from: {recipe.init_from} {differs}, so its weights do not fit")
    pipeline = build_pipeline(recipe, dataset.kind, augment=True)
    state = pipeline.fit(dataset.train.x)
    dataset = dataset.to(device) if has_room(device, dataset.nbytes) else dataset
    batches = Batches(
        dataset.train,
        len(dataset.train) if data.batch_size == "full" else data.batch_size,
        shuffle=data.shuffle,
        pipeline=pipeline,
        state=state,
        device=device,
        bucket=data.text.bucket if data.text else None,
    )
    return Samples(dataset, original, task, inputs, pipeline, state, batches)


def cut_splits(recipe: Recipe, dataset: Dataset) -> Dataset:
    """Cut the parts of a set that the recipe draws, and keep few of their rows where it says so."""
    cuts, rows = recipe.data.splits, recipe.data.limit
    dataset = cut(
        dataset,
        validation=cuts.validation,
        test=cuts.test,
        draw=cuts.draw,
        stratify=cuts.stratify,
        seed=cuts.seed,
    )
    check_parts(dataset)
    return dataset if rows is None else limit(dataset, rows, cuts.seed)


def load_source(
    recipe: Recipe,
    folder: Path,
    layout: Layout | None = None,
    classes: Sequence[str] | None = None,
) -> Steps[tuple[Dataset, Layout | None]]:
    """Load the set that the recipe names, as it is there; a table by what is known of it."""
    data, columns, images = recipe.data, recipe.data.table or Columns(), recipe.data.image
    images = images or Images()
    return (
        yield from open_source(
            resolve(data.source) if ".py:" in data.source else data.source,
            folder,
            classify=TASKS[recipe.task].family == "classification",
            path=None if data.path is None else Path(data.path),
            size=images.size,
            mode=images.mode,
            corrupt=images.corrupt,
            target=columns.target or "",
            text=columns.text or "",
            features=columns.features,
            categorical=columns.categorical,
            missing=columns.missing,
            delimiter=columns.delimiter,
            layout=layout,
            classes=classes,
            seed=recipe.data.splits.seed,
        )
    )


def _vocabulary(options: Text, dataset: Dataset) -> Vocabulary:
    size, lower, longest = options.vocabulary, options.lower, options.max_length
    if options.vocabulary_file is not None:
        path = Path(options.vocabulary_file)
        return Vocabulary.from_file(path, size=size, lower=lower, max_length=longest)
    texts = texts_of(dataset.train.x)
    return Vocabulary.learn(texts, size=size, lower=lower, max_length=longest)


def initialise(
    recipe: Recipe,
    model: nn.Module,
    samples: Samples,
    folder: Path,
    start: Start | None = None,
) -> Generator[Step, None, dict[str, Any]]:
    """Give the model the word vectors and the weights that it starts from; tell what was done."""
    facts: dict[str, Any] = {}
    inputs, wanted = samples.inputs, recipe.data.text and recipe.data.text.vectors
    if isinstance(inputs, TextInputs):
        special, words = 2, inputs.vocabulary.words
        facts["vocabulary"] = {"words": len(words) - special}
        if wanted:
            path, member = yield from word_vectors.locate(wanted, folder)
            yield Step(f"reading {wanted}", 0, None, "words")
            found = vectors.read_vectors(path, words, member=member)
            vectors.place(model, found)
            coverage = float(found.covered[special:].mean())
            facts["vocabulary"] |= {"vectors": wanted, "coverage": coverage}
    if start is not None:
        dry_run(model, samples.batches.batch(recipe.seed, 0, 0).x.cpu())  # lazy layers get a size
        load_weights(model, start.weights, f"init_from: {recipe.init_from}")
    return facts


def metrics_of(recipe: Recipe) -> list[str]:
    """Return the metrics that a run has: those asked for, and those that something listens to."""
    task = TASKS[recipe.task]
    chosen = [recipe.report_metric or task.headline] if recipe.report != "last" else []
    return list(dict.fromkeys([*(recipe.metrics or task.metrics), *_monitored(recipe), *chosen]))


def _monitored(recipe: Recipe) -> list[str]:
    listeners = (recipe.scheduler, recipe.early_stopping)
    return [part.monitor for part in listeners if part is not None and part.monitor is not None]


def assemble(
    recipe: Recipe, model: nn.Module, loss: Any, samples: Samples, facts: dict[str, Any]
) -> Parts:
    """Join model, loss and data into what trains and what evaluates, tried on one batch."""
    task, batches, dataset = samples.task, samples.batches, samples.dataset
    device = batches.device
    evaluations, choice, stopping = _selection(recipe, samples)
    metrics = metrics_of(recipe)
    check_metrics(metrics, task)
    steps = recipe.steps or (recipe.epochs or 1) * batches.steps
    waits = bool(_monitored(recipe)) or recipe.report == "best-on-validation"
    if waits and (evaluations.validation or 0) > steps:
        rule = f"the first evaluation comes after {evaluations.validation} steps"
        raise ModelError(f"evaluate.every: {rule}, the training has {steps}; lower it")
    first = batches.batch(recipe.seed, 0, 0)
    model = model.to(device)
    loss = loss.to(device) if isinstance(loss, nn.Module) else loss
    with autocast(device, recipe.precision):
        for x in trial_batches(recipe, samples):
            dry_run(model, x)
        output = dry_run(model, first.x).float()
    task.check_output(output, first.y)
    # Not under autocast, which would go on with weights that it has seen before they are loaded.
    check_kept(model, build_model(recipe).to(device), first.x)
    train = _build_training(recipe, model)
    _build_training(recipe, model).schedule.rehearse(steps, batches.steps)
    objective = Objective(
        model,
        loss,
        task,
        precision=recipe.precision,
        accumulate=recipe.accumulate,
        reduction=check_loss(loss, task, output, dataset.train.y),
        device=device,
    )
    evaluator = Evaluator(
        model,
        dataset,
        task=task,
        metrics=metrics,
        loss=loss,
        pipeline=samples.pipeline,
        state=samples.state,
        device=device,
        precision=recipe.precision,
        batch_size=recipe.evaluate.batch_size,
        seed=recipe.seed,
    )
    return Parts(samples, objective, train, evaluator, evaluations, choice, stopping, steps, facts)


def trial_batches(recipe: Recipe, samples: Samples) -> list[torch.Tensor]:
    """Return what a model must take: the first batch, and a smaller last one.

    Of texts, the first one begins with the rarest word, whose number few batches have.
    """
    batches, inputs = samples.batches, samples.inputs
    tried = [batches.batch(recipe.seed, 0, 0).x]
    if isinstance(inputs, TextInputs):
        tried[0][0, 0] = len(inputs.vocabulary) - 1
    if len(batches.split) % batches.batch_size and batches.steps > 1:
        tried.append(batches.batch(recipe.seed, 0, batches.steps - 1).x)
    return tried


def _selection(
    recipe: Recipe, samples: Samples
) -> tuple[Evaluations, Choice | None, EarlyStopping | None]:
    """Say when the splits are evaluated, and what listens to it."""
    splits, per_epoch = samples.dataset.splits, samples.batches.steps
    every = recipe.evaluate.every * (per_epoch if recipe.evaluate.interval == "epoch" else 1)
    listens = {
        "scheduler.monitor": recipe.scheduler and recipe.scheduler.monitor,
        "early_stopping": recipe.early_stopping,
        "report: best-on-validation": recipe.report == "best-on-validation",
    }
    for where, wants in listens.items():
        if wants and "validation" not in splits:
            raise DataError(f"{where} needs a validation part; set data.splits.validation")
    if recipe.evaluate.test == "every-epoch" and "test" not in splits:
        raise DataError("evaluate.test: every-epoch needs a test part; set data.splits.test")
    evaluations = Evaluations(
        every if "validation" in splits else None,
        per_epoch if recipe.evaluate.test == "every-epoch" else None,
    )
    best = recipe.report.removeprefix("best-on-")
    metric = recipe.report_metric or samples.task.headline
    choice = None if recipe.report == "last" else Choice(best, metric)
    stop = recipe.early_stopping
    stopping = EarlyStopping(stop.monitor, stop.patience, stop.min_delta) if stop else None
    return evaluations, choice, stopping


def _build(where: str, slot: Slot, supplied: Any = None) -> Any:
    return build(where, slot.use, slot.args, slot.kwargs, supplied)


def build_loss(recipe: Recipe) -> Any:
    """Build the recipe's loss."""
    return _build("loss", recipe.loss)


def build_model(recipe: Recipe) -> nn.Module:
    """Build the recipe's model; ModelError where it is none."""
    model = _build("model", recipe.model)
    if not isinstance(model, nn.Module):
        raise ModelError(
            f"model: {recipe.model.use} must give a torch.nn.Module, got {type(model)}"
        )
    return model


def build_pipeline(recipe: Recipe, kind: Any, *, augment: bool) -> Pipeline:
    """Build the preparation of samples, with the augmentations of training or without."""

    def listed(name: str, slots: Iterable[Slot]) -> list[Any]:
        return [_build(f"data.{name}.{i}", slot) for i, slot in enumerate(slots)]

    augmentations = listed("augment", recipe.data.augment) if augment else []
    transforms = listed("transform", recipe.data.transform)
    missing = recipe.data.table.missing if recipe.data.table else "error"
    if missing in ("mean", "median"):
        transforms = [Impute(missing), *transforms]
    return Pipeline(kind, transforms, augmentations)


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
