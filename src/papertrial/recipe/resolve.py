"""Classes and functions from import paths, and how they are called."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from papertrial.errors import RecipeError, nearest
from papertrial.extras import how_to_install
from papertrial.recipe.closure import Closure, trace
from papertrial.recipe.isolate import import_isolated
from papertrial.recipe.reads import unwatched
from papertrial.recipe.slots import is_file

Parameters = Mapping[str, inspect.Parameter]

# The argument that papertrial supplies, also to nested slots with a parameter of that name, such as
# the schedulers of a SequentialLR.
SUPPLIED = {"optimizer": "params", "group": "params", "scheduler": "optimizer"}
# The arguments that papertrial gives by name to samplers that require parameters of these names,
# unless the recipe sets them.
OFFERED = {"data.sampler": ("data_source", "targets", "num_samples")}
# The parameter of a source's function that gets the folder of the data, a pathlib.Path.
DATA_FOLDER = "data_folder"
# The number of arguments in a call of a function: loss(output, target), transform(image),
# view(x), objective(model, x, y, loss), metric(output, target), keep(output, target),
# words(text).
CALLED_WITH = {
    "loss": 2,
    "data.transform": 1,
    "data.augment": 1,
    "data.text": 1,
    "evaluate.augment": 1,
    "objective": 4,
    "metrics": 2,
    "keep": 2,
}
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def resolve(use: str) -> Callable[..., Any]:
    """Resolve the `use` of a slot: import the class or function that it names.

    Raises:
        RecipeError: the module, file or name does not exist, or is not callable.
    """
    if use.startswith("timm:"):
        from papertrial.weights.networks import timm_network  # noqa: PLC0415  (imports torch)

        with unwatched():
            return timm_network(use)
    with unwatched():
        closure = trace(use)
    owner: Any
    if closure is not None:
        owner, parts = _import_closure(use, closure), closure.attribute.split(".")
        where = str(closure.entry.path) if is_file(use) else closure.entry.name
    else:
        owner, parts = _import(use)
        where = use.removesuffix("." + ".".join(parts))
    for part in parts:
        try:
            found = getattr(owner, part)
        except AttributeError:
            near = nearest(part, [name for name in dir(owner) if not name.startswith("_")])
            raise RecipeError(f"{where} has no {part!r}, got use: {use!r}{near}") from None
        except Exception as error:  # modules can import lazily
            raise RecipeError(f"importing {use!r} failed: {error}") from error
        owner, where = found, f"{where}.{part}"
    if not callable(owner):
        raise RecipeError(f"use must name a class or function, got {use!r}, {type(owner)}")
    return owner  # type: ignore[no-any-return]


def parameters_of(target: Callable[..., Any]) -> Parameters | None:
    """Return the parameters of a resolved class or function; None for code without a signature."""
    try:
        return inspect.signature(target).parameters
    except (ValueError, TypeError):
        return None


def how_supplied(
    section: str, parameters: Parameters | None, nested: bool
) -> Literal["", "first", "keyword"]:
    """Return how a resolved class takes the argument from papertrial; "" if it does not take it."""
    name = SUPPLIED.get(section)
    if name is None:
        return ""
    if parameters is not None and name in parameters:
        return "first" if next(iter(parameters)) == name else "keyword"
    return "" if nested else "first"


def is_itself(
    target: Any, args: Sequence[object], kwargs: Mapping[str, object], calls: int
) -> bool:
    """Return whether a resolved function is itself what a slot needs, not a factory of it.

    It is if exactly `calls` of its required arguments are not set. A compiled function without a
    signature is, if no arguments are given.
    """
    if calls == 0 or args or inspect.isclass(target):
        return False
    parameters = parameters_of(target)
    if parameters is None:
        return not kwargs
    return required_left(parameters, kwargs) == calls


def required_left(parameters: Parameters, kwargs: Mapping[str, object]) -> int:
    """Return how many required positional arguments are not set by `kwargs`."""
    left = [p for p in parameters.values() if p.default is p.empty and p.kind in POSITIONAL]
    return len([p for p in left if p.name not in kwargs])


def _import(use: str) -> tuple[Any, list[str]]:
    parts = use.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise RecipeError(f"use must be package.module.Name or ./file.py:Name, got {use!r}")
    for cut in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:cut])
        try:
            return importlib.import_module(module), parts[cut:]
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise RecipeError(f"importing {module!r} failed: {error}") from error
        except (Exception, SystemExit) as error:
            raise RecipeError(
                f"importing {module!r} failed: {type(error).__name__}: {error}"
            ) from error
    near = nearest(parts[0], ["torch", "torchvision", "papertrial"])
    raise RecipeError(
        f"no module named {parts[0]!r}, got use: {use!r}{near}; "
        f"{how_to_install(parts[0]) or 'install it'}, or give a file as ./file.py:Name"
    )


def _import_closure(use: str, closure: Closure) -> Any:
    """Import the closure that a `use` resolves to; an error names the `use` that failed."""
    try:
        return import_isolated(closure)
    except RecipeError as error:
        if is_file(use):
            raise
        raise RecipeError(f"importing {closure.entry.name!r} failed: {error}") from error
