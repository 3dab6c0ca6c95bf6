"""Import paths -> classes and functions; arguments checked against signatures; objects built."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import inspect
import sys
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from papertrial.errors import Problem, RecipeError, did_you_mean
from papertrial.recipe.text import KeyPath, dotted

# What the engine itself supplies as the first argument, also to nested slots that ask for it by
# name (SequentialLR's schedulers).
SUPPLIED = {"optimizer": "params", "scheduler": "optimizer"}
# What it calls a plain function with: `loss(output, target)`, a transform of one image.
CALLED_WITH = {"loss": 2, "data": 1}
# Keys of a slot's section that are the recipe's own, not arguments of what it names.
OWN_KEYS = {"scheduler": {"interval", "monitor"}}
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def slots_in(tree: dict[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    """Yield (key path, value) of each place in a recipe's plain values that names a class."""
    for section in ("model", "loss", "optimizer", "scheduler"):
        if tree.get(section) is not None:
            yield (section,), tree[section]
    data = tree.get("data")
    data = data if isinstance(data, dict) else {}
    for section in ("transform", "augment"):
        listed = data.get(section)
        for index, item in enumerate(listed if isinstance(listed, list | tuple) else ()):
            yield ("data", section, index), item


def is_file(use: str) -> bool:
    """Tell whether `use` is "file.py:Name" rather than an import path."""
    return ".py:" in use


def anchor_files(value: Any, folder: Path) -> Any:
    """Make every "./file.py:Name" under a `use` absolute, taken as relative to `folder`."""
    return map_files(value, lambda use: str((folder / use).resolve()))


def files_in(value: Any) -> list[Path]:
    """List the files that plain values name under a `use`, each once, in order."""
    found: dict[Path, None] = {}
    map_files(value, lambda use: found.setdefault(Path(use.rpartition(":")[0])) or use)
    return list(found)


def map_files(value: Any, rename: Callable[[str], str]) -> Any:
    """Return plain values with every "path.py:Name" under a `use` replaced by `rename` of it."""
    if isinstance(value, dict):
        return {
            key: rename(item)
            if key == "use" and isinstance(item, str) and is_file(item)
            else map_files(item, rename)
            for key, item in value.items()
        }
    return [map_files(i, rename) for i in value] if isinstance(value, list | tuple) else value


def resolve(use: str) -> Callable[..., Any]:
    """Import what `use` names.

    Raises:
        RecipeError: there is no such module, file or name, or it is not callable.
    """
    if is_file(use):
        path, _, name = use.rpartition(":")
        owner: Any = _load_file(Path(path))
        parts = name.split(".")
    else:
        owner, parts = _import(use)
    for depth, part in enumerate(parts):
        if not hasattr(owner, part):
            where = getattr(owner, "__name__", type(owner).__name__)
            where = use.rpartition(":")[0] if is_file(use) and depth == 0 else where
            names = [name for name in dir(owner) if not name.startswith("_")]
            near = did_you_mean(part, names)
            near = near if near.startswith("; did") else ""
            raise RecipeError(f"{where} has no {part!r}, got use: {use!r}{near}")
        owner = getattr(owner, part)
    if not callable(owner):
        raise RecipeError(f"use must name a class or a function, got {use!r}, {type(owner)}")
    return owner  # type: ignore[no-any-return]


def _import(use: str) -> tuple[Any, list[str]]:
    parts = use.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise RecipeError(f"use is package.module.Name or ./file.py:Name, got {use!r}")
    for cut in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:cut])
        try:
            return importlib.import_module(module), parts[cut:]
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise RecipeError(f"importing {module!r} failed: {error}") from error
        except Exception as error:
            raise RecipeError(
                f"importing {module!r} failed: {type(error).__name__}: {error}"
            ) from error
    near = did_you_mean(parts[0], ["torch", "torchvision", "papertrial"])
    near = near if near.startswith("; did") else ""
    raise RecipeError(
        f"there is no module {parts[0]!r}, got use: {use!r}{near}; "
        "install it, or name a file as ./file.py:Name"
    )


