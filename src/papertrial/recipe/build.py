"""Objects from the slots of a recipe."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from papertrial.errors import RecipeError
from papertrial.recipe.resolve import (
    CALLED_WITH,
    SUPPLIED,
    how_supplied,
    is_itself,
    parameters_of,
    resolve,
)
from papertrial.recipe.slots import section_of


def build(
    where: str, use: str, args: Sequence[object], kwargs: Mapping[str, object], supplied: Any = None
) -> Any:
    """Build the object of a slot: call its class or function, after building its nested slots.

    A function that is itself a loss or a transform is not called, but bound to its arguments.

    Args:
        where: key path of the slot, "model" or "data.transform.0".
        use: import path of the class or function.
        args: positional arguments from the recipe.
        kwargs: keyword arguments from the recipe.
        supplied: an additional argument: the parameters for an optimizer, the optimizer for a
            scheduler. Nested slots with a parameter of that name get it too.

    Raises:
        RecipeError: the path cannot be imported, or the call raises an exception.
    """
    return _build(where, use, args, kwargs, supplied, nested=False)


def _build(
    where: str,
    use: object,
    args: object,
    kwargs: Mapping[str, object],
    supplied: Any,
    *,
    nested: bool,
) -> Any:
    section = section_of(tuple(where.split(".")))
    if not isinstance(use, str):
        raise RecipeError(f"{where}.use: must be an import path, got {use!r}")
    if not isinstance(args, list | tuple):
        raise RecipeError(f"{where}.args: must be a list, got {args!r}")
    try:
        target = resolve(use)
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from error
    positional = [_nested(f"{where}.args.{i}", item, supplied) for i, item in enumerate(args)]
    named = {key: _nested(f"{where}.{key}", item, supplied) for key, item in kwargs.items()}
    if supplied is not None:
        how = how_supplied(section, parameters_of(target), nested)
        positional = [supplied, *positional] if how == "first" else positional
        named = {SUPPLIED[section]: supplied, **named} if how == "keyword" else named
    try:
        if not nested and is_itself(target, args, kwargs, CALLED_WITH.get(section, 0)):
            return functools.partial(target, **named)
        return target(*positional, **named)
    except Exception as error:
        paths = [item for item in args if isinstance(item, str) and item.count(".") > 1]
        hint = f"; write a nested slot as {{use: {paths[0]}}}" if paths else ""
        if isinstance(error, FileNotFoundError) and not paths:
            hint = (
                "; give the file as an argument in the recipe (weights: ./w.pt), so that it is "
                "found from any folder and kept with the run"
            )
        raise RecipeError(
            f"{where}: {use} failed with these arguments: {type(error).__name__}: {error}{hint}"
        ) from error


def _nested(where: str, value: object, supplied: Any) -> Any:
    if isinstance(value, dict) and "use" in value:
        kwargs = {k: v for k, v in value.items() if k not in ("use", "args")}
        return _build(where, value["use"], value.get("args", ()), kwargs, supplied, nested=True)
    if isinstance(value, dict):
        return {key: _nested(f"{where}.{key}", v, supplied) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_nested(f"{where}.{i}", v, supplied) for i, v in enumerate(value))
    return value
