"""Overrides `dotted.key=value` of a recipe's plain values, with types from the schema."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from papertrial.errors import Problem
from papertrial.recipe.plain_values import KeyPath, dotted
from papertrial.recipe.schema import fields_by_key, schema_at
from papertrial.recipe.yaml_text import parse_value


def apply_overrides(
    tree: dict[str, object], overrides: Sequence[str], places: dict[str, str | int]
) -> tuple[list[KeyPath], list[Problem]]:
    """Apply overrides to plain values in place; return the key paths that they set, and problems.

    `places` maps keys to lines; for a key that is set, the override replaces the line.
    """
    changed, problems = list[KeyPath](), list[Problem]()
    for override in overrides:
        path, problem = apply_override(tree, override)
        if problem:
            problems.append(problem)
            continue
        changed.append(path)
        where = dotted(path)
        for known in [k for k in places if f"{k}.".startswith(f"{where}.")]:
            del places[known]
        places[where] = f'override "{override}"'
    return changed, problems


def apply_override(tree: dict[str, object], text: str) -> tuple[KeyPath, Problem | None]:
    """Apply one override `dotted.key=value` to `tree` in place; return its key path and problem.

    The value begins after the first "=". It is text if the schema requires text, else YAML. A
    number in the path is an index into a list. `tree` has no slots in short form.
    """
    origin = f'override "{text}"'
    key, equals, raw = text.partition("=")
    path: KeyPath = tuple(
        int(p) if p.isascii() and p.isdigit() else p for p in key.strip().split(".")
    )
    if not equals or "" in path:
        rule = "an override must have the form dotted.key=value, such as optimizer.lr=0.01"
        return path, Problem("", rule, origin=origin)
    value = _value_of(raw, _annotation_at(path))
    node: Any = tree
    for depth, part in enumerate(path[:-1]):
        child = _child_at(node, part)
        if child is None and isinstance(node, dict):
            child = node[part] = {}
        if not isinstance(child, dict | list):
            here = ".".join(str(p) for p in path[: depth + 1])
            rule = f"is not a section or a list, so {text!r} cannot set a value in it"
            return path, Problem(here, rule, origin=origin)
        node = child
    last = path[-1]
    if isinstance(node, list):
        if not isinstance(last, int) or last >= len(node):
            rule = f"the index must be from 0 to {len(node) - 1}, got {last!r}"
            rule = rule if node else f"the list is empty, got index {last!r}; set the whole list"
            return path, Problem(".".join(map(str, path)), rule, origin=origin)
        node[last] = value
    else:
        node[last] = value
    return path, None


def _child_at(node: Any, part: str | int) -> Any:
    if isinstance(node, list):
        return node[part] if isinstance(part, int) and part < len(node) else False
    return node.get(part)


def _annotation_at(path: KeyPath) -> Any:
    """Return the type that the schema requires of an override; None if any, as in an argument."""
    section = schema_at(path[:-1])
    last = path[-1]
    field = fields_by_key(section).get(last) if section and isinstance(last, str) else None
    return None if field is None else field.annotation


def _value_of(raw: str, annotation: Any) -> object:
    """Return the value of an override: text where the schema wants text, else YAML.

    Where it also takes a list or a mapping, YAML that is one counts as such.
    """
    if _is_text(annotation) and raw != "null":
        return raw
    parsed = parse_value(raw)
    is_scalar = raw != "null" and not isinstance(parsed, list | dict)
    return raw if is_scalar and _is_text(annotation, scalar=True) else parsed


def _is_text(annotation: Any, *, scalar: bool = False) -> bool:
    """Return whether a value must be text; with `scalar`, if it is not a list or a mapping."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _is_text(args[0], scalar=scalar)
    if origin in (Union, types.UnionType):
        members = [member for member in args if member is not type(None)]
        if scalar:
            members = [member for member in members if not _holds_more(member)] or members
        return all(_is_text(member, scalar=scalar) for member in members)
    if origin is Literal:
        return all(isinstance(value, str) for value in args)
    return annotation is str


def _holds_more(annotation: Any) -> bool:
    """Return whether a type is that of a list, a mapping or a section."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    kind = get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, tuple | list | Mapping | BaseModel)