def _load_file(path: Path) -> Any:
    """Import a file by its content: the same text is the same module, wherever it lies."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise RecipeError(f"there is no readable file {str(path)!r}: {error.strerror}") from error
    name = f"papertrial_file_{hashlib.sha256(source).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        alone = "; the file must stand alone, for a run keeps a copy of it and nothing beside it"
        hint = alone if isinstance(error, ModuleNotFoundError) else ""
        raise RecipeError(
            f"{path}{line} cannot be imported: {type(error).__name__}: {error}{hint}"
        ) from error
    return module


def check_slot(path: KeyPath, value: Any, nested: bool = False) -> list[Problem]:
    """Return what is wrong with a slot: its import path, its arguments, and its nested slots."""
    value = {"use": value} if isinstance(value, str) else value
    if not isinstance(value, dict) or not isinstance(value.get("use"), str):
        return []  # the schema has said so
    section = str(path[0])
    own = set() if nested else OWN_KEYS.get(section, set())
    args = value.get("args") or []
    args = list(args) if isinstance(args, list | tuple) else []
    kwargs = {k: v for k, v in value.items() if k not in {"use", "args", *own}}
    problems = _check_nested((*path, "args"), args)
    for key, item in kwargs.items():
        problems += _check_nested((*path, key), item)
    try:
        target = resolve(value["use"])
        parameters = inspect.signature(target).parameters
    except RecipeError as error:
        return [*problems, Problem(dotted((*path, "use")), str(error))]
    except (ValueError, TypeError):  # compiled code without a signature
        return problems
    supplied = int(section in SUPPLIED and (not nested or _asks_for(parameters, SUPPLIED[section])))
    if not nested and _is_itself(target, args, kwargs, CALLED_WITH.get(section, 0)):
        supplied = CALLED_WITH[section]
    problems += _check_arguments(path, value["use"], parameters, supplied, args, kwargs)
    return problems + _check_numbers(path, value["use"], target, kwargs)


def _check_nested(path: KeyPath, value: Any) -> list[Problem]:
    if isinstance(value, dict) and "use" in value:
        return check_slot(path, value, nested=True)
    items: list[tuple[Any, Any]] = list(value.items()) if isinstance(value, dict) else []
    items = list(enumerate(value)) if isinstance(value, list | tuple) else items
    return [problem for key, item in items for problem in _check_nested((*path, key), item)]


def _asks_for(parameters: Mapping[str, inspect.Parameter], name: str) -> bool:
    return next(iter(parameters), None) == name


def _is_itself(target: Any, args: Sequence[Any], kwargs: Mapping[str, Any], calls: int) -> bool:
    """Whether a function is what the engine calls with `calls` arguments, not a maker of it."""
    if calls == 0 or args or inspect.isclass(target):
        return False
    parameters = inspect.signature(target).parameters.values()
    open_ = [p for p in parameters if p.default is p.empty and p.kind in _POSITIONAL]
    return len([p for p in open_ if p.name not in kwargs]) == calls


def _check_arguments(
    path: KeyPath,
    use: str,
    parameters: Mapping[str, inspect.Parameter],
    supplied: int,
    args: Any,
    kwargs: dict[str, Any],
) -> list[Problem]:
    problems = []
    kinds = [p.kind for p in parameters.values()]
    positional = [p for p in parameters.values() if p.kind in _POSITIONAL]
    by_keyword = [n for n, p in parameters.items() if p.kind not in (_POSITIONAL[0], *_VARIADIC)]
    count = supplied + len(args)
    if count > len(positional) and inspect.Parameter.VAR_POSITIONAL not in kinds:
        rule = f"{use} takes at most {max(len(positional) - supplied, 0)} positional arguments"
        problems.append(Problem(dotted((*path, "args")), f"{rule}, got {len(args)}"))
    filled = {p.name for p in positional[:count]}
    for name, value in kwargs.items():
        here = dotted((*path, name))
        if name in filled:
            by = "papertrial itself" if name in {p.name for p in positional[:supplied]} else "args"
            problems.append(Problem(here, f"is already given by {by}, got {value!r}"))
        elif name not in by_keyword and inspect.Parameter.VAR_KEYWORD not in kinds:
            near = did_you_mean(name, set(by_keyword) - filled)
            problems.append(Problem(here, f"{use} takes no such argument, got {value!r}{near}"))
    for parameter in parameters.values():
        needed = parameter.default is parameter.empty and parameter.kind not in _VARIADIC
        if needed and parameter.name not in filled | set(kwargs):
            rule = f"{use} needs the argument {parameter.name!r}, which is missing"
            problems.append(Problem(dotted((*path, parameter.name)), rule))
    return problems


def _check_numbers(path: KeyPath, use: str, target: Any, kwargs: dict[str, Any]) -> list[Problem]:
    """Refuse text for an argument that its annotation makes a number."""
    try:
        hints = typing.get_type_hints(target.__init__ if inspect.isclass(target) else target)
    except Exception:  # annotations that cannot be read say nothing
        return []
    return [
        Problem(dotted((*path, name)), f"{use} takes a number here, got {value!r}")
        for name, value in kwargs.items()
        if isinstance(value, str) and name in hints and _is_number(hints[name])
    ]


def _is_number(hint: Any) -> bool:
    members = typing.get_args(hint) or (hint,)
    kinds = {getattr(member, "__name__", "") for member in members}
    return bool(kinds & {"int", "float"}) and kinds <= {
        "int",
        "float",
        "bool",
        "Tensor",
        "NoneType",
    }


def build(
    where: str, use: str, args: Sequence[Any], kwargs: Mapping[str, Any], supplied: Any = None
) -> Any:
    """Call what `use` names with the supplied argument, then the recipe's; nested slots first.

    A plain function that is itself a loss or a transform is not called but bound to its arguments.

    Args:
        where: key path of the slot, "model" or "data.transform.0".
        use: import path.
        args: positional arguments of the recipe.
        kwargs: keyword arguments of the recipe.
        supplied: the optimizer's parameters, or the scheduler's optimizer.

    Raises:
        RecipeError: the path cannot be imported, or what it names refuses its arguments.
    """
    section, target = where.split(".", maxsplit=1)[0], resolve(use)
    positional = [_build_nested(f"{where}.args.{i}", item, supplied) for i, item in enumerate(args)]
    named = {key: _build_nested(f"{where}.{key}", item, supplied) for key, item in kwargs.items()}
    try:
        if _is_itself(target, args, kwargs, CALLED_WITH.get(section, 0)):
            return functools.partial(target, **named)
        return target(*([] if supplied is None else [supplied]), *positional, **named)
    except Exception as error:
        raise RecipeError(
            f"{where}: {use} refused its arguments: {type(error).__name__}: {error}"
        ) from error


def _build_nested(where: str, value: Any, supplied: Any) -> Any:
    if isinstance(value, dict) and "use" in value:
        kwargs = {k: v for k, v in value.items() if k not in ("use", "args")}
        section = where.split(".", maxsplit=1)[0]
        if supplied is not None:
            parameters = inspect.signature(resolve(value["use"])).parameters
            supplied = supplied if _asks_for(parameters, SUPPLIED[section]) else None
        return build(where, value["use"], value.get("args") or [], kwargs, supplied)
    if isinstance(value, dict):
        return {key: _build_nested(f"{where}.{key}", v, supplied) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_build_nested(f"{where}.{i}", v, supplied) for i, v in enumerate(value))
    return value
