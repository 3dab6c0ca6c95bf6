"""Checks of slots against the signatures of their classes and functions."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from papertrial.errors import Problem, RecipeError, did_you_mean
from papertrial.recipe.plain_values import KeyPath, dotted
from papertrial.recipe.resolve import (
    CALLED_WITH,
    POSITIONAL,
    SUPPLIED,
    VARIADIC,
    Parameters,
    how_supplied,
    is_itself,
    parameters_of,
    resolve,
)
from papertrial.recipe.slots import OWN_KEYS, depth_of, is_file

_NUMBER = "a number"


def check_slot(path: KeyPath, value: object) -> list[Problem]:
    """Check a slot: its import path, its arguments and its nested slots; return the problems."""
    slot = {"use": value} if isinstance(value, str) else value if isinstance(value, dict) else {}
    nested = len(path) > depth_of(path)
    use, args = slot.get("use"), slot.get("args", [])
    if not isinstance(use, str) or not isinstance(args, list | tuple):
        return _wrong_shape(path, use, args) if nested else []  # the schema reports the others
    section = str(path[0])
    own = () if nested else OWN_KEYS.get(section, ())
    kwargs = {k: v for k, v in slot.items() if k not in {"use", "args", *own}}
    problems = _check_nested((*path, "args"), args)
    for key, item in kwargs.items():
        problems += _check_nested((*path, key), item)
    try:
        target = resolve(use)
    except RecipeError as error:
        return [*problems, Problem(dotted((*path, "use")), str(error))]
    if section == "metrics" and not nested and _is_of_scikit_learn(target):
        return [*problems, Problem(dotted((*path, "use")), _targets_first(target.__name__))]
    parameters = parameters_of(target)
    if parameters is None:
        return problems
    how = how_supplied(section, parameters, nested)
    by_name = SUPPLIED[section] if how == "keyword" else ""
    supplied = int(how == "first")
    if not nested and is_itself(target, args, kwargs, CALLED_WITH.get(section, 0)):
        supplied = CALLED_WITH[section]
    problems += _check_arguments(path, use, parameters, (supplied, by_name), args, kwargs)
    return problems + _check_argument_types(path, use, target, kwargs)


def check_source(data: object) -> list[Problem]:
    """Check `data.source` like a slot if it is a function in a file; return the problems."""
    source = data.get("source") if isinstance(data, dict) else None
    if not isinstance(source, str) or not is_file(source):
        return []
    try:
        resolve(source)
    except RecipeError as error:
        return [Problem("data.source", str(error))]
    return []


def _wrong_shape(path: KeyPath, use: object, args: object) -> list[Problem]:
    if not isinstance(use, str):
        rule = "must be the import path of a class or function"
        return [Problem(dotted((*path, "use")), f"{rule}, got {use!r}")]
    return [Problem(dotted((*path, "args")), f"must be a list, got {args!r}")]


def _is_of_scikit_learn(target: Any) -> bool:
    return str(getattr(target, "__module__", "")).partition(".")[0] == "sklearn"


def _targets_first(name: str) -> str:
    """Say how to use a metric of scikit-learn, which would give wrong numbers as it is."""
    return (
        f"{name} of scikit-learn takes (targets, predictions), but a metric here is called with "
        "(outputs, targets); write a function of your own, such as def score(output, target): "
        f"return {name}(target, output.argmax(1)), and use ./file.py:score"
    )


def _check_nested(path: KeyPath, value: object) -> list[Problem]:
    if isinstance(value, dict) and "use" in value:
        return check_slot(path, value)
    items: list[tuple[str | int, object]] = list(value.items()) if isinstance(value, dict) else []
    items = list(enumerate(value)) if isinstance(value, list | tuple) else items
    return [problem for key, item in items for problem in _check_nested((*path, key), item)]


def _check_arguments(
    path: KeyPath,
    use: str,
    parameters: Parameters,
    supplied: tuple[int, str],
    args: Sequence[object],
    kwargs: Mapping[str, object],
) -> list[Problem]:
    problems = []
    kinds = [p.kind for p in parameters.values()]
    first, by_name = supplied  # number of leading arguments from papertrial, and a keyword
    positional = [p for p in parameters.values() if p.kind in POSITIONAL and p.name != by_name]
    by_keyword = [n for n, p in parameters.items() if p.kind not in (POSITIONAL[0], *VARIADIC)]
    count = first + len(args)
    if count > len(positional) and VARIADIC[0] not in kinds:
        most = max(len(positional) - first, 0)
        rule = f"{use} takes at most {most} positional argument{'s' * (most != 1)}"
        problems.append(Problem(dotted((*path, "args")), f"{rule}, got {len(args)}"))
    ours = {by_name} | {p.name for p in positional[:first]}
    filled = ours | {p.name for p in positional[:count]}
    for name, value in kwargs.items():
        here = dotted((*path, name))
        if name in filled:
            by = "papertrial" if name in ours else "args"
            problems.append(Problem(here, f"is already set by {by}, got {value!r}"))
        elif name not in by_keyword and VARIADIC[1] not in kinds:
            near = did_you_mean(name, set(by_keyword) - filled)
            problems.append(Problem(here, f"is not an argument of {use}, got {value!r}{near}"))
    for parameter in parameters.values():
        needed = parameter.default is parameter.empty and parameter.kind not in VARIADIC
        if needed and parameter.name not in filled | set(kwargs):
            rule = f"is missing; {use} requires the argument {parameter.name!r}"
            problems.append(Problem(dotted((*path, parameter.name)), rule))
    return problems


def _check_argument_types(
    path: KeyPath, use: str, target: Any, kwargs: Mapping[str, object]
) -> list[Problem]:
    """Check the types of a slot's arguments: text or a boolean where a number is annotated."""
    try:
        hints = typing.get_type_hints(
            inspect.getattr_static(target, "__init__") if inspect.isclass(target) else target
        )
    except Exception:  # the annotations cannot be evaluated, so nothing is known
        return []
    wanted = {
        name: _expected_type(hints[name])
        for name, value in kwargs.items()
        if isinstance(value, str | bool) and name in hints
    }
    return [
        Problem(dotted((*path, name)), f"must be {kind} for {use}, got {kwargs[name]!r}")
        for name, kind in wanted.items()
        if kind and (isinstance(kwargs[name], str) or kind == _NUMBER)
    ]


def _expected_type(hint: Any) -> str:
    """Return in words the type that the signature of a slot asks for; "" if it is not checked."""
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    members = set(typing.get_args(hint) if is_union else [hint]) - {type(None)}
    names = {getattr(member, "__name__", "?") for member in members}
    if names == {"bool"}:
        return "true or false"
    numbers = bool(names & {"int", "float"}) and names <= {"int", "float", "Tensor"}
    return _NUMBER if numbers else "a number, or true or false" if "bool" in names else ""
