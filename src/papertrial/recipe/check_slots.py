"""Checks of slots against the signatures of their classes and functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from papertrial.errors import Problem, RecipeError, did_you_mean
from papertrial.recipe.argument_types import call_of, in_words, is_wrong, takes_tensor, types_of
from papertrial.recipe.code_arguments import (
    hints_of_arguments,
    is_given_itself,
    resolve_named_code,
)
from papertrial.recipe.plain_values import KeyPath, dotted
from papertrial.recipe.resolve import (
    CALLED_WITH,
    OFFERED,
    POSITIONAL,
    SUPPLIED,
    VARIADIC,
    Parameters,
    how_supplied,
    is_itself,
    parameters_of,
    resolve,
)
from papertrial.recipe.slots import OWN_KEYS, is_reference, kind_and_depth

BALANCED = "balanced"  # class weights from the counts of the training part


def check_slot(path: KeyPath, value: object, hint: Any = None) -> list[Problem]:
    """Check a slot: its import path, its arguments and its nested slots; return the problems.

    `hint` is the type of the argument that a nested slot is for.
    """
    slot = {"use": value} if isinstance(value, str) else value if isinstance(value, dict) else {}
    kind, depth = kind_and_depth(path)
    nested = len(path) > depth
    use, args = slot.get("use"), slot.get("args", [])
    if not isinstance(use, str) or not isinstance(args, list | tuple):
        return _wrong_shape(path, use, args) if nested else []  # the schema reports the others
    own = () if nested else OWN_KEYS.get(kind, ())
    kwargs = {k: v for k, v in slot.items() if k not in {"use", "args", *own}}
    try:
        target = resolve(use)
    except RecipeError as error:
        problems = check_values(path, args, kwargs, [None] * len(args), {})
        return [*problems, Problem(dotted((*path, "use")), str(error))]
    if kind == "metrics" and not nested and _is_of_scikit_learn(target):
        return [Problem(dotted((*path, "use")), _targets_first(target.__name__))]
    parameters, hints = parameters_of(target), types_of(target)
    how = how_supplied(kind, parameters, nested)
    first = int(how == "first")
    types = hints_of_arguments(parameters, hints, first, len(args))
    problems = check_values(path, args, kwargs, types, hints)
    if parameters is None:
        return problems
    by_name = SUPPLIED[kind] if how == "keyword" else ""
    if not nested and is_itself(target, args, kwargs, CALLED_WITH.get(kind, 0)):
        first = CALLED_WITH[kind]
    if nested and is_given_itself(target, args, kwargs, hint):
        first = call_of(hint)[1] or len(parameters)
    offered = () if nested else OFFERED.get(kind, ())
    # As if they had a default.
    parameters = {
        n: p.replace(default=None) if n in offered and p.default is p.empty else p
        for n, p in parameters.items()
    }
    problems += check_signature(path, use, parameters, (first, by_name), args, kwargs)
    return problems + check_types(path, use, hints, kwargs)


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


def check_values(
    path: KeyPath,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    types: Sequence[Any],
    hints: Mapping[str, Any],
) -> list[Problem]:
    """Check the slots and the named code in the arguments of a slot."""
    problems = []
    for index, (item, hint) in enumerate(zip(args, types, strict=True)):
        problems += _check_value((*path, "args", index), item, hint)
    for key, item in kwargs.items():
        problems += _check_value((*path, key), item, hints.get(key))
    return problems


def _check_value(path: KeyPath, value: object, hint: Any) -> list[Problem]:
    if isinstance(value, dict) and "use" in value:
        return check_slot(path, value, hint)
    if isinstance(value, str):
        try:
            resolve_named_code(value, hint)
        except RecipeError as error:
            return [Problem(dotted(path), str(error))]
    inner: list[tuple[str | int, object]] = list(value.items()) if isinstance(value, dict) else []
    inner = list(enumerate(value)) if isinstance(value, list | tuple) else inner
    below = None if isinstance(value, dict) else hint
    return [problem for key, item in inner for problem in _check_value((*path, key), item, below)]


def check_signature(
    path: KeyPath,
    use: str,
    parameters: Parameters,
    supplied: tuple[int, str],
    args: Sequence[object],
    kwargs: Mapping[str, object],
) -> list[Problem]:
    """Check the arguments of a slot against the parameters of its class or function.

    `supplied` has the number of leading arguments from papertrial, and the name of one by keyword.
    """
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


def check_types(
    path: KeyPath, use: str, hints: Mapping[str, Any], kwargs: Mapping[str, object]
) -> list[Problem]:
    """Check the values of a slot's arguments against their types, where they are known.

    That is: text or a boolean in place of a number, and what cannot become a tensor.
    """
    problems = []
    for name, value in kwargs.items():
        words, hint = in_words(hints.get(name)), hints.get(name)
        if name in hints and is_wrong(value, words):
            problems.append((name, words))
        elif name in hints and takes_tensor(hint) and _no_tensor(path, value):
            by_class = ", numbers by class name, or balanced" if path[0] == "loss" else ""
            problems.append((name, f"a number or a list of numbers{by_class}"))
    return [
        Problem(dotted((*path, name)), f"must be {words} for {use}, got {kwargs[name]!r}")
        for name, words in problems
    ]


def _no_tensor(path: KeyPath, value: object) -> bool:
    """Return whether a value cannot become a tensor; class weights are only for the loss."""
    if isinstance(value, str):
        return not (path[0] == "loss" and value == BALANCED) and not is_reference(value)
    if isinstance(value, dict):
        return "use" not in value and path[0] != "loss"
    return isinstance(value, bool)
