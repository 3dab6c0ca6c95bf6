"""Slots -> objects."""

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


def build(
    where: str, use: str, args: Sequence[Any], kwargs: Mapping[str, Any], supplied: Any = None
) -> Any:
    """Call what `use` names with the recipe's arguments and the supplied one; nested slots first.

    A plain function that is itself a loss or a transform is not called but bound to its arguments.

    Args:
        where: key path of the slot, "model" or "data.transform.0".
        use: import path.
        args: positional arguments of the recipe.
        kwargs: keyword arguments of the recipe.
        supplied: the optimizer's parameters, or the scheduler's optimizer; nested slots that take
            an argument of that name are given it too.

    Raises:
        RecipeError: the path cannot be imported, or what it names refuses its arguments.
    """
    return _build(where, use, args, kwargs, supplied, nested=False)


def _build(
    where: str,
    use: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    supplied: Any,
    *,
    nested: bool,
) -> Any:
    section = where.split(".", maxsplit=1)[0]
    if not isinstance(use, str):
        raise RecipeError(f"{where}.use: must be an import path, got {use!r}")
    if not isinstance(args, list | tuple):
        raise RecipeError(f"{where}.args: must be a list of arguments, got {args!r}")
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
        hint = f"; a nested slot is written {{use: {paths[0]}}}" if paths else ""
        if isinstance(error, FileNotFoundError) and not paths:
            hint = (
                "; a file that it reads is found from anywhere, and kept with the run, where an "
                "argument in the recipe names it (weights: ./w.pt)"
            )
        raise RecipeError(
            f"{where}: {use} refused its arguments: {type(error).__name__}: {error}{hint}"
        ) from error


def _nested(where: str, value: Any, supplied: Any) -> Any:
    if isinstance(value, dict) and "use" in value:
        kwargs = {k: v for k, v in value.items() if k not in ("use", "args")}
        return _build(where, value["use"], value.get("args", ()), kwargs, supplied, nested=True)
    if isinstance(value, dict):
        return {key: _nested(f"{where}.{key}", v, supplied) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_nested(f"{where}.{i}", v, supplied) for i, v in enumerate(value))
    return value
