"""Build the network that a recipe names, fitted to its data, and load its pretrained weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from papertrial.data.images.from_weights import FromWeights
from papertrial.data.streams import generators_kept
from papertrial.errors import ModelError, RecipeError
from papertrial.evaluate.inputs import ImageInputs, Inputs
from papertrial.recipe.build import build
from papertrial.recipe.content import content_of
from papertrial.recipe.dependency import Dependency
from papertrial.recipe.file_paths import is_path
from papertrial.recipe.reads import unwatched
from papertrial.recipe.resolve import resolve
from papertrial.recipe.schema import Recipe
from papertrial.recipe.slot import Slot
from papertrial.runs.init_from import initial_weights
from papertrial.store.run_records import InitialWeights
from papertrial.tasks.task import (
    ClassificationMeaning,
    MultilabelMeaning,
    RegressionMeaning,
    Task,
)
from papertrial.weights.fetch_pretrained import fetch_pretrained
from papertrial.weights.fit_network import FittedWeights, fit_channels, fit_weights
from papertrial.weights.load_matching import load_matching, shown
from papertrial.weights.networks import (
    RENORMALIZING,
    Network,
    heads_of_timm,
    network_of,
    pretrained_source,
    with_current_names,
)
from papertrial.weights.read_weights import Weights, read_weights

KEY = "model.pretrained"


@dataclass(frozen=True)
class DataForm:
    """What a network is fitted to.

    Attributes:
        outputs: the number of classes, labels or targets; None if the task does not say.
        channels: of the images; None for other data.
    """

    outputs: int | None
    channels: int | None

    @classmethod
    def of(cls, task: Task, inputs: Inputs) -> DataForm:
        """Return the form of the data of a task."""
        channels = inputs.shape[0] if isinstance(inputs, ImageInputs) else None
        match task.meaning():
            case ClassificationMeaning(classes=names) | MultilabelMeaning(labels=names):
                return cls(len(names), channels)
            case RegressionMeaning(targets=targets):
                return cls(len(targets) or 1, channels)
        return cls(None, channels)


def named_network(recipe: Recipe) -> Network | None:
    """Return the network that a recipe's model names; None for another class or function."""
    return network_of(recipe.model.use)


def build_network(recipe: Recipe, network: Network, form: DataForm) -> Any:
    """Build the network that a recipe names, fitted to the data, without pretrained weights.

    Raises:
        RecipeError: its arguments are wrong.
        ModelError: its first layer cannot be fitted to the channels.
    """
    model = build("model", recipe.model.use, recipe.model.args, _arguments(recipe, network, form))
    if network.library == "torchvision" and form.channels and isinstance(model, nn.Module):
        fit_channels(model, form.channels)
    return model


def load_pretrained(recipe: Recipe, model: nn.Module, form: DataForm) -> InitialWeights | None:
    """Load the pretrained weights that a recipe asks for into its network; None without any.

    Raises:
        ModelError: they cannot be fetched or read, or are not those of this network.
    """
    network = named_network(recipe)
    asked = network is not None and _pretrained(recipe)
    if network is None or asked is False:
        return None
    with unwatched():  # trace_pretrained records it
        if isinstance(asked, str) and is_path(asked):
            source, path = asked, Path(asked)
        else:
            found = pretrained_source(network, "" if asked is True else asked)
            source, path = found.name, fetch_pretrained(found)
        weights = read_weights(path, KEY)
    try:
        with generators_kept(torch.device("cpu")):
            fitted = _fitted(recipe, network, model, weights, form)
    except (RecipeError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{KEY}: {path} is not of the network {network.name}: {reason}; use init_from to load "
            "a part of a file"
        ) from error
    loaded = load_matching(model, fitted.tensors, KEY, skip=fitted.head)
    record = initial_weights(KEY, source, weights.sha256, loaded, weights.notes)
    if not fitted.changed:
        return record
    note = f"fitted to {form.channels} channels: {shown(fitted.changed)}"
    return record.model_copy(update={"changed": fitted.changed, "notes": (*record.notes, note)})


