"""The types that a class or function declares for its arguments."""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

_NUMBER = "a number"
# Names that torch imports for type checkers alone, so that its annotations cannot be evaluated.
_TYPING = {**vars(typing), **vars(collections.abc)}


def types_of(target: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the types of a target's arguments by name; {} if they cannot be evaluated."""
    function = inspect.getattr_static(target, "__init__") if inspect.isclass(target) else target
    for names in (None, _TYPING):
        try:
            return typing.get_type_hints(function, localns=names)
        except Exception:
            continue
    return {}


def takes_tensor(hint: Any) -> bool:
    """Return whether an argument of this type takes a tensor, but neither a number nor a list."""
    names = {getattr(member, "__name__", "?") for member in _members(hint)}
    return names == {"Tensor"}


def takes_module(hint: Any) -> bool:
    """Return whether an argument of this type takes a `torch.nn.Module` and nothing else."""
    return {getattr(member, "__name__", "?") for member in _members(hint)} == {"Module"}


def call_of(hint: Any) -> tuple[bool, int | None]:
    """Return whether an argument of this type takes something to call, and with how many arguments.

    The number is None if it is not known. A list of such things counts too.
    """
    for member in _members(hint):
        inner = [member, *typing.get_args(member)] if _is_list(member) else [member]
        for one in inner:
            if (typing.get_origin(one) or one) is collections.abc.Callable:
                given = typing.get_args(one)
                known = len(given) == 2 and isinstance(given[0], list)
                return True, len(given[0]) if known else None
    return False, None


def takes_text(hint: Any) -> bool:
    """Return whether an argument of this type takes text."""
    return str in _members(hint)


def in_words(hint: Any) -> str:
    """Return in words the type that an argument must have; "" if it is not checked."""
    names = {getattr(member, "__name__", "?") for member in _members(hint)}
    if names == {"bool"}:
        return "true or false"
    numbers = bool(names & {"int", "float"}) and names <= {"int", "float", "Tensor"}
    return _NUMBER if numbers else "a number, or true or false" if "bool" in names else ""


def is_wrong(value: object, words: str) -> bool:
    """Return whether a text or a boolean is not of the type that `in_words` returned."""
    is_checked = bool(words) and isinstance(value, str | bool)
    return is_checked and (isinstance(value, str) or words == _NUMBER)


def _members(hint: Any) -> list[Any]:
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    members = typing.get_args(hint) if is_union else (hint,)
    return [member for member in members if member is not type(None)]


def _is_list(hint: Any) -> bool:
    return typing.get_origin(hint) in (list, tuple, collections.abc.Sequence)
