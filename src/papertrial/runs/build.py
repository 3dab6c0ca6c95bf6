"""Build the objects that a recipe names: model, loss, pipeline, optimizer and schedule."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from papertrial.data.batches import Batches
from papertrial.data.column import Split
from papertrial.data.kind import Kind
from papertrial.data.nested import mapped
from papertrial.data.pipeline import Pipeline, PipelineState
from papertrial.data.samplers import Balanced, EpochSampler, check_classes, sample_weights
from papertrial.data.sources.spec import ImageOptions
from papertrial.data.streams import derive, seed_all
from papertrial.data.tables.transforms import Impute
from papertrial.data.texts.word_splits import CHARACTERS, WordSplit
from papertrial.errors import ModelError
from papertrial.evaluate.evaluator import Keep
from papertrial.evaluate.metric_function import MetricFunction, metric_function
from papertrial.evaluate.prepared_model import PreparedModel
from papertrial.evaluate.views import Views
from papertrial.recipe.build import build
from papertrial.recipe.resolve import OFFERED, parameters_of, resolve
from papertrial.recipe.schema import Recipe
from papertrial.recipe.slot import MetricSlot, Slot
from papertrial.recipe.slots import is_file
from papertrial.runs.build_optimizers import build_optimizers
from papertrial.runs.class_weights import with_class_weights
from papertrial.runs.fitted_model import (
    build_fitted,
    build_without_weights,
    fits_data,
    network_of,
)
from papertrial.runs.named_network import DataForm, with_network
from papertrial.tasks.class_counts import ClassCounts
from papertrial.training.average import AveragedWeights, AverageRule, check_updates
from papertrial.training.freeze import Frozen, freeze
from papertrial.training.objective import ObjectiveFunction, module_of, supervised
from papertrial.training.optim import trainable
from papertrial.training.state import TrainState


def _build(where: str, slot: Slot, supplied: Any = None) -> Any:
    return build(where, slot.use, slot.args, slot.kwargs, supplied)


def seed_before_build(recipe: Recipe, device: torch.device) -> None:
    """Seed the generators before the model is built, with the stream of its initial weights."""
    seed_all(device, derive(recipe.seed, "init"))


def build_loss(recipe: Recipe, classes: ClassCounts | None = None) -> Any:
    """Build the recipe's loss; class weights depend on the classes of the training part.

    Raises:
        ModelError: the class weights do not fit the classes.
    """
    slot = recipe.loss
    kwargs = with_class_weights("loss", slot.use, slot.kwargs, classes)
    return build("loss", slot.use, slot.args, kwargs)


def to_device(target: Any, device: torch.device) -> Any:
    """Return a loss or an objective with its tensors on the device."""
    if isinstance(target, functools.partial):
        moved = {k: to_device(value, device) for k, value in target.keywords.items()}
        return functools.partial(target.func, *target.args, **moved)
    return target.to(device) if isinstance(target, nn.Module | torch.Tensor) else target


def build_model(recipe: Recipe, form: DataForm | None = None) -> nn.Module:
    """Build the recipe's model, without the weights of `model.pretrained`.

    Args:
        recipe: the recipe.
        form: what the model is fitted to; None only if it is not fitted to the data.

    Raises:
        ModelError: it is not a torch.nn.Module, or does not fit the data.
    """
    if fits_data(recipe):
        assert form is not None, "the model is built after the data are loaded"
        model = build_fitted(recipe, form)
    else:
        model = _build("model", recipe.model)
    if not isinstance(model, nn.Module):
        raise ModelError(
            f"model: {recipe.model.use} must give a torch.nn.Module, got {type(model)}"
        )
    return model


def build_again(recipe: Recipe, model: nn.Module, form: DataForm) -> nn.Module:
    """Build the network of a model as a finished run does, whose weights are loaded afterwards."""
    network = network_of(recipe, model)
    if network is None:
        return build_model(recipe, form)
    again: nn.Module = build_without_weights(recipe, network)
    return again


def build_objective(recipe: Recipe) -> ObjectiveFunction:
    """Build the recipe's objective; without one, it is the loss of the model's output.

    Raises:
        ModelError: the recipe names something that cannot be called.
    """
    if recipe.objective is None:
        return supervised
    objective = _build("objective", recipe.objective)
    if not callable(objective):
        raise ModelError(
            f"objective: {recipe.objective.use} must give something that is called as "
            f"objective(model, x, y, loss), got {type(objective)}"
        )
    return objective  # type: ignore[no-any-return]


def build_metrics(recipe: Recipe) -> dict[str, MetricFunction]:
    """Build the recipe's metrics that are functions or classes of the user's, by name."""
    slots = ((i, item) for i, item in enumerate(recipe.metrics) if isinstance(item, MetricSlot))
    return {
        slot.facts.name: metric_function(
            slot.facts.name,
            _build(f"metrics.{index}", slot),
            is_fraction=slot.facts.is_fraction,
        )
        for index, slot in slots
    }


def build_keep(recipe: Recipe) -> Keep | None:
    """Build what the recipe keeps of the outputs; None if it keeps them whole."""
    return None if recipe.keep is None else _build("keep", recipe.keep)


def build_pipeline(recipe: Recipe, kind: Kind, *, augment: bool) -> Pipeline:
    """Build the recipe's pipeline of transforms, with or without its augmentations."""

    def listed(name: str, slots: Iterable[Slot]) -> list[Any]:
        return [
            build(f"data.{name}.{i}", slot.use, slot.args, with_network(recipe, slot))
            for i, slot in enumerate(slots)
        ]

    augmentations = listed("augment", recipe.data.augment) if augment else []
    transforms = listed("transform", recipe.data.transform)
    only = [slot.only for slot in recipe.data.transform]
    missing = recipe.data.table.missing if recipe.data.table else "error"
    if missing in ("mean", "median"):
        transforms, only = [Impute(missing), *transforms], [None, *only]
    return Pipeline(kind, transforms, augmentations, only)


