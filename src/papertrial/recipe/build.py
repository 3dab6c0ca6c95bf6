"""Objects from the slots of a recipe."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from papertrial.errors import RecipeError
from papertrial.recipe.argument_types import takes_tensor, types_of
from papertrial.recipe.code_arguments import (
    hints_of_arguments,
    is_given_itself,
    resolve_named_code,
)
from papertrial.recipe.resolve import (
    CALLED_WITH,
    SUPPLIED,
    how_supplied,
    is_itself,
    parameters_of,
    resolve,
)
from papertrial.recipe.slots import kind_and_depth


class Call(NamedTuple):
    """A resolved class or function, and the arguments of its slot with their nested slots built."""

    target: Any
    args: list[Any]
    kwargs: dict[str, Any]


def call_of_slot(
    where: str, use: str, args: Sequence[object], kwargs: Mapping[str, object]
) -> Call:
    """Return what a slot calls, and with which arguments, without calling it.

    Raises:
        RecipeError: the path cannot be imported, or a nested slot fails.
    """
    return _call(where, use, args, kwargs, None, nested=False)


def build(
    where: str, use: str, args: Sequence[object], kwargs: Mapping[str, object], supplied: Any = None
) -> Any:
    """Build the object of a slot: call its class or function, after building its nested slots.

    A function that is itself a loss or a transform is not called, but bound to its arguments. So
    is one that is given for an argument of the type `Callable`. Numbers and lists of numbers become
    float tensors for arguments of the type `Tensor`.

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
    hint: Any = None,
) -> Any:
    if not isinstance(use, str):
        raise RecipeError(f"{where}.use: must be an import path, got {use!r}")
    if not isinstance(args, list | tuple):
        raise RecipeError(f"{where}.args: must be a list, got {args!r}")
    target, positional, named = _call(where, use, args, kwargs, supplied, nested=nested)
    kind, _ = kind_and_depth(tuple(where.split(".")))
    try:
        if not nested and is_itself(target, args, kwargs, CALLED_WITH.get(kind, 0)):
            return functools.partial(target, **named)
        if nested and is_given_itself(target, args, kwargs, hint):
            return functools.partial(target, **named) if named else target
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


def _call(
    where: str,
    use: str,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    supplied: Any,
    *,
    nested: bool,
) -> Call:
    kind, _ = kind_and_depth(tuple(where.split(".")))
    try:
        target = resolve(use)
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from error
    parameters, hints = parameters_of(target), types_of(target)
    how = "" if supplied is None else how_supplied(kind, parameters, nested)
    types = hints_of_arguments(parameters, hints, int(how == "first"), len(args))
    positional = [
        _argument(f"{where}.args.{i}", item, supplied, one)
        for i, (item, one) in enumerate(zip(args, types, strict=True))
    ]
    named = {
        key: _argument(f"{where}.{key}", item, supplied, hints.get(key))
        for key, item in kwargs.items()
    }
    positional = [supplied, *positional] if how == "first" else positional
    named = {SUPPLIED[kind]: supplied, **named} if how == "keyword" else named
    return Call(target, positional, named)


def _argument(where: str, value: object, supplied: Any, hint: Any) -> Any:
    """Return the value of an argument whose type is `hint`: build the slots in it."""
    if isinstance(value, dict) and "use" in value:
        kwargs = {k: v for k, v in value.items() if k not in ("use", "args")}
        args = value.get("args", ())
        return _build(where, value["use"], args, kwargs, supplied, nested=True, hint=hint)
    if isinstance(value, dict):
        return {key: _argument(f"{where}.{key}", v, supplied, None) for key, v in value.items()}
    if _is_numbers(value) and takes_tensor(hint):
        return _to_tensor(where, value)
    if isinstance(value, list | tuple):
        items = (_argument(f"{where}.{i}", v, supplied, hint) for i, v in enumerate(value))
        return type(value)(items)
    if isinstance(value, str):
        try:
            named = resolve_named_code(value, hint)
        except RecipeError as error:
            raise RecipeError(f"{where}: {error}") from error
        return value if named is None else named
    return value


def _is_numbers(value: object) -> bool:
    """Return whether a value is a number, or a list of numbers or of such lists."""
    if isinstance(value, list | tuple):
        return len(value) > 0 and all(map(_is_numbers, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def _to_tensor(where: str, value: object) -> Any:
    """Return numbers as a float tensor."""
    import torch  # noqa: PLC0415  (a recipe of a program needs none)

    try:
        return torch.tensor(value, dtype=torch.get_default_dtype())
    except (ValueError, TypeError) as error:
        raise RecipeError(f"{where}: cannot be a tensor: {error}; got {value!r}") from error
