"""Models whose functions say how they fit the data, and how a finished run builds them again.

Such a function of an installed package has two attributes: `outputs`, the name of the argument that
is the number of outputs, and `arguments_without_weights`, which returns for a model the arguments
that build its network again without the files of its initial weights.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from papertrial.errors import ModelError
from papertrial.models.transformer import SourceWeights
from papertrial.recipe.build import build
from papertrial.recipe.content import content_of_files
from papertrial.recipe.resolve import resolve
from papertrial.recipe.schema import Recipe
from papertrial.recipe.slots import is_file
from papertrial.runs.init_from import initial_weights
from papertrial.runs.named_network import DataForm, build_network, named_network
from papertrial.store.run_records import InitialWeights, Network


def fits_data(recipe: Recipe) -> bool:
    """Return whether a recipe's model is fitted to the data, so that these are loaded first."""
    return named_network(recipe) is not None or bool(_missing_outputs(recipe))


def build_fitted(recipe: Recipe, form: DataForm) -> Any:
    """Build the model that a recipe names, fitted to the data, without pretrained weights.

    A model whose function says how it is fitted has the weights that its function loads.

    Raises:
        RecipeError: its arguments are wrong.
        ModelError: it cannot be fitted to the data.
    """
    network = named_network(recipe)
    if network is not None:
        return build_network(recipe, network, form)
    name, slot = _missing_outputs(recipe), recipe.model
    if form.outputs is None:
        raise ModelError(f"model.{name}: is missing; the task does not say how many outputs")
    return build("model", slot.use, slot.args, {**slot.kwargs, name: form.outputs})


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


def _missing_outputs(recipe: Recipe) -> str:
    """Return the name of the argument that is the number of outputs; "" if the recipe gives it."""
    name = _attribute(recipe, "outputs")
    return name if isinstance(name, str) and recipe.model.kwargs.get(name) is None else ""


def weights_of_source(model: nn.Module) -> InitialWeights | None:
    """Return the record of the weights that a model got when it was built; None without any."""
    got = getattr(model, "weights_of_source", None)
    if not isinstance(got, SourceWeights):
        return None
    files = sorted(path.name for path in got.folder.glob("*.safetensors*"))
    digest = content_of_files(got.folder, files).sha256
    return initial_weights("model.source", got.source, digest, got.loaded)