def build_image_options(recipe: Recipe) -> ImageOptions:
    """Return how the recipe's images are decoded."""
    images = recipe.data.image
    if images is None:
        return ImageOptions()
    folder = None if images.folder is None else Path(images.folder)
    return ImageOptions(images.size, images.mode, images.corrupt, images.range, folder)


def build_word_split(recipe: Recipe) -> WordSplit | None:
    """Build what splits the recipe's texts into words; None for the usual way."""
    slot = recipe.data.text.words if recipe.data.text else None
    if slot is None:
        return None
    if slot.use == CHARACTERS.name:
        return CHARACTERS
    name = slot.use.rpartition("/")[2] if is_file(slot.use) else slot.use
    return WordSplit(name, _build("data.text.words", slot))


def build_sampler(recipe: Recipe, train: Split, classes: Sequence[str]) -> EpochSampler | None:
    """Build what draws the samples of each epoch; None if the recipe names no sampler.

    Args:
        recipe: the recipe.
        train: the training samples.
        classes: the names of their classes; none if the targets are no classes.

    Raises:
        DataError: the sampler does not suit the samples.
    """
    slot = recipe.data.sampler
    if slot is None:
        return None
    target, kwargs = resolve(slot.use), slot.kwargs
    if target is Balanced:
        check_classes(classes, "data.sampler")
    y = mapped(Tensor.cpu, train.y)
    if "weights" in kwargs:
        kwargs["weights"] = sample_weights(kwargs["weights"], y, classes)
    required = [
        name
        for name, parameter in (parameters_of(target) or {}).items()
        if name in OFFERED["data.sampler"] and parameter.default is parameter.empty
    ]
    values = {"data_source": range(len(train)), "targets": y, "num_samples": len(train)}
    kwargs = {**{name: values[name] for name in required}, **kwargs}
    make = partial(build, "data.sampler", slot.use, slot.args, kwargs)
    return EpochSampler(make, len(train))


def build_prepared_model(
    recipe: Recipe,
    model: nn.Module,
    pipeline: Pipeline,
    state: PipelineState,
    device: torch.device,
) -> PreparedModel:
    """Build a `PreparedModel` with the recipe's precision, batch size and seed."""
    return PreparedModel(
        model,
        pipeline,
        state,
        device,
        precision=recipe.precision,
        batch_size=recipe.evaluate.batch_size,
        seed=recipe.seed,
        views=_build_views(recipe),
    )


def build_average(
    recipe: Recipe, model: nn.Module, batches: Batches, steps: int
) -> AveragedWeights | None:
    """Build the recipe's average of the weights of a training of `steps`; None without one.

    Raises:
        ModelError: the training would average nothing, or the model cannot be copied.
    """
    chosen = recipe.average
    if chosen is None:
        return None
    rule = AverageRule(
        decay=chosen.decay_of_ema,
        start=chosen.in_steps(chosen.start or 0, batches.steps),
        every=chosen.in_steps(chosen.every, batches.steps),
    )
    check_updates(rule, steps, batches.steps)
    return AveragedWeights(model, rule, batches, seed=recipe.seed, precision=recipe.precision)


def _build_views(recipe: Recipe) -> Views | None:
    augment = recipe.evaluate.augment
    if augment is None:
        return None
    own = [_build(f"evaluate.augment.views.{i}", slot) for i, slot in enumerate(augment.views)]
    return Views(augment.flip, augment.shift or 0, own)


def build_training(
    recipe: Recipe, model: nn.Module, objective: ObjectiveFunction = supervised
) -> TrainState:
    """Build the recipe's optimizer and schedule for a model and its objective.

    Raises:
        ModelError: the recipe names something that is not an optimizer or not a scheduler, or a
            group of parameters is empty.
    """
    trainable(model)
    optimizer, schedule = build_optimizers(recipe, trained_modules(model, objective))
    return TrainState(model, optimizer, schedule, objective=module_of(objective))


def freeze_parameters(recipe: Recipe, model: nn.Module) -> Frozen | None:
    """Freeze the parameters that the recipe names, and say how many; None if it names none.

    Raises:
        ModelError: a name matches no parameter, or nothing is left to train.
    """
    chosen = recipe.freeze
    if chosen is None:
        return None
    return freeze(model, chosen.match, fix_batch_norm=chosen.batch_norm == "fixed")


def trained_modules(model: nn.Module, objective: ObjectiveFunction) -> dict[str, nn.Module]:
    """Return the modules with parameters to train, by the prefix of the names in groups."""
    module = module_of(objective)
    return {"": model} if module is None else {"": model, "objective": module}
