"""Check `data.source` against the signature of its function."""

from __future__ import annotations

from papertrial.errors import Problem, RecipeError
from papertrial.recipe.argument_types import types_of
from papertrial.recipe.check_slots import check_signature, check_types, check_values
from papertrial.recipe.code_arguments import hints_of_arguments
from papertrial.recipe.plain_values import dotted
from papertrial.recipe.resolve import (
    DATA_FOLDER,
    POSITIONAL,
    Parameters,
    parameters_of,
    resolve,
)
from papertrial.recipe.slots import SOURCE, is_function


def check_source(data: object) -> list[Problem]:
    """Check a source that is a function, in the form {use: file.py:name, ...}.

    `data.path` is its first argument, and a parameter `data_folder` gets the data folder.

    Returns:
        The problems of the path of the function, of its arguments and of `data.path`.
    """
    source = data.get("source") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(source, dict):
        return []
    use, args = source.get("use"), source.get("args", ())
    if not isinstance(use, str) or not is_function(use) or not isinstance(args, list | tuple):
        return []  # the schema reports it
    kwargs = {key: value for key, value in source.items() if key not in ("use", "args")}
    try:
        target = resolve(use)
    except RecipeError as error:
        return [Problem(dotted(SOURCE), str(error))]
    parameters, hints = parameters_of(target), types_of(target)
    has_path = data.get("path") is not None
    types = hints_of_arguments(parameters, hints, int(has_path), len(args))
    problems = check_values(SOURCE, args, kwargs, types, hints)
    if parameters is None:
        return problems
    if DATA_FOLDER in kwargs:
        rule = "is given by papertrial, because it differs between machines"
        problems.append(Problem(dotted((*SOURCE, DATA_FOLDER)), f"{rule}; remove it"))
    own = {name: one for name, one in parameters.items() if name != DATA_FOLDER}
    others = {name: value for name, value in kwargs.items() if name != DATA_FOLDER}
    if unlike := _check_path(use, own, is_alone=not args and not others, has_path=has_path):
        return [*problems, unlike]
    problems += check_signature(SOURCE, use, own, (int(has_path), ""), args, others)
    return problems + check_types(SOURCE, use, hints, others)


def _check_path(
    use: str, parameters: Parameters, *, is_alone: bool, has_path: bool
) -> Problem | None:
    """Check whether a source takes the path of its data, and no more if it `is_alone`."""
    takes = [one for one in parameters.values() if one.kind in POSITIONAL]
    required = [one.name for one in takes if one.default is one.empty]
    if has_path and not takes:
        rule = f"is passed to {use}, which takes no arguments; give it a parameter"
        return Problem("data.path", f"{rule}, or remove this key")
    if not is_alone or len(required) <= int(has_path):
        return None
    if len(required) == 1:
        rule = f"is missing; {use} takes the file or folder of its data"
        return Problem("data.path", f"{rule}: {required[0]}")
    named = ", ".join(f"{name}: ..." for name in required[1:])
    rule = f"{use} takes {len(takes)} arguments; data.path is the first"
    return Problem(dotted(SOURCE), f"{rule}, the others are source: {{use: {use}, {named}}}")
