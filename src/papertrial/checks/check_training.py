"""Check a recipe that trains a model: its data, model and loss, on one batch."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from papertrial.checks.batch_independence import check_rows
from papertrial.checks.check_result import CheckResult
from papertrial.checks.class_balance import imbalance
from papertrial.checks.conflicting_labels import conflicting_labels
from papertrial.checks.cost import run_cost
from papertrial.checks.gradients import check_gradients
from papertrial.checks.initial_weights import check_frozen, check_initial_weights
from papertrial.checks.leaks import digests_of, leaks
from papertrial.checks.loss_fit import check_ending, check_first_loss, check_targets
from papertrial.checks.metric_readings import two_readings
from papertrial.checks.prediction_targets import check_prediction_targets
from papertrial.checks.reading_warnings import reading_warnings
from papertrial.checks.repeatable_source import Loading, check_repeats
from papertrial.checks.reporting import reporting
from papertrial.checks.schedule_length import check_schedule
from papertrial.checks.seed_streams import check_streams, find_streams
from papertrial.checks.stochastic import check_stochastic_loss
from papertrial.checks.table_hints import table_hints
from papertrial.checks.target_scale import (
    check_target_scale,
    check_units_of_claims,
    units_of_claims,
)
from papertrial.checks.text_quality import check_texts
from papertrial.data.batches import Batch
from papertrial.data.files.data_folder import data_folder
from papertrial.data.nested import first_of, mapped
from papertrial.data.sources.spec import LoadedSet
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.diagnose.dry_run import LayerError, SmallBatchError, diagnose_dry_run
from papertrial.errors import PapertrialError
from papertrial.evaluate.inputs import TextInputs
from papertrial.evaluate.metrics import check_metrics
from papertrial.evaluate.precision import autocast
from papertrial.model_call import output_of
from papertrial.progress import Step
from papertrial.recipe.portable import portable
from papertrial.recipe.reads import Read, watched
from papertrial.recipe.schema import Recipe
from papertrial.recipe.slots import is_function
from papertrial.runs import prepare
from papertrial.runs.build import (
    build_loss,
    build_model,
    build_objective,
    seed_before_build,
    to_device,
    trained_modules,
)
from papertrial.runs.build_optimizers import group_sizes, largest_rate
from papertrial.runs.class_weights import needs_classes
from papertrial.runs.fitted_model import fits_data
from papertrial.runs.init_from import read_start_run
from papertrial.runs.load_data import Samples, load_data, load_whole, smallest_fold
from papertrial.runs.named_network import DataForm
from papertrial.runs.traced_files import stored_elsewhere, trace_files
from papertrial.runs.trial_batches import TrialBatch, trial_batches
from papertrial.tasks.loss_requirements import check_loss
from papertrial.training.device import on_device
from papertrial.training.objective import ObjectiveFunction, supervised


def checking_training(
    recipe: Recipe, result: CheckResult, *, data: str | Path | None, device: str
) -> Generator[Step, None, None]:
    """Add what is found in a recipe to a result, and yield progress.

    Args:
        recipe: the recipe.
        result: where problems and facts are added.
        data: data folder; None for the default.
        device: "auto", "cpu", "mps", "cuda" or "cuda:N".
    """
    home, reads = data_folder(data), list[Read]()
    no_device = reporting(result, "device", "name a device that this machine has")
    with no_device, on_device(device, None) as where:
        result.facts.device = str(where)
        aside = stored_elsewhere(recipe, home)
        first = yield from watched(_check_built(recipe, home, where, result), reads, aside)
        if first is not None:
            yield from watched(check_repeats(recipe, first, home, result), reads, aside)
    _check_files(recipe, reads, home, result)


def _check_files(recipe: Recipe, reads: Sequence[Read], data: Path, result: CheckResult) -> None:
    """Warn about a recipe's files that its training hash does not cover or a run does not copy.

    A file that the recipe names and that cannot be read is an error. It is reported here only if
    there is no other error: usually, what opened the file has been reported already.

    Args:
        recipe: the recipe.
        reads: files that its code read while it was built and tried.
        data: the data folder, whose content is recorded as fingerprints instead.
        result: where the problems are added.
    """
    try:
        files = trace_files(portable(recipe), reads, stored_elsewhere(recipe, data))
    except PapertrialError as error:
        if result.ok:
            fix = "restore the file, or name another one in the recipe"
            result.problems.append(Diagnosis("error", "recipe", str(error), fix))
        return
    fix = (
        "keep a file that was too large with the run; name files as arguments in the recipe, and "
        "load code with import statements; the report will repeat this note"
    )
    for note in files.not_covered:
        message = f"cannot be traced or copied in full: {note}"
        result.problems.append(Diagnosis("warning", "recipe", message, fix))


def _check_built(
    recipe: Recipe, folder: Path, device: torch.device, result: CheckResult
) -> Generator[Step, None, Loading | None]:
    """Build what the recipe names, look for leaks and imbalance, and try the model on a batch.

    The result says what a function gave as data; it is None for other sources, and if it failed.
    """
    model = loss = samples = start = whole = first = None
    notes, folds, can_start, fitted = list[str](), recipe.data.splits.count, False, False
    function: ObjectiveFunction = supervised
    seed_before_build(recipe, device)
    with reporting(result, "model", "fix the model or its arguments in the recipe"):
        fitted = fits_data(recipe)
        model = None if fitted else build_model(recipe)
    with reporting(result, "objective", "fix the objective or its arguments in the recipe"):
        function = build_objective(recipe)
    with reporting(result, "init_from", "name a finished run or a file of weights"):
        start, can_start = read_start_run(recipe), True
    if not can_start:
        recipe = recipe.model_copy(update={"init_from": None})
    with reporting(result, "data", "fix data in the recipe, or the files that it names"):
        if recipe.data.splits.count:
            recipe, note = yield from smallest_fold(recipe, folder)
            notes.append(note)
        begun_at = time.perf_counter()
        whole = yield from load_whole(recipe, folder, start)
        if is_function(recipe.data.source_name):
            first = Loading.of(whole.dataset, time.perf_counter() - begun_at)
        samples = yield from load_data(recipe, folder, device, start, whole)
    if samples is not None and fitted:
        model = _build_fitted(recipe, samples, result)
    with reporting(result, "loss", "fix the loss or its arguments in the recipe"):
        if samples is not None or not needs_classes(recipe):
            loss = build_loss(recipe, None if samples is None else samples.classes)
    if samples is None or whole is None:
        return first
    facts, task = result.facts, samples.task
    facts.reading = samples.original.notes
    result.problems += reading_warnings(samples.original.notes)
    facts.notes = [*notes, *task.notes, *units_of_claims(recipe.claims, task)]
    yield from _check_data(recipe, whole, samples, result)
    if model is None or loss is None:
        return first
    yield Step("trying one batch", 0, None, "batches")
    begun = None
    fix = "fix the key that the message names, which decides what the model starts from"
    with reporting(result, "data.text.vectors", fix):
        begun = yield from prepare.prepare_weights(recipe, model, samples, folder)
        facts.vocabulary, facts.weights, facts.frozen = (
            begun.vocabulary,
            begun.weights,
            begun.frozen,
        )
        result.problems += [
            *check_initial_weights(begun.weights),
            *check_frozen(model, begun.weights),
        ]
    if begun is not None:
        with reporting(result, "data", "fix data.augment, data.transform or the model"):
            _check_model(recipe, (model, loss, function), samples, begun, result)
    if facts.cost is not None and folds:
        facts.cost = replace(facts.cost, seconds=folds * facts.cost.seconds)
    return first


def _check_data(
    recipe: Recipe, whole: LoadedSet, samples: Samples, result: CheckResult
) -> Generator[Step, None, None]:
    """Look for leaks, conflicts and imbalance in the data, whose splits are cut from `whole`."""
    original, facts = samples.original, result.facts
    facts.rows = {name: len(split) for name, split in original.splits.items()}
    yield Step("looking for samples that are in two splits", 0, None, "samples")
    known = digests_of(original)
    found, facts.leaks = leaks(original, known)
    result.problems += found
    result.problems += conflicting_labels(original, known)
    found, facts.balance = imbalance(
        original,
        metrics=prepare.metrics_to_compute(recipe),
        is_weighted=recipe.data.sampler is not None
        or not {"weight", "pos_weight"}.isdisjoint(recipe.loss.kwargs),
    )
    result.problems += found
    if isinstance(samples.inputs, TextInputs):
        words = samples.inputs.vocabulary
        found, facts.unknown_words = check_texts(original, samples.dataset, words)
        result.problems += found
    yield Step("looking for columns that give the target away", 0, None, "columns")
    result.problems += table_hints(recipe, whole, original)
    result.problems += [
        *two_readings(recipe.claims, samples.task),
        *check_units_of_claims(recipe.claims, samples.task, original.train.y),
    ]
    with reporting(result, "metrics", "name metrics, classes and targets that the task has"):
        check_metrics(prepare.metrics_to_compute(recipe), samples.task, recipe.own_metrics)


def _build_fitted(recipe: Recipe, samples: Samples, result: CheckResult) -> nn.Module | None:
    """Build the model that is fitted to the data; None if it fails."""
    with reporting(result, "model", "fix the model or its arguments in the recipe"):
        seed_before_build(recipe, samples.batches.device)
        return build_model(recipe, DataForm.of(samples.task, samples.inputs))
    return None


def _check_model(
    recipe: Recipe,
    built: tuple[nn.Module, Any, ObjectiveFunction],
    samples: Samples,
    start: prepare.Start,
    result: CheckResult,
) -> None:
    """Try one batch forward and backward; stop at an error that would cause all later ones."""
    device, (model, loss, function) = samples.batches.device, built
    model = model.to(device)
    loss = to_device(loss, device)
    batch = samples.batches.batch(recipe.seed, 0, 0)
    result.facts.batch = list(first_of(batch.x).shape)
    with autocast(device, recipe.precision):
        result.problems += _check_forward(model, trial_batches(recipe, samples))
    if not result.ok or not _check_loss(recipe, model, loss, samples, batch, result):
        return
    parts = None
    with reporting(result, "recipe", "change the part of the recipe that the message names"):
        parts = prepare.prepare_training(recipe, model, loss, samples, start, function)
    if parts is None:
        return
    result.facts.groups = group_sizes(recipe, trained_modules(model, function)) or None
    result.problems += check_schedule(
        parts.train.schedule, parts.steps, parts.samples.batches.steps
    )
    result.problems += check_gradients(
        model,
        lambda: _loss_of_recipe(parts, batch),
        lambda: output_of(model, mapped(torch.clone, batch.x)),
    )
    if not any(p.where == "model" and p.severity == "error" for p in result.problems):
        with reporting(result, "model", "fix the model or its arguments in the recipe"):
            result.facts.streams = find_streams(recipe, parts)
            result.problems += check_streams(recipe, result.facts.streams)
        # Errors of the optimizer and the scheduler begin with their keys.
        where = "model" if function is supervised else "objective"
        with reporting(result, where, "fix what the message names, which fails in later batches"):
            result.facts.cost = run_cost(recipe.seed, parts)


def _check_loss(
    recipe: Recipe,
    model: nn.Module,
    loss: Any,
    samples: Samples,
    batch: Batch,
    result: CheckResult,
) -> bool:
    """Check that the loss suits the outputs and the targets; return whether it can be computed."""
    train, task = samples.dataset.train, samples.task
    with torch.no_grad(), autocast(samples.batches.device, recipe.precision):
        output = output_of(model, mapped(torch.clone, batch.x)).float()
    if task.family == "prediction":  # only the loss knows what outputs and targets mean
        with reporting(result, "model", "return a row for each sample"):
            task.check_output(output, batch.y)
            result.problems += check_prediction_targets(loss, output, batch.y, samples.original)
            return True
        return False
    result.problems += check_targets(loss, output, task.in_training_unit(train.y))
    if not result.ok:
        return False
    with reporting(result, "model", "give the model one output per class or number to predict"):
        task.check_output(output, batch.y)
        targets = task.target(train.y, output[:1].expand(len(train), *output.shape[1:]))
        x = mapped(torch.clone, batch.x)
        result.problems += check_ending(model, loss, x, targets, precision=recipe.precision)
        check_loss(loss, task, output, train.y)
        target = task.target(batch.y, output)
        found, result.facts.first_loss = check_first_loss(loss, output, target)
        result.problems += found
        steps = recipe.steps or (recipe.epochs or 1) * samples.batches.steps
        reach = largest_rate(recipe) * steps
        result.problems += check_target_scale(task, output, train.y, reach)
        result.problems += check_stochastic_loss(loss, output, target)
        return True
    return False


def _check_forward(model: nn.Module, trials: Sequence[TrialBatch]) -> list[Diagnosis]:
    """Run the model on several batches; check the rows of the output for the first, largest one."""
    largest = trials[0].x
    try:
        for trial in trials:
            output = trial.run(model)  # also gives lazy layers their sizes
    except SmallBatchError as error:
        message = error.message.removeprefix(f"{trial.where}: ")
        return [Diagnosis("error", trial.where, message, error.fix)]
    except LayerError as error:
        # check_rows also reports the other batch sizes at which the model fails.
        return check_rows(model, largest) or [diagnose_dry_run(error)]
    if not output.is_floating_point():
        kind = str(output.dtype).removeprefix("torch.")
        message = f"the model must return floating-point numbers, got {kind}"
        fix = (
            "return logits or numbers that have gradients, not the result of argmax or a comparison"
        )
        return [Diagnosis("error", "model", message, fix)]
    return check_rows(model, largest)


def _loss_of_recipe(parts: prepare.Parts, batch: Batch) -> torch.Tensor:
    """Compute the loss of the recipe on the batch of the check, as the training does."""
    return parts.objective.compute(mapped(torch.clone, batch.x), batch.y)[0]
