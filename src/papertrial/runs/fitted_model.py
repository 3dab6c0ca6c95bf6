"""Models whose functions say how they fit the data, and how a finished run builds them again.

Such a function of an installed package has two attributes: `outputs`, the name of the argument that
is the number of outputs, and `arguments_without_weights`, which returns for a model the arguments
that build its network again without the files of its initial weights.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from papertrial.errors import ModelError
from papertrial.recipe.build import build
from papertrial.recipe.resolve import resolve
from papertrial.recipe.schema import Recipe
from papertrial.recipe.slots import is_file
from papertrial.runs.named_network import named_network
from papertrial.store.run_records import Network
from papertrial.tasks.regression import Regression
from papertrial.tasks.task import Task


def fits_outputs(recipe: Recipe) -> bool:
    """Return whether the outputs of a recipe's model depend on the data."""
    name = _attribute(recipe, "outputs")
    return isinstance(name, str) and recipe.model.kwargs.get(name) is None


def with_outputs(recipe: Recipe, task: Task) -> Recipe:
    """Return a recipe whose model has as many outputs as the task has classes or numbers.

    Raises:
        ModelError: the task does not say how many.
    """
    if not fits_outputs(recipe):
        return recipe
    name: str = _attribute(recipe, "outputs")
    count = len(task.class_names)
    if isinstance(task, Regression):
        count = len(task.several) or 1
    if not count:
        raise ModelError(f"model.{name}: is missing; the task does not say how many outputs")
    model = recipe.model.model_copy(update={name: count})
    return recipe.model_copy(update={"model": model})


def network_of(recipe: Recipe, model: nn.Module) -> Network | None:
    """Return how to build a model again without its initial weights; None if the recipe says it."""
    arguments = _attribute(recipe, "arguments_without_weights")
    return None if arguments is None else Network(arguments=arguments(model))


def build_without_weights(recipe: Recipe, network: Network) -> Any:
    """Build the model of a finished run, whose weights are loaded afterwards."""
    return build("model", recipe.model.use, (), dict(network.arguments))


def _attribute(recipe: Recipe, name: str) -> Any:
    """Return an attribute of the function of the model; None without one of a package."""
    use = recipe.model.use
    if is_file(use) or named_network(recipe) is not None:
        return None
    return getattr(resolve(use), name, None)


def notes_on_weights(model: nn.Module) -> tuple[str, ...]:
    """Return which weights of a model were loaded and which are new, in words."""
    loaded = getattr(model, "loaded_weights", None)
    return () if loaded is None else (str(loaded),)
