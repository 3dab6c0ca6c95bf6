"""Classes and functions from import paths, and how they are called."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from papertrial.errors import RecipeError, nearest
from papertrial.recipe.argument_types import call_of, takes_text
from papertrial.recipe.closure import Closure, trace
from papertrial.recipe.isolate import import_isolated
from papertrial.recipe.reads import unwatched
from papertrial.recipe.slots import is_file, is_reference

Parameters = Mapping[str, inspect.Parameter]

# The argument that papertrial supplies, also to nested slots with a parameter of that name, such as
# the schedulers of a SequentialLR.
SUPPLIED = {"optimizer": "params", "group": "params", "scheduler": "optimizer"}
# The number of arguments in a call of a function: loss(output, target), transform(image),
# objective(model, x, y, loss), metric(output, target),
# keep(output, target).
CALLED_WITH = {"loss": 2, "data": 1, "objective": 4, "metrics": 2, "keep": 2}
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def resolve(use: str) -> Callable[..., Any]:
    """Resolve the `use` of a slot: import the class or function that it names.

    Raises:
        RecipeError: the module, file or name does not exist, or is not callable.
    """
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
    return _required_left(parameters, kwargs) == calls


def is_given_itself(
    target: Any, args: Sequence[object], kwargs: Mapping[str, object], hint: Any
) -> bool:
    """Return whether a function in a nested slot is itself the argument, not a factory of it.

    It is if the argument has the type `Callable`, and required arguments of the function are not
    set: those it will be called with.
    """
    parameters = None if args or inspect.isclass(target) else parameters_of(target)
    return bool(parameters and call_of(hint)[0] and _required_left(parameters, kwargs))


def _required_left(parameters: Parameters, kwargs: Mapping[str, object]) -> int:
    left = [p for p in parameters.values() if p.default is p.empty and p.kind in POSITIONAL]
    return len([p for p in left if p.name not in kwargs])


def hints_of_arguments(
    parameters: Parameters | None, hints: Mapping[str, Any], skipped: int, count: int
) -> list[Any]:
    """Return the types of `count` positional arguments, after `skipped` ones from papertrial."""
    names = [p.name for p in (parameters or {}).values() if p.kind in POSITIONAL]
    named = names[skipped : skipped + count]
    return [*(hints.get(name) for name in named), *[None] * (count - len(named))]


def resolve_named_code(text: str, hint: Any) -> Callable[..., Any] | None:
    """Resolve a text in an argument that names a class or function; None for any other text.

    `file.py:name` always names code, an import path only where the argument has the type
    `Callable`. What it names is the argument, and is not called.

    Raises:
        RecipeError: the code cannot be imported, cannot be called with as many arguments as the
            type says, or is not kept with the recipe.
    """
    is_call, count = call_of(hint)
    if is_reference(text):
        target = resolve(text)
    elif is_call and "." in text and all(part.isidentifier() for part in text.split(".")):
        try:
            target = resolve(text)
        except RecipeError:
            if takes_text(hint):
                return None
            raise
        if trace(text) is not None:
            raise RecipeError(
                f"{text!r} is code outside installed packages; name its file, ./file.py:name, so "
                "that it is kept with the recipe"
            )
    else:
        return None
    if count is not None and not inspect.isclass(target):
        _check_call(text, target, count)
    return target


def _check_call(text: str, target: Callable[..., Any], count: int) -> None:
    """Raise RecipeError unless a function can be called with `count` positional arguments."""
    try:
        inspect.signature(target).bind(*range(count))
    except TypeError as error:
        raise RecipeError(
            f"{text} is called with {count} argument{'s' * (count != 1)} here, which it does not "
            f"take: {error}"
        ) from error
    except ValueError:  # compiled code without a signature
        return


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
        "install it, or give a file as ./file.py:Name"
    )


def _import_closure(use: str, closure: Closure) -> Any:
    """Import the closure that a `use` resolves to; an error names the `use` that failed."""
    try:
        return import_isolated(closure)
    except RecipeError as error:
        if is_file(use):
            raise
        raise RecipeError(f"importing {closure.entry.name!r} failed: {error}") from error
