"""Build and check everything that a recipe names before the training starts."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from papertrial.data.streams import derive, seed_all
from papertrial.data.texts import locate_vectors, vectors
from papertrial.diagnose.dry_run import dry_run
from papertrial.errors import DataError, ModelError
from papertrial.evaluate.evaluator import Evaluator
from papertrial.evaluate.inputs import (
    TextInputs,
)
from papertrial.evaluate.metrics import check_metrics
from papertrial.evaluate.predict import autocast
from papertrial.progress import Step
from papertrial.recipe.schema import Recipe
from papertrial.runs.build import build_loss, build_model, build_training
from papertrial.runs.samples import Samples, Start, open_data
from papertrial.store.run_records import VocabularyFacts
from papertrial.tasks import TASKS
from papertrial.tasks.losses import check_loss
from papertrial.training.checkpoint import check_kept, load_weights
from papertrial.training.objective import Objective
from papertrial.training.selection import Choice, EarlyStopping
from papertrial.training.session import Evaluations
from papertrial.training.state import TrainState


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
    vocabulary: VocabularyFacts | None


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
    samples = yield from open_data(recipe, folder, device, start)
    facts = yield from initialise(recipe, model, samples, folder, start)
    return assemble(recipe, model, loss, samples, facts)


def seed(recipe: Recipe, device: torch.device) -> None:
    """Put the generators where the recipe's weights are drawn from."""
    seed_all(device, derive(recipe.seed, "init"))


def initialise(
    recipe: Recipe,
    model: nn.Module,
    samples: Samples,
    folder: Path,
    start: Start | None = None,
) -> Generator[Step, None, VocabularyFacts | None]:
    """Give the model the word vectors and the weights that it starts from.

    Returns:
        how large the vocabulary of texts is and how much of it the vectors cover; None without one.
    """
    facts = None
    inputs, wanted = samples.inputs, recipe.data.text and recipe.data.text.vectors
    if isinstance(inputs, TextInputs):
        special, words = 2, inputs.vocabulary.words
        facts = VocabularyFacts(words=len(words) - special)
        if wanted:
            path, member = yield from locate_vectors.locate(wanted, folder)
            yield Step(f"reading {wanted}", 0, None, "words")
            found = vectors.read_vectors(path, words, member=member)
            vectors.place(model, found)
            coverage = float(found.covered[special:].mean())
            facts = VocabularyFacts(words=facts.words, vectors=wanted, coverage=coverage)
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
    recipe: Recipe,
    model: nn.Module,
    loss: Any,
    samples: Samples,
    facts: VocabularyFacts | None,
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
    train = build_training(recipe, model)
    build_training(recipe, model).schedule.rehearse(steps, batches.steps)
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