def trace_pretrained(recipe: Recipe) -> list[Dependency]:
    """Trace the file of pretrained weights that is not named in the recipe, but in a cache."""
    network = named_network(recipe)
    asked = network is not None and _pretrained(recipe)
    if network is None or asked is False or (isinstance(asked, str) and is_path(asked)):
        return []
    source = pretrained_source(network, "" if asked is True else asked)
    if source.found is None:
        return []
    content = content_of(source.found)
    return [
        Dependency(
            kind="weights",
            name=source.name,
            path=str(source.found),
            bytes=content.bytes,
            sha256=content.sha256,
            copied=False,
            hashed=False,
        )
    ]


def with_network(recipe: Recipe, slot: Slot) -> dict[str, Any]:
    """Return the arguments of a transform; `FromWeights` gets the network that the model names."""
    kwargs = slot.kwargs
    if resolve(slot.use) is FromWeights and "network" not in kwargs and not slot.args:
        asked = recipe.model.kwargs.get("pretrained")
        named = isinstance(asked, str) and not is_path(asked)
        kwargs |= {"network": recipe.model.use, **({"weights": asked} if named else {})}
    return kwargs


def _pretrained(recipe: Recipe) -> bool | str:
    """Return what a recipe says of pretrained weights: false, true, their name, or a file."""
    value = recipe.model.kwargs.get("pretrained", False)
    if not isinstance(value, bool | str):
        raise ModelError(
            f"{KEY}: must be true, false, the name of weights or a file, got {value!r}"
        )
    return value


def _arguments(recipe: Recipe, network: Network, form: DataForm) -> dict[str, Any]:
    """Return the arguments of a network: those of the recipe, and what follows from the data."""
    given = recipe.model.kwargs
    if network.library == "torchvision" and given.get("weights") is not None:
        raise ModelError(
            f"model.weights: write pretrained: {given['weights']}, so that the weights are fitted "
            "to the data and recorded"
        )
    is_pretrained = given.pop("pretrained", False) is not False
    fitted: dict[str, Any] = {}
    if is_pretrained and network.use in RENORMALIZING and form.channels == 3:
        fitted["transform_input"] = True  # as torchvision does for its weights
    if form.outputs is not None:
        fitted["num_classes"] = form.outputs
    if network.library == "timm" and form.channels is not None:
        fitted["in_chans"] = form.channels
    return {**fitted, **given}


def _fitted(
    recipe: Recipe, network: Network, model: nn.Module, weights: Weights, form: DataForm
) -> FittedWeights:
    """Fit pretrained weights to a model.

    They are first loaded into a network with the classes of the file, which must take all of them:
    the library knows older names of its tensors.
    """
    arguments = _arguments(recipe, network, form)
    outputs = int(arguments.get("num_classes", -1))
    tensors = with_current_names(network, weights.tensors)
    plain = fit_weights(model, tensors, outputs)
    use, args = recipe.model.use, recipe.model.args
    if network.library == "torchvision":
        rows = len(tensors[plain.head[0]]) if plain.head else outputs
        fitted_to = {} if rows < 0 else {"num_classes": rows}
        other = build("model", use, args, {**arguments, **fitted_to})
        if form.channels and not plain.changed:
            fit_channels(other, form.channels)
        other.load_state_dict(tensors)
        return fit_weights(model, other.state_dict(), outputs)
    heads = heads_of_timm(network)
    rows = next((len(t) for n, t in tensors.items() if n in {f"{one}.weight" for one in heads}), 0)
    kwargs = {
        **arguments,
        "num_classes": rows,
        "pretrained": True,
        "pretrained_cfg_overlay": {"state_dict": dict(tensors), "num_classes": rows},
    }
    other = build("model", use, args, kwargs)
    fitted = fit_weights(model, other.state_dict(), outputs)
    absent = [n for n in model.state_dict() if not rows and n.rpartition(".")[0] in heads]
    return FittedWeights(fitted.tensors, (*fitted.head, *absent), plain.changed)
