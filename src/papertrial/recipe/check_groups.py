"""Checks of the parameter groups of an optimizer against its signature."""

from __future__ import annotations

import inspect

from papertrial.errors import Problem, RecipeError, did_you_mean
from papertrial.recipe.argument_types import types_of
from papertrial.recipe.check_slots import check_types
from papertrial.recipe.plain_values import KeyPath, dotted, list_at
from papertrial.recipe.resolve import VARIADIC, parameters_of, resolve
from papertrial.recipe.slots import OWN_KEYS

_CONDITIONS_AND_SLOT = ("use", "args", *OWN_KEYS["group"])


def check_groups(optimizer: object) -> list[Problem]:
    """Check the groups of the plain value of `optimizer`: layers and options; return the problems.

    The groups with an optimizer of their own are slots, and checked as these.
    """
    problems = []
    for index, group in enumerate(list_at(optimizer, "groups")):
        path: KeyPath = ("optimizer", "groups", index)
        if not isinstance(group, dict):
            continue
        problems += _check_layers(path, group.get("layers"))
        if group.get("use") is None and isinstance(optimizer, dict):
            options = {k: v for k, v in group.items() if k not in _CONDITIONS_AND_SLOT}
            problems += _check_options(path, optimizer.get("use"), options)
    return problems


def _check_layers(path: KeyPath, layers: object) -> list[Problem]:
    problems = []
    for use in [layers] if isinstance(layers, str) else list_at({"layers": layers}, "layers"):
        where = dotted((*path, "layers"))
        try:
            if isinstance(use, str) and not inspect.isclass(resolve(use)):
                problems.append(Problem(where, f"must be the class of a module, got {use!r}"))
        except RecipeError as error:
            problems.append(Problem(where, str(error)))
    return problems


def _check_options(path: KeyPath, use: object, options: dict[str, object]) -> list[Problem]:
    """Check the options of a group against the signature of the optimizer that they are for."""
    try:
        target = resolve(use) if isinstance(use, str) else None
    except RecipeError:  # reported where the optimizer is checked
        return []
    parameters = None if target is None else parameters_of(target)
    if target is None or parameters is None:
        return []
    first = next(iter(parameters), "")
    known = [n for n, p in parameters.items() if n != first and p.kind not in VARIADIC]
    problems = []
    if not options:
        rule = "has no option of its own; give it one, such as lr, or remove the group"
        problems.append(Problem(dotted(path), rule))
    if VARIADIC[1] not in [p.kind for p in parameters.values()]:
        problems += [
            Problem(
                dotted((*path, name)),
                f"is not an argument of {use}, got {value!r}{did_you_mean(name, known)}",
            )
            for name, value in options.items()
            if name not in known
        ]
    return problems + check_types(path, str(use), types_of(target), options)
