"""Functions and classes as arguments of a slot: by name, or as a nested slot that is not called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from papertrial.errors import RecipeError
from papertrial.recipe.argument_types import call_of, takes_module, takes_text
from papertrial.recipe.closure import trace
from papertrial.recipe.resolve import (
    POSITIONAL,
    Parameters,
    parameters_of,
    required_left,
    resolve,
)
from papertrial.recipe.slots import is_reference


def is_given_itself(
    target: Any, args: Sequence[object], kwargs: Mapping[str, object], hint: Any
) -> bool:
    """Return whether a function in a nested slot is itself the argument, not a factory of it.

    It is if the argument has the type `Callable`, and required arguments of the function are not
    set: those it will be called with.
    """
    parameters = None if args or inspect.isclass(target) else parameters_of(target)
    return bool(parameters and call_of(hint)[0] and required_left(parameters, kwargs))


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
            type says, or is not kept with the recipe; or the type is that of a module, and the code
            makes one.
    """
    is_call, count = call_of(hint)
    if is_reference(text):
        target = resolve(text)
        if takes_module(hint):
            raise RecipeError(
                f"must be a module, got the name of what makes one; write {{use: {text}}}, which "
                "is called"
            )
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
