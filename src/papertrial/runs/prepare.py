"""Build and check everything that a recipe names before the training starts."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from papertrial.data.nested import mapped
from papertrial.data.sources.spec import LoadedSet
from papertrial.data.streams import generators_kept
from papertrial.data.texts import locate_vectors, vectors
from papertrial.data.texts.vocabulary import Vocabulary
from papertrial.diagnose.dry_run import dry_run
from papertrial.errors import DataError, ModelError
from papertrial.evaluate.evaluator import Evaluator, kept_of
from papertrial.evaluate.inputs import ImageInputs, TextInputs
from papertrial.evaluate.metric_function import MetricFunction, check_pure
from papertrial.evaluate.metrics import check_metrics, own_arguments
from papertrial.evaluate.precision import autocast, check_trainable
from papertrial.evaluate.prepared_model import PreparedModel
from papertrial.progress import Step
from papertrial.recipe.schema import Recipe
from papertrial.runs.build import (
    build_again,
    build_average,
    build_keep,
    build_loss,
    build_metrics,
    build_model,
    build_objective,
    build_prepared_model,
    build_training,
    freeze_parameters,
    seed_before_build,
    to_device,
)
from papertrial.runs.fitted_model import fits_data, weights_of_source
from papertrial.runs.init_from import StartRun, load_start
from papertrial.runs.load_data import Samples, load_data
from papertrial.runs.named_network import DataForm, load_pretrained, named_network
from papertrial.runs.trial_batches import trial_batches
from papertrial.store.run_records import InitialWeights, VocabularyFacts
from papertrial.tasks.loss_requirements import Loss, Reduction, check_loss
from papertrial.tasks.make_task import TASKS
from papertrial.training.average import AverageRule
from papertrial.training.checkpoint import check_kept
from papertrial.training.freeze import Frozen
from papertrial.training.mean_of_last import MeanOfLast
from papertrial.training.objective import (
    Objective,
    ObjectiveFunction,
    modules_in,
    supervised,
)
from papertrial.training.objective_checks import check_loss_in_parts, check_objective, check_parts
from papertrial.training.optim import Stepper
from papertrial.training.scaling import LossScaling
from papertrial.training.selection import BestWeights, EarlyStopping
from papertrial.training.session import Evaluations
from papertrial.training.state import TrainState


@dataclass(frozen=True)
class Start:
    """What is known of the weights that a training starts from.

    Attributes:
        vocabulary: size of the vocabulary, and the share of it that vectors cover; None if the
            data are not texts.
        weights: files of weights that were loaded, and what the model got of them.
        frozen: what of the model is not trained; None if the recipe freezes nothing.
    """

    vocabulary: VocabularyFacts | None = None
    weights: tuple[InitialWeights, ...] = ()
    frozen: Frozen | None = None

    @property
    def lines(self) -> list[str]:
        """What was loaded and frozen, in words."""
        lines = [line for one in self.weights for line in one.lines]
        return lines if self.frozen is None else [*lines, self.frozen.text]


@dataclass(frozen=True)
class Parts:
    """The objects that a recipe names, built and checked."""

    samples: Samples
    objective: Objective
    train: TrainState
    evaluator: Evaluator
    evaluations: Evaluations
    choice: BestWeights | None
    stopping: EarlyStopping | None
    mean: MeanOfLast | None
    steps: int
    start: Start


def prepare(
    recipe: Recipe,
    folder: Path,
    device: torch.device,
    start: StartRun | None = None,
    whole: LoadedSet | None = None,
    *,
    load: bool = True,
) -> Generator[Step, None, Parts]:
    """Prepare a recipe for training: build all that it names, and check that it works together.

    Args:
        recipe: the recipe.
        folder: the data folder.
        device: the device of the training.
        start: the run that `init_from` names.
        whole: the set before its splits are cut; if omitted, it is loaded.
        load: whether to load the weights that the training starts from; not if others are loaded
            afterwards.

    Raises:
        PapertrialError: the recipe cannot be trained.
    """
    check_trainable(device, recipe.precision)
    seed_before_build(recipe, device)
    model = None if fits_data(recipe) else build_model(recipe)
    with generators_kept(device):  # what is built below draws from them, lazy layers too
        samples = yield from load_data(recipe, folder, device, start, whole)
    if model is None:  # it is fitted to the data
        model = build_model(recipe, DataForm.of(samples.task, samples.inputs))
    with generators_kept(device):
        begun = yield from prepare_weights(recipe, model, samples, folder, load=load)
    loss, objective = build_loss(recipe, samples.classes), build_objective(recipe)
    return prepare_training(recipe, model, loss, samples, begun, objective)


def prepare_weights(
    recipe: Recipe,
    model: nn.Module,
    samples: Samples,
    folder: Path,
    *,
    load: bool = True,
) -> Generator[Step, None, Start]:
    """Prepare the initial weights: load word vectors and those of `init_from`, and freeze some.

    With `load` false, none are loaded.

    Raises:
        PapertrialError: the weights cannot be read, or they or the frozen names do not fit.
    """
    facts, loaded = None, list[InitialWeights]()
    inputs, wanted = samples.inputs, recipe.data.text and recipe.data.text.vectors
    if isinstance(inputs, TextInputs):
        special, known = 2, inputs.vocabulary
        words = known.words if isinstance(known, Vocabulary) else ()
        facts = VocabularyFacts(words=len(known) - (special if words else 0))
        if wanted and load:
            path, member = yield from locate_vectors.locate(wanted, folder)
            yield Step(f"reading {wanted}", 0, None, "words")
            found = vectors.read_vectors(path, words, member=member)
            vectors.copy_into_embedding(model, found)
            coverage = float(found.covered[special:].mean())
            facts = VocabularyFacts(words=facts.words, vectors=wanted, coverage=coverage)
    if load and (given := weights_of_source(model)) is not None:
        loaded.append(given)
    if load and named_network(recipe) and recipe.model.kwargs.get("pretrained"):
        yield Step("looking for pretrained weights", 0, None, "files")
        form = DataForm.of(samples.task, samples.inputs)
        if (got := load_pretrained(recipe, model, form)) is not None:
            loaded.append(got)
    if recipe.start is not None and load:
        # Lazy layers get their size from a batch.
        dry_run(model, mapped(Tensor.cpu, samples.batches.batch(recipe.seed, 0, 0).x))
        if (got := load_start(recipe, model)) is not None:
            loaded.append(got)
    return Start(facts, tuple(loaded), freeze_parameters(recipe, model))


def metrics_to_compute(recipe: Recipe) -> list[str]:
    """List the metrics that a prepared training computes.

    They are those asked for, or without them the usual ones of the task; and those that are
    monitored or that choose the reported epoch.
    """
    task = TASKS[recipe.task]
    chooses = recipe.report_rule.startswith("best-on-")
    chosen = [recipe.report_metric or task.headline] if chooses else []
    named = recipe.metric_names or task.metrics
    return list(dict.fromkeys([*named, *recipe.monitored_metrics, *chosen]))


def prepare_training(
    recipe: Recipe,
    model: nn.Module,
    loss: Loss,
    samples: Samples,
    start: Start,
    function: ObjectiveFunction = supervised,
) -> Parts:
    """Prepare the training of a built model: try model and loss on a batch, build the other parts.

    Raises:
        DataError: a metric or an evaluation does not suit the data.
        ModelError: the model or the loss does not work, or does not suit the task.
    """
    task, batches, dataset = samples.task, samples.batches, samples.dataset
    device = batches.device
    check_trainable(device, recipe.precision)
    evaluations, choice, stopping = _prepare_evaluations(recipe, samples)
    own = build_metrics(recipe)
    check_metrics(metrics_to_compute(recipe), task, own)
    steps = recipe.steps or (recipe.epochs or 1) * batches.steps
    needs_one = bool(recipe.monitored_metrics) or recipe.report == "best-on-validation"
    if needs_one and (evaluations.validation or 0) > steps:
        rule = f"the first evaluation comes after {evaluations.validation} steps"
        raise ModelError(f"evaluate.every: {rule}, but the training has {steps}; lower it")
    mean = _prepare_mean(recipe, samples, evaluations, steps)
    first = batches.batch(recipe.seed, 0, 0)
    model = model.to(device)
    loss = to_device(loss, device)
    function = to_device(function, device)
    for module in modules_in(function).values():
        module.to(device)
    with autocast(device, recipe.precision):
        for trial in trial_batches(recipe, samples):
            trial.run(model)
        output = dry_run(model, first.x).float()
    task.check_output(output, first.y)
    samples = replace(samples, task=(task := task.for_outputs(output, loss)))
    # Not under autocast, whose cache would keep the weights from before they are loaded.
    form = DataForm.of(task, samples.inputs)
    check_kept(model, build_again(recipe, model, form).to(device), first.x)
    y = first.y if task.family == "prediction" else dataset.train.y
    train = build_training(recipe, model, function)
    train.average = build_average(recipe, model, batches, steps)
    if mean is not None and train.average is not None:
        _check_mean_of_averages(mean, train.average.rule, evaluations, dataset.splits, steps)
    train.scaling = LossScaling(device) if recipe.precision == "fp16" else None
    Stepper(train.optimizer, train.scaling)
    build_training(recipe, model, function).schedule.rehearse(steps, batches.steps)
    reduction = check_loss(loss, task, output, y)
    objective = Objective(
        model,
        loss,
        task,
        function=function,
        precision=recipe.precision,
        accumulate=recipe.accumulate,
        reduction=reduction,
        device=device,
        scaling=train.scaling,
    )
    if function is not supervised:
        check_objective(objective, first, device)
    if recipe.accumulate > 1 and (function is not supervised or task.family == "prediction"):
        objective.reduction = check_parts(objective, first, device)
    elif recipe.accumulate > 1:
        check_loss_in_parts(objective, output, first.y, device)
    prepared = build_prepared_model(
        recipe, train.evaluated, samples.pipeline, samples.state, device
    )
    varies = isinstance(samples.inputs, ImageInputs) and samples.inputs.varies
    if prepared.views is not None or varies or samples.pipeline.evaluates_otherwise:
        prepared.forward(dataset.train.x.rows(torch.arange(2)), stream=0)  # fail now, not later
    evaluator = _prepare_evaluator(
        recipe,
        prepared,
        samples,
        loss,
        own=own,
        reduction=reduction,
        trial=(output, first.y),
    )
    return Parts(
        samples, objective, train, evaluator, evaluations, choice, stopping, mean, steps, start
    )


def _prepare_evaluator(
    recipe: Recipe,
    prepared: PreparedModel,
    samples: Samples,
    loss: Loss,
    *,
    own: Mapping[str, MetricFunction],
    reduction: Reduction,
    trial: tuple[Tensor, Any],
) -> Evaluator:
    """Prepare the evaluator, and try metrics on the outputs and the targets of a batch, `trial`.

    Raises:
        DataError: a metric is not a pure function, or no part is evaluated.
        ModelError: `keep` fails, or does not go with the loss.
    """
    task, metrics, (output, y) = samples.task, metrics_to_compute(recipe), trial
    keep = build_keep(recipe)
    if keep is not None and reduction == "sum":
        raise ModelError(
            "keep: the loss of a part would be a mean over batches, but this loss is a sum over "
            "samples, so that the number would depend on evaluate.batch_size; use a mean (in "
            "torch's losses reduction: mean), or remove keep"
        )
    kept = output if keep is None else kept_of(keep, output, y)
    for metric in own.values():
        check_pure(metric, *own_arguments(task, task.in_original_unit(kept), y))
    evaluator = Evaluator(
        prepared,
        samples.dataset,
        task=task,
        metrics=metrics,
        loss=loss,
        own=own,
        keep=keep,
        train=recipe.evaluate.train,
    )
    return evaluator


def _prepare_mean(
    recipe: Recipe, samples: Samples, evaluations: Evaluations, steps: int
) -> MeanOfLast | None:
    """Prepare the means over the last evaluations; DataError if there are fewer evaluations."""
    count = recipe.mean_of_last
    if count is None:
        return None
    evaluated = [split for split in ("validation", "test") if split in samples.dataset.splits]
    if not evaluated:
        raise DataError(
            f"report: a mean of the last {count} evaluations needs a test or a validation part; "
            "set data.splits.test"
        )
    for split in evaluated:
        there = evaluations.count(split, steps)
        if there < count:
            raise DataError(
                f"report: the mean of the last {count} evaluations of {split} needs as many, but "
                f"there will be {there}; set evaluate.test: every-epoch or every-interval, lower "
                "evaluate.every, or train longer"
            )
    return MeanOfLast(count)


def _check_mean_of_averages(
    mean: MeanOfLast, rule: AverageRule, evaluations: Evaluations, splits: Iterable[str], steps: int
) -> None:
    """Raise ModelError if a mean of evaluations has some from before weights are averaged."""
    for split in splits:
        if split == "train":
            continue
        step = evaluations.first_of_last(split, steps, mean.count)
        if step < rule.first:
            raise ModelError(
                f"report: the mean of the last {mean.count} evaluations of {split} begins after "
                f"{step} steps, but the first weights are averaged after {rule.first}, so that it "
                "would mix scores with and without an average; lower average.start, or the number "
                "of evaluations"
            )


def _prepare_evaluations(
    recipe: Recipe, samples: Samples
) -> tuple[Evaluations, BestWeights | None, EarlyStopping | None]:
    """Prepare when splits are evaluated, what chooses the reported step, and what stops early."""
    splits, per_epoch = samples.dataset.splits, samples.batches.steps
    if not recipe.evaluate.train and set(splits) == {"train"}:
        rule = "false leaves no part to evaluate"
        raise DataError(f"evaluate.train: {rule}; set data.splits.test, or remove it")
    every = recipe.evaluate.every * (per_epoch if recipe.evaluate.interval == "epoch" else 1)
    needs_validation = {
        "scheduler.monitor": recipe.scheduler and recipe.scheduler.monitor,
        "early_stopping": recipe.early_stopping,
        "report: best-on-validation": recipe.report == "best-on-validation",
    }
    for where, wants in needs_validation.items():
        if wants and "validation" not in splits:
            raise DataError(f"{where} needs a validation part; set data.splits.validation")
    test = {"every-epoch": per_epoch, "every-interval": every}.get(recipe.evaluate.test)
    if test is not None and "test" not in splits:
        rule = f"evaluate.test: {recipe.evaluate.test} needs a test part"
        raise DataError(f"{rule}; set data.splits.test")
    evaluations = Evaluations(every if "validation" in splits else None, test)
    best = recipe.report_rule.partition("best-on-")[2]
    metric = recipe.metric(recipe.report_metric or samples.task.headline)
    choice = BestWeights(best, metric) if best else None
    stop = recipe.early_stopping
    stopping = (
        EarlyStopping(recipe.metric(stop.monitor), stop.patience, stop.min_delta) if stop else None
    )
    return evaluations, choice, stopping
